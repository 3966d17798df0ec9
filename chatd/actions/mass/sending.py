"""Mass messages from the sender's side: preview, send, undo, list (ITS-107 … 117).

A send writes the message once, into a conversation of its own, and notes whom it is
for; `delivering` does the rest. For the first seconds nobody has it.
"""

from dataclasses import dataclass

from chatd import metrics
from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out, digest
from chatd.actions.basis.facts import policy_of
from chatd.actions.basis.noting import noted
from chatd.actions.content import attachments
from chatd.actions.content.attachments import Chosen
from chatd.actions.content.removing import removal
from chatd.actions.mass import showing
from chatd.actions.mass.meant import Asked, asked
from chatd.actions.saying import texts
from chatd.domain.people import Caller, PersonRecord
from chatd.domain.texts import normal_title
from chatd.errors import Refused, invalid
from chatd.ids import new_id
from chatd.store import conversations, messages, people
from chatd.store.change import AlreadyDone, Change, Key, Write
from chatd.store.conversations import CreateConversation
from chatd.store.engine import applying
from chatd.store.mass import audience, jobs
from chatd.store.mass.audience import PutOrganisation
from chatd.store.mass.jobs import CancelMass, MassRecord, PutMass
from chatd.store.members import NewMember
from chatd.store.messages import InsertMessage
from chatd.store.people import PutPerson
from chatd.store.personal import MoveRead
from chatd.store.transaction import Transaction
from chatd_protocol.chat.social.mass import (
    AudiencePreview,
    CancelMassMessage,
    ListMassMessages,
    MassMessage,
    MassMessagePage,
    Organisation,
    PreviewAudience,
    RoleCount,
    SendMassMessage,
)

SAID_AT = 2
"""The message's position in its conversation: the beginning is the first."""


async def preview(
    context: Context, caller: Caller, request: PreviewAudience
) -> AudiencePreview:
    """How many an audience has by role, and in whose name one may send to it.

    Raises:
        Refused: why the caller may not send to many; `recipient_unknown`.
    """
    found = await context.store.read(asked, caller, request.recipients, request.roles)
    mass = found.policy.mass
    return AudiencePreview(
        count=found.total,
        roles=tuple(RoleCount(role=role, count=count) for role, count in found.counts),
        organisations=tuple(
            Organisation(unit_id=id_, name=name)
            for id_, name in found.organisations.items()
        ),
        replies=mass.replies,
        undo_seconds=mass.undo_s,
    )


@dataclass(frozen=True, slots=True)
class _Author:
    """Whom recipients see: a person, put there by `new`, who stands for a unit."""

    id: str
    new: tuple[Write, ...] = ()
    unit: str | None = None


async def send(
    context: Context, caller: Caller, request: SendMassMessage
) -> MassMessage:
    """Note a message for everybody of an audience; they get it in turns from then on.

    Raises:
        Refused: as `preview`; `invalid_request` for a text, a sender or an audience
            that is none; `content_held` for contact data that would have to wait;
            `idempotency_conflict`.
    """
    said = request.message
    files = said.attachment_ids is not None
    text = texts.sendable_text(context, said.text, "/message/text", files=files)
    title = normal_title(request.title, "/title") if request.title else ""
    key = Key(caller.user_id, request.client_request_id, digest(request))
    earlier = await context.store.read(applying.request_result, caller.tenant, key)
    if earlier is not None:
        metrics.IDEMPOTENT_REPLAYS.inc()
        return await _answer(context, caller, str(earlier["massId"]))
    id_ = new_id()

    async def change() -> Change:
        chosen = Chosen()
        if said.attachment_ids is not None:
            pointer = "/message/attachmentIds"
            chosen = await attachments.choose(
                context, caller, said.attachment_ids, pointer
            )
        found = await context.store.read(
            asked, caller, request.recipients, request.roles
        )
        if not found.total:
            raise invalid("/recipients", "nobody")
        author = await context.store.read(_author, caller, request.as_unit_id, found)
        message = InsertMessage(
            id=new_id(),
            conversation_id=id_,
            author_id=author.id,
            text=text,
            links_json=None if text is None else texts.links_json(text),
            client_message_id=f"mass:{id_}",
            digest=key.digest,
            attached=chosen.attached,
            attachments_json=chosen.shown_json,
            uploader_id=caller.user_id,
        )
        return _change(context, caller, title, author, message, found, key)

    try:
        await carry_out(context, change)
    except AlreadyDone as done:
        metrics.IDEMPOTENT_REPLAYS.inc()
        return await _answer(context, caller, str(done.result["massId"]))
    return await _answer(context, caller, id_)


