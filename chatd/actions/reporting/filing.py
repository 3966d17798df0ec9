"""Reporting something, and taking it back.

Nothing of it is to be noticed where it happened: no row of the conversation is written
or locked, and what is kept as evidence was read before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from chatd import metrics
from chatd.actions import presenting
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out, digest, place_of, require
from chatd.actions.basis.facts import Place, parties, rules_of
from chatd.actions.content import attachments
from chatd.actions.content.attachments import Chosen
from chatd.actions.messages import visible
from chatd.actions.reporting.presenting import own
from chatd.domain.cases import Case
from chatd.domain.conversations import direct_key
from chatd.domain.members import SEQ_MAX
from chatd.domain.messages import MessageRecord
from chatd.domain.people import Caller
from chatd.domain.policy import Policy
from chatd.domain.texts import normal_draft
from chatd.domain.verdicts import decide
from chatd.errors import Refused, invalid
from chatd.ids import new_id
from chatd.store import conversations, messages, people
from chatd.store.change import AlreadyDone, Change, Guard, Key, Write
from chatd.store.conversations import CreateConversation
from chatd.store.engine import applying
from chatd.store.keeping import vault
from chatd.store.keeping.vault import Wanted
from chatd.store.members import NewMember
from chatd.store.messages import InsertMessage, RemoveMessage
from chatd.store.reporting import reading
from chatd.store.reporting.filing import FileReport, WithdrawReport
from chatd.store.transaction import Transaction
from chatd_protocol.chat.objects import WITHDRAWN, Message
from chatd_protocol.chat.reporting import reports
from chatd_protocol.chat.reporting.reports import Report

EDITS_MAX: Final = 20
"""Earlier texts that are kept with a report: the latest tell what was tried."""

Asked = reports.ReportMessage | reports.ReportConversation


async def of_message(
    context: Context, caller: Caller, request: reports.ReportMessage
) -> Report:
    """Report a message (ITS-82, TUT-27). Who has left may, about what he still sees.

    Who has reported it before to the same addressee is answered with that report.

    Raises:
        Refused: `not_found`, `invalid_request`, `idempotency_conflict`, or why the
            caller may not, or not to whom was chosen.
    """
    if (earlier := await _earlier(context, caller, request)) is not None:
        return earlier
    place, record = await visible(context, caller, request.message_id)
    case = replace(place.case, message=record)
    require(decide("report", case))
    return await _file(context, caller, request, place, record)


async def of_conversation(
    context: Context, caller: Caller, request: reports.ReportConversation
) -> Report:
    """Report a conversation as a whole (ITS-29, ITS-90).

    Raises:
        Refused: as `of_message` does.
    """
    if (earlier := await _earlier(context, caller, request)) is not None:
        return earlier
    place = await place_of(context, caller, request.conversation_id)
    require(place.may("reportConversation"))
    return await _file(context, caller, request, place, None)


def _key(caller: Caller, request: Asked) -> Key:
    return Key(caller.user_id, request.client_request_id, digest(request))


async def _earlier(context: Context, caller: Caller, request: Asked) -> Report | None:
    """What became of the same request before."""
    done = await context.store.read(
        applying.request_result, caller.tenant, _key(caller, request)
    )
    if done is None:
        return None
    metrics.IDEMPOTENT_REPLAYS.inc()
    return await _own(context, caller, str(done.get("reportId")))


async def _own(context: Context, caller: Caller, report_id: str) -> Report:
    found = await context.store.read(reading.many, caller.tenant, [report_id])
    record = found.get(report_id)
    if record is None or record.reporter_id != caller.user_id:
        raise Refused("not_found")
    return own(record)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a report rests on: to whom it goes, "" for the central queue, and the 1:1
    with them that there is; what is to be seen; the versions that were decided on."""

    destination: str
    existing: str | None
    evidence: tuple[Message, ...]
    files: Chosen
    guards: tuple[Guard, ...]


async def _file(
    context: Context,
    caller: Caller,
    request: Asked,
    place: Place,
    record: MessageRecord | None,
) -> Report:
    text = None
    if request.text is not None:
        most = context.limits.message_text_code_points
        text = normal_draft(request.text, "/text", most)
    made = [""]

    async def change() -> Change:
        found = await context.store.read(
            _find, caller, request.teacher_id, place, record
        )
        made[0] = new_id()
        sent = _sent(caller, request, text, found, made[0])
        brought = next((one for one in sent if isinstance(one, InsertMessage)), None)
        filed = FileReport(
            id=made[0],
            case_id=new_id(),
            reporter_id=caller.user_id,
            conversation_id=place.conversation.id,
            message_id=None if record is None else record.id,
            author_id=None if record is None else record.author_id,
            destination=found.destination,
            reason=request.reason,
            text=text,
            evidence_json=msgspec.json.encode(found.evidence).decode(),
            sent_conversation_id=brought.conversation_id if brought else None,
            sent_message_id=brought.id if brought else None,
            attached=found.files.attached,
        )
        return Change(
            caller.tenant,
            context.clock.now_ms(),
            (filed, *sent),
            found.guards,
            key=_key(caller, request),
            result={"reportId": made[0]},
        )

    try:
        await carry_out(context, change)
    except AlreadyDone as done:
        metrics.IDEMPOTENT_REPLAYS.inc()
        made[0] = str(done.result.get("reportId"))
    return await _own(context, caller, made[0])


