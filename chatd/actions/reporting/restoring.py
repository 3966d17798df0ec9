"""Undoing a deletion through a report (ITS-92, ITS-104)."""

from chatd.actions import presenting
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out, require
from chatd.actions.basis.noting import noted
from chatd.actions.basis.reviews import reviewed
from chatd.domain.cases import Case
from chatd.domain.people import Caller
from chatd.domain.verdicts import decide
from chatd.errors import Refused
from chatd.store import conversations, members, rosters
from chatd.store.change import Change, Guard, Write
from chatd.store.conversations import SetState
from chatd.store.members import Join, NewMember, Part
from chatd.store.personal import PermissionsMoved
from chatd.store.reporting import guests, reading
from chatd.store.transaction import Transaction
from chatd_protocol.chat.objects import ConversationFacts
from chatd_protocol.chat.reporting.reports import RestoreConversation


async def restore(
    context: Context, caller: Caller, request: RestoreConversation
) -> ConversationFacts:
    """Let people go on in a conversation that was deleted for all.

    It is for whoever looked after a report of it, or of something in it, whatever has
    become of the report. Where a course or project began another conversation since,
    both stay, and this one can only be read.

    Raises:
        Refused: without such a report `not_found`, to members `forbidden`, as for a
            kind that stays deleted; `conversation_deleted` when there is another one
            already.
    """
    id_ = request.conversation_id

    async def change() -> Change | None:
        case = await context.store.read(_case, caller, id_)
        if case.conversation is None or case.conversation.state != "deleted":
            return None
        writes, guards = await context.store.read(_writes, caller, case)
        guards += (Guard("conversation", id_, case.conversation.version),)
        note = noted(caller, "conversation.restored", "conversation", id_)
        return Change(caller.tenant, context.clock.now_ms(), (*writes, note), guards)

    await carry_out(context, change)
    found = await context.store.read(conversations.record, caller.tenant, id_)
    if found is None:
        raise Refused("not_found")
    return presenting.facts_of(found, None)


async def _case(tx: Transaction, caller: Caller, conversation_id: str) -> Case:
    for record in await reading.of_conversation(
        tx, caller.tenant, conversation_id, caller.user_id
    ):
        case = await reviewed(tx, caller, record)
        if decide("review", case).allowed:
            require(decide("restore", case))
            return case
    known = await members.intervals(tx, caller.tenant, conversation_id, caller.user_id)
    raise Refused("forbidden" if known else "not_found")


async def _writes(
    tx: Transaction, caller: Caller, case: Case
) -> tuple[tuple[Write, ...], tuple[Guard, ...]]:
    where = case.conversation
    assert where is not None
    actor = caller.user_id if case.sender.person.roles else None
    told = await guests.with_members(tx, caller.tenant, where.id)
    writes: tuple[Write, ...] = (
        SetState(where.id, "conversation.restored", actor),
        PermissionsMoved(where.id, told),
    )
    if where.roster_kind is None or where.roster_id is None:
        return writes, ()
    there = (where.roster_kind, where.roster_id)
    if await conversations.of_roster(tx, caller.tenant, *there) is not None:
        raise Refused("conversation_deleted")
    roster = await rosters.get(tx, caller.tenant, *there)
    if roster is None:
        raise Refused("conversation_deleted")
    # Nobody has followed the roster meanwhile (ITS-18, ITS-19).
    wanted = set(await rosters.member_ids(tx, caller.tenant, *there))
    here = set(await members.current_ids(tx, caller.tenant, where.id))
    if new := sorted(wanted - here):
        seats = tuple(NewMember(one) for one in new)
        writes += (Join(where.id, seats, None),)
    if gone := sorted(here - wanted):
        writes += (Part(where.id, tuple(gone), None),)
    name = f"{where.roster_kind}:{where.roster_id}"
    return writes, (Guard("roster", name, roster.version),)
