"""What moderators do with messages that wait because of contact data (TUT-26).

Every look and every decision is in the audit trail. What is let through is said as if
its author said it now: whatever would be refused to the author now is refused then.
"""

from dataclasses import replace

from chatd.actions import presenting
from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out, place_of, require
from chatd.actions.basis.facts import Place
from chatd.actions.basis.noting import note_look, noted
from chatd.clock import rfc3339
from chatd.domain.people import Caller
from chatd.domain.verdicts import decide
from chatd.errors import Refused
from chatd.store import messages
from chatd.store.change import AlreadyDone, Change, Write
from chatd.store.messages import EditMessage, InsertMessage
from chatd.store.saying import flagged, held
from chatd.store.saying.held import DropHeld, HeldRecord, RefuseHeld
from chatd_protocol.chat.http.screening import (
    FlaggedMessage,
    FlaggedMessagePage,
    HeldMessage,
    HeldMessagePage,
    ListFlaggedMessages,
    ListHeldMessages,
    RefuseHeldMessage,
    ReleaseHeldMessage,
)
from chatd_protocol.chat.objects import Message


async def page(
    context: Context, caller: Caller, request: ListHeldMessages
) -> HeldMessagePage:
    """What waits, the longest first.

    Raises:
        Refused: `invalid_request` for a cursor that is none.
    """
    after = ""
    if request.cursor is not None:
        (after,) = cursors.decode(request.cursor, tuple[str])
    about = ("tenant", caller.tenant)
    await note_look(context, caller, "held_messages.read", *about)
    found = await context.store.read(
        held.queue, caller.tenant, after, request.limit + 1
    )
    some = found[: request.limit]
    return HeldMessagePage(
        messages=tuple(_shown(one) for one in some),
        next=cursors.encode((some[-1].id,)) if len(found) > len(some) else None,
    )


async def flagged_page(
    context: Context, caller: Caller, request: ListFlaggedMessages
) -> FlaggedMessagePage:
    """What was said with contact data in it, the latest first.

    Raises:
        Refused: `invalid_request` for a cursor that is none.
    """
    before = (2**53, "")
    if request.cursor is not None:
        before = cursors.decode(request.cursor, tuple[int, str])
    about = ("tenant", caller.tenant)
    await note_look(context, caller, "held_messages.read", *about, flagged=True)
    found = await context.store.read(
        flagged.page, caller.tenant, before, request.limit + 1
    )
    some = found[: request.limit]
    end = (some[-1].flagged_at_ms, some[-1].message.id) if some else before
    return FlaggedMessagePage(
        messages=tuple(
            FlaggedMessage(
                message=presenting.message(one.message),
                contact_data=one.sorts,
                flagged_at=rfc3339(one.flagged_at_ms),
            )
            for one in some
        ),
        next=cursors.encode(end) if len(found) > len(some) else None,
    )


async def release(
    context: Context, caller: Caller, request: ReleaseHeldMessage
) -> HeldMessage:
    """Let a message through: it is said now, and gets its place in the log.

    Raises:
        Refused: `not_found`; `edit_conflict` for another text of a message that was
            changed meanwhile; or why its author may not say it now.
    """
    told: list[HeldRecord] = []

    async def change() -> Change:
        record = await _waiting(context, caller, request.held_id)
        told.append(record)
        place, write = await _said(context, caller, record)
        # To edit a message takes away what waits to replace its text.
        gone = () if record.edits else (dropped(record, files=False),)
        writes = (write, *gone, _noted(caller, record, "released"))
        return Change(caller.tenant, context.clock.now_ms(), writes, place.guards)

    try:
        await carry_out(context, change)
    except AlreadyDone:
        # Its author sent it once more when policy had nothing against it.
        await _only_drop(context, caller, request.held_id)
    return _shown(told[-1], released=True)