async def _find(
    tx: Transaction,
    caller: Caller,
    teacher_id: str | None,
    place: Place,
    record: MessageRecord | None,
) -> _Found:
    policy, guard = await rules_of(tx, caller.tenant)
    shown, files = await _evidence(tx, caller.tenant, policy, place, record)
    # Whoever said something in it is not erased in the moment before it is kept.
    said = sorted({one.author.id for one in shown})
    speakers = await people.many(tx, caller.tenant, said)
    guards = (guard, *(Guard("person", i, one.version) for i, one in speakers.items()))
    if policy.report.to != "chosen_teacher":
        return _Found("", None, shown, files, guards)
    if teacher_id is None:
        raise invalid("/teacherId", "required")
    known = await parties(tx, caller.tenant, [caller.user_id, teacher_id])
    if caller.user_id not in known:
        raise Refused("not_found")
    teacher = known.get(teacher_id)
    case = Case(policy, known[caller.user_id], teacher, message=record)
    # Whether there is somebody of that name is told to nobody.
    require(decide("reportTo", case))
    key = direct_key(caller.user_id, teacher_id)
    guards += tuple(
        Guard("person", id_, one.person.version) for id_, one in known.items()
    )
    existing = await conversations.direct(tx, caller.tenant, key)
    return _Found(teacher_id, existing, shown, files, guards)


async def _evidence(
    tx: Transaction,
    tenant: str,
    policy: Policy,
    place: Place,
    record: MessageRecord | None,
) -> tuple[tuple[Message, ...], Chosen]:
    """What the reporter could see of it: the message with what is around it, or the
    latest messages of the conversation; and copies of the message's files."""
    around, head = policy.report.context, place.conversation.head_seq
    now = await conversations.record(tx, tenant, place.conversation.id)
    head = head if now is None or not place.case.member else now.head_seq
    here = (tenant, place.conversation.id, place.ranges(head))
    if record is None:
        most = 2 * around + 1
        latest = await messages.older(tx, *here, before=head + 1, limit=most)
        return _messages(latest[::-1]), Chosen()
    # As it is in this moment, like what is around it.
    record = await messages.by_id(tx, tenant, record.id) or record
    older = await messages.older(tx, *here, before=record.seq, limit=around)
    newer = await messages.newer(tx, *here, after=record.seq, limit=around)
    files = await attachments.copies(tx, tenant, record.id)
    kept = replace(record, attachments_json=files.shown_json)
    earlier = await _earlier_texts(tx, tenant, record)
    return _messages((*older[::-1], *earlier, kept, *newer)), files


async def _earlier_texts(
    tx: Transaction, tenant: str, record: MessageRecord
) -> list[MessageRecord]:
    """What the message said before it was edited, where the policy keeps that."""
    wanted = Wanted(message_id=record.id, why="edited")
    kept = await vault.page(tx, tenant, wanted, (SEQ_MAX, "", 0), EDITS_MAX)
    return [
        replace(
            record,
            text=one.text,
            links_json=None,
            attachments_json=None,
            edited_at_ms=(
                one.said_at_ms if one.said_at_ms > record.created_at_ms else None
            ),
        )
        for one in reversed(kept)
    ]


def _messages(records: Sequence[MessageRecord]) -> tuple[Message, ...]:
    return tuple(presenting.message(record) for record in records)


def _sent(
    caller: Caller, request: Asked, text: str | None, found: _Found, report_id: str
) -> tuple[Write, ...]:
    """The message by which a chosen teacher gets the report (ITS-84).

    No rule of writing is asked: a report must get through, whatever else may not.
    """
    if not found.destination:
        return ()
    writes: tuple[Write, ...] = ()
    id_ = found.existing
    if id_ is None:
        id_ = new_id()
        both = (NewMember(caller.user_id), NewMember(found.destination))
        key = direct_key(caller.user_id, found.destination)
        writes = (
            CreateConversation(id_, "direct", "", caller.user_id, both, direct_key=key),
        )
    brings = InsertMessage(
        id=new_id(),
        conversation_id=id_,
        author_id=caller.user_id,
        text=text,
        client_message_id=f"report:{report_id}",
        digest=digest(request),
        report_id=report_id,
    )
    return (*writes, brings)


async def withdraw(
    context: Context, caller: Caller, request: reports.WithdrawReport
) -> Report:
    """Take back an own report (ITS-87); the message that brought it loses its words.

    What was decided stays decided.

    Raises:
        Refused: `not_found` for a report that is not the caller's own.
    """

    async def change() -> Change | None:
        found = await context.store.read(
            reading.many, caller.tenant, [request.report_id]
        )
        record = found.get(request.report_id)
        if record is None or record.reporter_id != caller.user_id:
            raise Refused("not_found")
        if record.state != "open":
            return None
        concerned = await context.store.read(
            reading.concerned, caller.tenant, record.case_id
        )
        writes: tuple[Write, ...] = (
            WithdrawReport(
                record.id,
                record.case_id,
                caller.user_id,
                record.conversation_id,
                concerned,
            ),
        )
        if record.sent_message_id is not None:
            brought = await context.store.read(
                messages.by_id, caller.tenant, record.sent_message_id
            )
            if brought is not None and brought.removed_at_ms is None:
                writes += (
                    RemoveMessage(
                        id=brought.id,
                        conversation_id=brought.conversation_id,
                        actor_id=caller.user_id,
                        by=None,
                        notice=WITHDRAWN,
                    ),
                )
        return Change(caller.tenant, context.clock.now_ms(), writes)

    await carry_out(context, change)
    return await _own(context, caller, request.report_id)
