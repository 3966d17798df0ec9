"""What is done with messages: send, edit, delete, page through."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from chatd import metrics
from chatd.actions import presenting
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import (
    allowed_place,
    carry_out,
    digest,
    place_of,
    require,
)
from chatd.actions.basis.facts import Place
from chatd.actions.content import attachments
from chatd.actions.content.removing import removal
from chatd.actions.saying import answers, held, texts
from chatd.clock import from_rfc3339, rfc3339
from chatd.domain.announcements import Logged
from chatd.domain.content.screening import Screened
from chatd.domain.messages import MessageRecord
from chatd.domain.people import Caller
from chatd.domain.policy import Action
from chatd.domain.texts import normal_text
from chatd.domain.verdicts import decide
from chatd.errors import Refused, invalid
from chatd.ids import new_id
from chatd.store import messages
from chatd.store.change import AlreadyDone, Change, Guard, Write
from chatd.store.messages import EditMessage, InsertMessage
from chatd.store.personal import HideMessage
from chatd.store.saying import held as held_store
from chatd.store.saying.held import HoldEdit
from chatd_protocol.chat import requests
from chatd_protocol.chat.events import MessageCreated
from chatd_protocol.chat.objects import Message, PersonName


async def send(
    context: Context, caller: Caller, request: requests.SendMessage
) -> Message:
    """Say something in a conversation; returns when it is on disk.

    A repeated `clientMessageId` is answered with what became of the first one, also
    after the right to send was lost.

    Raises:
        Refused: `not_found`, `idempotency_conflict`, `invalid_request`, or why the
            caller may not send there.
    """
    text = texts.sendable_text(
        context, request.text, "/text", files=request.attachment_ids is not None
    )
    wanted = InsertMessage(
        id=new_id(),
        conversation_id=request.conversation_id,
        author_id=caller.user_id,
        text=text,
        links_json=None if text is None else texts.links_json(text),
        reply_to_id=request.reply_to_id,
        client_message_id=request.client_message_id,
        digest=digest(request),
    )
    return await deliver(context, caller, wanted, request.attachment_ids)


RestsOn = Callable[[], Awaitable[tuple[Guard, ...]]]
"""Looks again whether a message may still be said, with each try to commit it."""


async def deliver(
    context: Context,
    caller: Caller,
    wanted: InsertMessage,
    attachment_ids: tuple[str, ...] | None = None,
    rests_on: RestsOn | None = None,
) -> Message:
    """Commit a message, once for each client id; `rests_on` says what else must hold.

    Uploads that are named are given to it; without them it has what it brings along.

    Raises:
        Refused: as `send` does.
    """
    try:
        return await _send(context, caller, wanted, attachment_ids, rests_on)
    except AlreadyDone as done:
        metrics.IDEMPOTENT_REPLAYS.inc()
        return await answers.done_before(context, caller, wanted, done.result)
    except Refused as refused:
        if refused.code == "storage_unavailable":
            # To ask the same database once more would keep the sender waiting twice.
            raise
        earlier = await answers.earlier(context, caller, wanted)
        if earlier is None:
            raise
        metrics.IDEMPOTENT_REPLAYS.inc()
        return earlier


async def _send(
    context: Context,
    caller: Caller,
    wanted: InsertMessage,
    attachment_ids: tuple[str, ...] | None,
    rests_on: RestsOn | None,
) -> Message:
    sent: list[Message] = []
    made = wanted

    async def change() -> Change:
        place = await allowed_place(context, caller, wanted.conversation_id, "send")
        if wanted.reply_to_id is not None:
            await _check_reply(context, caller, place, wanted.reply_to_id)
        write = wanted
        if attachment_ids is not None:
            files = await attachments.choose(
                context, caller, attachment_ids, "/attachmentIds"
            )
            write = replace(
                wanted, attached=files.attached, attachments_json=files.shown_json
            )
        nonlocal made
        made = write = texts.screened(place.case.policy, write)
        now_ms = context.clock.now_ms()
        author = place.case.sender.person

        def event(logged: Logged) -> MessageCreated:
            message = presenting.message(
                MessageRecord(
                    id=wanted.id,
                    conversation_id=wanted.conversation_id,
                    seq=logged.seq,
                    kind="text",
                    author_id=author.id,
                    author_name=author.name,
                    created_at_ms=now_ms,
                    last_event_seq=logged.seq,
                    text=write.text,
                    links_json=write.links_json,
                    attachments_json=write.attachments_json,
                    reply_to_id=wanted.reply_to_id,
                    client_message_id=wanted.client_message_id,
                    forwarded=wanted.forwarded,
                )
            )
            sent.append(message)
            return MessageCreated(
                conversation_id=wanted.conversation_id,
                seq=logged.seq,
                at=rfc3339(now_ms),
                actor=PersonName(id=author.id, name=author.name),
                message=message,
            )

        known = place.guards
        if rests_on is not None:
            known = tuple(dict.fromkeys((*known, *await rests_on())))
        writes = texts.written(write)
        return Change(caller.tenant, now_ms, writes, known, event=event)

    await carry_out(context, change)
    if not sent:
        return await answers.waiting(context, caller, made)
    return answers.warned(sent[-1], made.screened)


async def _check_reply(
    context: Context, caller: Caller, place: Place, message_id: str
) -> None:
    record = await context.store.read(messages.by_id, caller.tenant, message_id)
    known = record is not None and record.conversation_id == place.conversation.id
    if record is None or not known or not place.sees(record.seq):
        raise invalid("/replyToId", "not_found")


async def edit(
    context: Context, caller: Caller, request: requests.EditMessage
) -> Message:
    """Give an own message another text (ITS-139).

    Raises:
        Refused: `not_found`, `edit_conflict` when it was edited or removed meanwhile,
            `edit_window_over`, `content_held`, `invalid_request`, or why the caller
            may not.
    """
    found: Screened | None = None
    wanted = normal_text(request.text, "/text", context.limits.message_text_code_points)
    expected_ms = None
    if request.expected_edited_at is not None:
        try:
            expected_ms = from_rfc3339(request.expected_edited_at)
        except ValueError:
            raise invalid("/expectedEditedAt", "not_a_time") from None

    async def change() -> Change | None:
        place, record = await visible(context, caller, request.message_id)
        now_ms = context.clock.now_ms()
        if record.removed_at_ms is not None:
            raise Refused("edit_conflict")
        case = replace(place.case, message=record, now_ms=now_ms)
        require(decide("edit", case))
        if expected_ms is not None and expected_ms != record.edited_at_ms:
            raise Refused("edit_conflict")
        nonlocal found
        found = texts.allowed_text(place.case.policy, wanted)
        text = wanted if found is None else found.text
        if record.text == text:
            return await _as_it_was(context, caller, record)
        writes = _edited(caller, place, record, text, found)
        return Change(caller.tenant, now_ms, writes, place.guards)

    await carry_out(context, change)
    return answers.warned(await _by_id(context, caller, request.message_id), found)


async def _as_it_was(
    context: Context, caller: Caller, record: MessageRecord
) -> Change | None:
    """Nothing is edited; another text that waits is taken back by that."""
    waits = await context.store.read(held_store.of_edit, caller.tenant, record.id)
    if waits is None:
        return None
    drop = held.dropped(waits, files=False)
    return Change(caller.tenant, context.clock.now_ms(), (drop,))


def _edited(
    caller: Caller,
    place: Place,
    record: MessageRecord,
    text: str,
    found: Screened | None,
) -> tuple[Write, ...]:
    if found is not None and found.treatment == "hold":
        return (
            HoldEdit(
                id=new_id(),
                message_id=record.id,
                conversation_id=record.conversation_id,
                author_id=caller.user_id,
                text=text,
                links_json=texts.links_json(text),
                expected_ms=record.edited_at_ms,
                sorts=found.sorts,
            ),
        )
    write = EditMessage(
        id=record.id,
        conversation_id=record.conversation_id,
        actor_id=caller.user_id,
        text=text,
        links_json=texts.links_json(text),
        expected_ms=record.edited_at_ms,
        history=place.case.policy.history_for_new_members,
        keep_days=place.case.policy.retain_removed_days,
    )
    return (write, *texts.flagged(found, record.id, record.conversation_id))


async def delete(
    context: Context, caller: Caller, request: requests.DeleteMessage
) -> Message:
    """Take a message's content away for everybody (ITS-41, ITS-76, ITS-77, ITS-81), or
    hide the message from the caller alone (MOO-53, MOO-55). An own message that waits
    for a moderator, or was refused, is taken back.

    Raises:
        Refused: `not_found`, or why the caller may not.
    """
    try:
        if request.scope == "me":
            return await _hide(context, caller, request.message_id)
        return await _remove(context, caller, request.message_id)
    except Refused as refused:
        if refused.code != "not_found":
            raise
        return await held.take_back(context, caller, request.message_id)


async def _remove(context: Context, caller: Caller, message_id: str) -> Message:

    async def change() -> Change | None:
        place, record = await visible(context, caller, message_id)
        own = record.author_id == caller.user_id
        action: Action = "delete" if own else "deleteOthers"
        require(decide(action, replace(place.case, message=record)))
        if record.removed_at_ms is not None:
            return None
        writes = await removal(context, caller, record, place.case.policy)
        return Change(caller.tenant, context.clock.now_ms(), writes, place.guards)

    await carry_out(context, change)
    return await _by_id(context, caller, message_id)


async def _hide(context: Context, caller: Caller, message_id: str) -> Message:
    async def change() -> Change | None:
        place, record = await visible(context, caller, message_id)
        require(decide("deleteForMe", replace(place.case, message=record)))
        write = HideMessage(
            record.conversation_id, caller.user_id, record.id, record.seq
        )
        return Change(caller.tenant, context.clock.now_ms(), (write,), place.guards)

    await carry_out(context, change)
    return presenting.hidden(await _by_id(context, caller, message_id))


async def visible(
    context: Context, caller: Caller, message_id: str
) -> tuple[Place, MessageRecord]:
    """A message that the caller may see, and the caller's place where it is.

    Raises:
        Refused: `not_found`.
    """
    record = await context.store.read(messages.by_id, caller.tenant, message_id)
    if record is None:
        raise Refused("not_found")
    place = await place_of(context, caller, record.conversation_id)
    if not place.sees(record.seq):
        raise Refused("not_found")
    return place, record


async def _by_id(context: Context, caller: Caller, message_id: str) -> Message:
    record = await context.store.read(messages.by_id, caller.tenant, message_id)
    if record is None:
        raise Refused("not_found")
    return presenting.message(record)