async def refuse(
    context: Context, caller: Caller, request: RefuseHeldMessage
) -> HeldMessage:
    """Keep a message from being said.

    Raises:
        Refused: `not_found`.
    """

    async def change() -> Change:
        record = await _waiting(context, caller, request.held_id)
        message = record.message
        write = RefuseHeld(
            record.id, message.conversation_id, message.author_id, caller.user_id
        )
        writes = (write, _noted(caller, record, "refused"))
        return Change(caller.tenant, context.clock.now_ms(), writes)

    await carry_out(context, change)
    found = await context.store.read(held.by_id, caller.tenant, request.held_id)
    if found is None:
        raise Refused("not_found")
    return _shown(found)


async def take_back(context: Context, caller: Caller, id_: str) -> Message:
    """The author no longer wants to say it, or has seen that it was refused.

    Raises:
        Refused: `not_found`.
    """
    told: list[HeldRecord] = []

    async def change() -> Change:
        record = await context.store.read(held.by_id, caller.tenant, id_)
        if record is None or record.message.author_id != caller.user_id:
            raise Refused("not_found")
        told.append(record)
        drop = dropped(record, files=True)
        return Change(caller.tenant, context.clock.now_ms(), (drop,))

    await carry_out(context, change)
    return presenting.hidden(presenting.held(told[-1]))


async def _waiting(context: Context, caller: Caller, id_: str) -> HeldRecord:
    record = await context.store.read(held.by_id, caller.tenant, id_)
    if record is None or record.state != "waiting":
        raise Refused("not_found")
    return record


async def _said(
    context: Context, caller: Caller, record: HeldRecord
) -> tuple[Place, Write]:
    message = record.message
    author = Caller(caller.tenant, message.author_id)
    place = await place_of(context, author, message.conversation_id)
    if not record.edits:
        require(place.may("send"))
        return place, InsertMessage(
            id=record.id,
            conversation_id=message.conversation_id,
            author_id=message.author_id,
            text=message.text,
            links_json=message.links_json,
            reply_to_id=message.reply_to_id,
            client_message_id=message.client_message_id or "",
            digest=message.digest or b"",
            forwarded=message.forwarded,
            attachments_json=message.attachments_json,
        )
    now = await context.store.read(messages.by_id, caller.tenant, message.id)
    if now is None or now.removed_at_ms is not None:
        raise Refused("edit_conflict")
    if now.edited_at_ms != record.expected_ms:
        raise Refused("edit_conflict")
    # The time to edit in was up to the author, not to whoever let it wait.
    case = replace(place.case, message=now, now_ms=record.held_at_ms)
    require(decide("edit", case))
    return place, EditMessage(
        id=message.id,
        conversation_id=message.conversation_id,
        actor_id=message.author_id,
        text=message.text or "",
        links_json=message.links_json,
        expected_ms=record.expected_ms,
        history=place.case.policy.history_for_new_members,
        keep_days=place.case.policy.retain_removed_days,
    )


async def _only_drop(context: Context, caller: Caller, id_: str) -> None:
    async def change() -> Change:
        record = await _waiting(context, caller, id_)
        writes = (dropped(record, files=True), _noted(caller, record, "released"))
        return Change(caller.tenant, context.clock.now_ms(), writes)

    await carry_out(context, change)


def dropped(record: HeldRecord, *, files: bool) -> DropHeld:
    """The write by which a message waits no more; `files`: and its files go."""
    message = record.message
    return DropHeld(record.id, message.conversation_id, message.author_id, files)


def _noted(caller: Caller, record: HeldRecord, decision: str) -> Write:
    about = ("message", record.message.id)
    return noted(caller, "held_message.decided", *about, decision=decision)


def _shown(record: HeldRecord, *, released: bool = False) -> HeldMessage:
    decided = record.decided_at_ms
    return HeldMessage(
        id=record.id,
        message=presenting.message(record.message),
        contact_data=record.sorts,
        held_at=rfc3339(record.held_at_ms),
        edits=True if record.edits else None,
        state=None if released else record.state,
        decided_at=None if decided is None else rfc3339(decided),
        decided_by=record.decided_by,
    )
