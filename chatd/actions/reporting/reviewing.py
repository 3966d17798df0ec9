"""Looking after reports: the queue, what was seen, what is decided.

Every look is noted in the audit trail before anything is shown.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec

from chatd.actions import presenting
from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out, require
from chatd.actions.basis.facts import parties, policy_of
from chatd.actions.basis.noting import note_look, noted
from chatd.actions.basis.reviews import case_of
from chatd.actions.content.removing import removal
from chatd.actions.reporting.presenting import looked_after, own
from chatd.clock import rfc3339
from chatd.domain.cases import Case
from chatd.domain.messages import MessageRecord
from chatd.domain.people import Caller
from chatd.domain.policy import Action, Policy
from chatd.domain.reporting.records import ReportRecord
from chatd.domain.texts import normal_draft
from chatd.domain.verdicts import decide
from chatd.errors import Refused, invalid
from chatd.store import messages, people
from chatd.store.change import Change, Write
from chatd.store.reporting import reading
from chatd.store.reporting.filing import ResolveCase
from chatd.store.reporting.guests import EnterAsGuest
from chatd.store.reporting.reading import Queue
from chatd.store.transaction import Transaction
from chatd_protocol.chat.objects import Conversation, Message, PersonName
from chatd_protocol.chat.reporting import reports
from chatd_protocol.chat.reporting.reports import (
    OpenedReport,
    Report,
    ReportEvidence,
    ReportPage,
)

EVIDENCE_MAX: Final = 20
"""Reports of one thing whose evidence is shown; of the same words one is enough."""

TEACHERS_MAX: Final = 100
"""Whom a reporter is offered; somebody with more teachers names one by id."""

THROUGH_REPORTS: Final[tuple[Action, ...]] = ("deleteOthers", "restore")
"""What may be done about something that was reported without being part of it."""


async def page(
    context: Context, caller: Caller, request: reports.ListReports
) -> ReportPage:
    """The caller's own reports and whom they may go to, or those to look after.

    Whoever looks after none has an empty queue. Several reports of one thing are one
    row, and no number tells how many.

    Raises:
        Refused: `invalid_request` for a cursor that is none.
    """
    before = None
    if request.cursor is not None:
        (before,) = cursors.decode(request.cursor, tuple[str])
    if request.box == "queue":
        await note_look(context, caller, "reports.read", "tenant", caller.tenant)
    return await context.store.read(_page, caller, request, before)


async def queue(
    context: Context, caller: Caller, request: reports.ListReports
) -> ReportPage:
    """Those to look after, for a service: it has none of its own.

    Raises:
        Refused: `invalid_request` for a cursor that is none.
    """
    return await page(context, caller, msgspec.structs.replace(request, box="queue"))


async def _page(
    tx: Transaction, caller: Caller, request: reports.ListReports, before: str | None
) -> ReportPage:
    state = None if request.state == "all" else request.state
    policy = await policy_of(tx, caller.tenant)
    most = request.limit + 1
    if request.box == "mine":
        found = await reading.own(
            tx, caller.tenant, caller.user_id, state=state, before=before, limit=most
        )
        shown = tuple(own(one) for one in found[: request.limit])
        ids = [one.id for one in found[: request.limit]]
        teachers = await _teachers(tx, caller, policy) if before is None else None
    else:
        whose = await _queue_of(tx, caller, policy)
        found = await reading.queue(
            tx, caller.tenant, whose, state=state, before=before, limit=most
        )
        shown = tuple(
            looked_after(one, policy, caller.scopes, one.case_id)
            for one in found[: request.limit]
        )
        ids = [one.case_id for one in found[: request.limit]]
        teachers = None
    more = len(found) > request.limit
    return ReportPage(
        reports=shown,
        next=cursors.encode((ids[-1],)) if more else None,
        teachers=teachers,
    )


async def _queue_of(tx: Transaction, caller: Caller, policy: Policy) -> Queue:
    person = await people.get(tx, caller.tenant, caller.user_id)
    roles = () if person is None else person.roles
    central = "moderation" in caller.scopes or any(
        role in policy.report.reviewers for role in roles
    )
    everything = "safeguarding" in caller.scopes
    return Queue(caller.user_id, central=central, everything=everything)


async def _teachers(
    tx: Transaction, caller: Caller, policy: Policy
) -> tuple[PersonName, ...] | None:
    """Whom the caller may choose for a report (ITS-83), by name."""
    if policy.report.to != "chosen_teacher":
        return None
    ids = await reading.candidates(
        tx, caller.tenant, caller.user_id, policy.report.reviewers, TEACHERS_MAX
    )
    known = await parties(tx, caller.tenant, [caller.user_id, *ids])
    me = known.pop(caller.user_id, None)
    if me is None:
        raise Refused("not_found")
    willing = [
        one.person
        for one in known.values()
        if decide("reportTo", Case(policy, me, one)).allowed
    ]
    willing.sort(key=lambda one: (one.name.casefold(), one.id))
    return tuple(PersonName(id=one.id, name=one.name) for one in willing)


async def open_(
    context: Context, caller: Caller, request: reports.OpenReport
) -> OpenedReport:
    """Look into a report: what was seen, how it is now, what may be done (ITS-88).

    With `enter` into a reported group, unseen until one says or does something there
    (ITS-68, ITS-90). Who is a participant anyway stays one.

    Raises:
        Refused: `not_found` for whoever does not look after it; `forbidden` to enter
            what nobody may enter by a report, or when it is resolved.
    """
    record, case = await context.store.read(case_of, caller, request.report_id)
    await note_look(context, caller, "reports.read", "report", record.case_id)
    conversation = None
    if request.enter:
        conversation = await _enter(context, caller, request.report_id)
    found, message = await context.store.read(_seen, caller.tenant, record)
    verdicts = {
        action: decide(action, replace(case, message=message))
        for action in THROUGH_REPORTS
    }
    return OpenedReport(
        report=looked_after(record, case.policy, caller.scopes, request.report_id),
        evidence=found,
        denied={
            action: verdict.code
            for action, verdict in verdicts.items()
            if not verdict.allowed
        },
        message=None if message is None else presenting.message(message),
        conversation=conversation,
    )


async def _enter(context: Context, caller: Caller, report_id: str) -> Conversation:
    where = ""

    async def change() -> Change | None:
        nonlocal where
        record, case = await context.store.read(case_of, caller, report_id)
        whole = record.message_id is None
        opens = case.policy.report.gives_access == "guest_moderator"
        person = bool(case.sender.person.roles)
        if not (whole and opens and person and record.state == "open"):
            raise Refused("forbidden")
        where = record.conversation_id
        if case.member:
            return None
        note = noted(caller, "conversation.read", "conversation", where)
        write = EnterAsGuest(where, caller.user_id, record.case_id)
        return Change(caller.tenant, context.clock.now_ms(), (write, note))

    await carry_out(context, change)
    return await presenting.conversation(context, caller, where)


async def _seen(
    tx: Transaction, tenant: str, record: ReportRecord
) -> tuple[tuple[ReportEvidence, ...], MessageRecord | None]:
    kept = await reading.evidence(tx, tenant, record.case_id, EVIDENCE_MAX)
    found: list[ReportEvidence] = []
    texts: set[str | None] = set()
    for one in kept:
        said = msgspec.json.decode(one.messages_json, type=tuple[Message, ...])
        texts_now = [m.text for m in said if m.id == record.message_id]
        text = texts_now[-1] if texts_now else None
        # Of the same words the first one is enough: no number of reporters is told.
        if found and record.message_id is not None and text in texts:
            continue
        texts.add(text)
        found.append(ReportEvidence(taken_at=rfc3339(one.taken_at_ms), messages=said))
        if record.message_id is None:
            break
    message = None
    if record.message_id is not None:
        message = await messages.by_id(tx, tenant, record.message_id)
    return tuple(found), message


async def resolve(
    context: Context, caller: Caller, request: reports.ResolveReport
) -> Report:
    """Decide about a report and all others of the same thing; who reported is told
    what came of it (TUT-29). What was decided before stays decided.

    Raises:
        Refused: `not_found` for whoever does not look after it; `invalid_request` to
            remove a message where none was reported; why it may not be removed.
    """
    note = None
    if request.note is not None:
        most = context.limits.message_text_code_points
        note = normal_draft(request.note, "/note", most)

    async def change() -> Change | None:
        record, case = await context.store.read(case_of, caller, request.report_id)
        if record.state != "open":
            return None
        concerned = await context.store.read(
            reading.concerned, caller.tenant, record.case_id
        )
        writes: Sequence[Write] = (
            ResolveCase(
                record.case_id,
                record.conversation_id,
                request.decision,
                note,
                caller.user_id,
                concerned,
            ),
            noted(
                caller,
                "report.resolved",
                "report",
                record.case_id,
                decision=request.decision,
            ),
        )
        if request.remove_message:
            writes = (*await _removal(context, caller, record, case), *writes)
        return Change(caller.tenant, context.clock.now_ms(), tuple(writes))

    await carry_out(context, change)
    record, case = await context.store.read(case_of, caller, request.report_id)
    return looked_after(record, case.policy, caller.scopes, request.report_id)


async def _removal(
    context: Context, caller: Caller, record: ReportRecord, case: Case
) -> tuple[Write, ...]:
    if record.message_id is None:
        raise invalid("/removeMessage", "no_message")
    message = await context.store.read(messages.by_id, caller.tenant, record.message_id)
    require(decide("deleteOthers", replace(case, message=message)))
    if message is None or message.removed_at_ms is not None:
        return ()
    return await removal(
        context, caller, message, case.policy, actor=bool(case.sender.person.roles)
    )
