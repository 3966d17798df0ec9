"""Who looks after a report, and that each look is noted."""

from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import require
from chatd.actions.basis.facts import parties, policy_of, roster_role
from chatd.actions.basis.noting import note_look
from chatd.domain.cases import Case
from chatd.domain.people import Caller, PersonRecord
from chatd.domain.relations import Party
from chatd.domain.reporting.records import ReportRecord
from chatd.domain.verdicts import decide
from chatd.errors import Refused
from chatd.store import conversations, members
from chatd.store.reporting import reading
from chatd.store.transaction import Transaction


async def reviewed(tx: Transaction, caller: Caller, record: ReportRecord) -> Case:
    """What decides about the caller and a report, and about where it happened."""
    policy = await policy_of(tx, caller.tenant)
    known = await parties(tx, caller.tenant, [caller.user_id])
    # A service of the platform is nobody in the directory.
    me = known.get(caller.user_id) or Party(PersonRecord(caller.user_id, "", ()))
    where = await conversations.record(tx, caller.tenant, record.conversation_id)
    stays = await members.intervals(
        tx, caller.tenant, record.conversation_id, caller.user_id
    )
    return Case(
        policy,
        me,
        conversation=where,
        member=any(one.left_seq is None and not one.of_guest for one in stays),
        roster_role=None if where is None else roster_role(where, me),
        through="reviewer",
        report=record,
        scopes=caller.scopes,
    )


async def case_of(
    tx: Transaction, caller: Caller, report_id: str
) -> tuple[ReportRecord, Case]:
    """A report that the caller looks after, and what decides about it.

    Raises:
        Refused: `not_found` to all others, and for one that was withdrawn.
    """
    record = await reading.by_id(tx, caller.tenant, report_id)
    if record is None or record.state == "withdrawn":
        raise Refused("not_found")
    case = await reviewed(tx, caller, record)
    require(decide("review", case))
    return record, case


async def look(context: Context, caller: Caller, report_id: str) -> None:
    """Somebody is about to be shown something that is kept with a report.

    Raises:
        Refused: `not_found` for whoever does not look after it.
    """
    record, _ = await context.store.read(case_of, caller, report_id)
    await note_look(context, caller, "reports.read", "report", record.case_id)