def _change(
    context: Context,
    caller: Caller,
    title: str,
    author: _Author,
    message: InsertMessage,
    found: Asked,
    key: Key,
) -> Change:
    id_, now_ms = message.conversation_id, context.clock.now_ms()
    mass = found.policy.mass
    message = texts.screened(found.policy, message)
    if message.screened is not None and message.screened.treatment == "hold":
        raise Refused("content_held", contactData=list(message.screened.sorts))
    writes: tuple[Write, ...] = (
        *author.new,
        CreateConversation(
            id_, "mass", title, author.id, (NewMember(caller.user_id),), sent_to=0
        ),
        *texts.written(message),
        PutMass(
            id=id_,
            sender_id=caller.user_id,
            organisation_id=None if author.id == caller.user_id else author.id,
            reply_kind=mass.replies,
            due_ms=now_ms + mass.undo_s * 1_000,
            audience=found.audience,
        ),
    )
    unit = {} if author.unit is None else {"unit": author.unit}
    writes += (noted(caller, "mass.sent", "conversation", id_, **unit),)
    if author.id != caller.user_id:
        # What one sends in another's name is nothing that one has yet to read.
        writes += (MoveRead(id_, caller.user_id, SAID_AT),)
    return Change(
        caller.tenant, now_ms, writes, found.guards, key=key, result={"massId": id_}
    )


async def _author(
    tx: Transaction, caller: Caller, unit_id: str | None, found: Asked
) -> _Author:
    if unit_id is None:
        return _Author(caller.user_id)
    name = found.organisations.get(unit_id)
    if name is None:
        raise invalid("/asUnitId", "not_available")
    id_ = await audience.organisation(tx, caller.tenant, unit_id)
    known: PersonRecord | None = None
    if id_ is not None:
        known = await people.get(tx, caller.tenant, id_)
        if known is not None and known.name == name:
            return _Author(id_, unit=unit_id)
    person = id_ or new_id()
    put = PutPerson(person, name, ("observer",), active=False)
    if id_ is not None:
        return _Author(person, (put,), unit_id)
    return _Author(person, (put, PutOrganisation(unit_id, person)), unit_id)


async def cancel(
    context: Context, caller: Caller, request: CancelMassMessage
) -> MassMessage:
    """Undo a mass message that not everybody has yet.

    Raises:
        Refused: `not_found` for what is not the caller's; `edit_window_over` once
            everybody has it.
    """
    id_ = request.mass_message_id

    async def change() -> Change | None:
        record = await context.store.read(_own, caller, id_)
        if record.state == "cancelled":
            return None
        if record.state == "delivered":
            raise Refused("edit_window_over")
        writes: tuple[Write, ...] = (CancelMass(id_, caller.user_id),)
        if record.reply_kind == "none" or not record.delivered:
            writes += await _taken_back(context, caller, record)
        return Change(caller.tenant, context.clock.now_ms(), writes)

    await carry_out(context, change)
    return await _answer(context, caller, id_)


async def _own(tx: Transaction, caller: Caller, id_: str) -> MassRecord:
    record = (await jobs.many(tx, caller.tenant, [id_])).get(id_)
    if record is None or record.sender_id != caller.user_id:
        raise Refused("not_found")
    return record


async def _taken_back(
    context: Context, caller: Caller, record: MassRecord
) -> tuple[Write, ...]:
    read, tenant = context.store.read, caller.tenant
    _, last = (await read(conversations.headings, tenant, [record.id]))[record.id]
    said = None if last is None else await read(messages.by_id, tenant, last)
    if said is None or said.removed_at_ms is not None:
        return ()
    # As whoever is shown as its author: nobody is to see who has sent it.
    author = Caller(tenant, said.author_id)
    return await removal(context, author, said, await read(policy_of, tenant))


async def page(
    context: Context, caller: Caller, request: ListMassMessages
) -> MassMessagePage:
    """What the caller has sent, the latest first (ITS-112).

    Raises:
        Refused: an invalid cursor.
    """
    return await context.store.read(_page, caller, request)


async def _page(
    tx: Transaction, caller: Caller, request: ListMassMessages
) -> MassMessagePage:
    before = jobs.LATEST
    if request.cursor is not None:
        before = cursors.decode(request.cursor, tuple[str])[0]
    tenant, me = caller.tenant, caller.user_id
    found = await jobs.page(tx, tenant, me, before, request.limit + 1)
    records = found[: request.limit]
    shown = await showing.shown(tx, tenant, records)
    more = len(found) > request.limit
    return MassMessagePage(
        mass_messages=tuple(shown[one.id] for one in records),
        next=cursors.encode((records[-1].id,)) if more else None,
    )


async def _answer(context: Context, caller: Caller, id_: str) -> MassMessage:
    found = await context.store.read(showing.by_ids, caller.tenant, [id_])
    return found[id_]
