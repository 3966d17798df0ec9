"""What is done with participants: list, add, remove."""

from chatd.actions import presenting
from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import allowed_place, carry_out, place_of
from chatd.actions.basis.facts import parties, policy_of
from chatd.actions.directory import availability
from chatd.domain.cases import Case
from chatd.domain.conversations import Kind
from chatd.domain.people import Caller
from chatd.domain.policy import Verdict
from chatd.domain.relations import Party, describe
from chatd.domain.verdicts import decide
from chatd.errors import Refused
from chatd.store import members, people, rosters
from chatd.store.between import acquaintances
from chatd.store.change import Change
from chatd.store.members import Join, NewMember, Part
from chatd.store.transaction import Transaction
from chatd_protocol.chat import requests
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.results import (
    AddedParticipants,
    ParticipantPage,
    RefusedRecipient,
)


async def page(
    context: Context, caller: Caller, request: requests.ListParticipants
) -> ParticipantPage:
    """The people of a conversation by name, and what links the caller to each (ITS-27).

    Raises:
        Refused: `not_found`; `not_participant` for who has left; `forbidden` for a mass
            message; an invalid cursor.
    """
    place = await place_of(context, caller, request.conversation_id)
    if place.left_seq is not None:
        raise Refused("not_participant")
    if place.conversation.kind == "mass":
        raise Refused("forbidden")  # nobody sees who else has it
    after = None
    if request.cursor is not None:
        after = cursors.decode(request.cursor, tuple[str, str])
    return await context.store.read(_page, caller, request, after)


async def _page(
    tx: Transaction,
    caller: Caller,
    request: requests.ListParticipants,
    after: tuple[str, str] | None,
) -> ParticipantPage:
    tenant, conversation_id = caller.tenant, request.conversation_id
    ids = await members.page(tx, tenant, conversation_id, after, request.limit + 1)
    more, ids = len(ids) > request.limit, ids[: request.limit]
    known = await people.many(tx, tenant, [*ids, caller.user_id])
    places = await people.enrolments(tx, tenant, [*ids, caller.user_id])
    viewer = Party(known[caller.user_id], places[caller.user_id])
    roles = await _roles(tx, tenant, conversation_id)
    count = len(await members.current_ids(tx, tenant, conversation_id))
    policy = await policy_of(tx, tenant)
    last = known[ids[-1]] if ids and more else None
    return ParticipantPage(
        participants=tuple(
            availability.stated(
                presenting.participant(
                    known[id_],
                    roles.get(id_),
                    describe(viewer, Party(known[id_], places[id_])),
                ),
                known[id_],
                policy,
            )
            for id_ in ids
        ),
        count=count,
        next=None if last is None else cursors.encode((last.name.casefold(), last.id)),
    )


async def _roles(tx: Transaction, tenant: str, conversation_id: str) -> dict[str, str]:
    roster = await members.roster_of(tx, tenant, conversation_id)
    return {} if roster is None else dict(await rosters.members(tx, tenant, *roster))


async def add(
    context: Context, caller: Caller, request: requests.AddParticipants
) -> AddedParticipants:
    """Add people to a group; they join at once (ITS-63, ITS-69).

    Who may not be written to by the caller is refused by name, the others join.

    Raises:
        Refused: `not_found`, or why the caller may not add anybody.
    """
    wanted = tuple(dict.fromkeys(request.user_ids))
    most = context.limits.recipients
    if len(wanted) > most:
        raise Refused("too_many_recipients", count=len(wanted), max=most)
    refused: list[RefusedRecipient] = []

    async def change() -> Change | None:
        refused.clear()
        place = await allowed_place(
            context, caller, request.conversation_id, "addParticipants"
        )
        codes, current = await context.store.read(
            _reachable, caller, request.conversation_id, wanted
        )
        refused.extend(
            RefusedRecipient(user_id=id_, code=code) for id_, code in codes.items()
        )
        new = tuple(
            NewMember(id_) for id_ in wanted if id_ not in codes and id_ not in current
        )
        if not new:
            return None
        write = Join(request.conversation_id, new, caller.user_id)
        now_ms = context.clock.now_ms()
        return Change(caller.tenant, now_ms, (write,), place.guards)

    await carry_out(context, change)
    shown = await presenting.conversation(context, caller, request.conversation_id)
    return AddedParticipants(conversation=shown, refused=tuple(refused))


async def _reachable(
    tx: Transaction, caller: Caller, conversation_id: str, wanted: tuple[str, ...]
) -> tuple[dict[str, str], frozenset[str]]:
    current = frozenset(await members.current_ids(tx, caller.tenant, conversation_id))
    strangers = [id_ for id_ in wanted if id_ not in current]
    return await refusals(tx, caller, strangers, kind="group"), current


async def refusals(
    tx: Transaction, caller: Caller, wanted: list[str], *, kind: Kind
) -> dict[str, str]:
    """Whom of these the caller may not write to first, with the reason's code."""
    verdicts = await judged(tx, caller, wanted, kind=kind)
    return {id_: one.code for id_, one in verdicts.items() if not one.allowed}


async def judged(
    tx: Transaction, caller: Caller, wanted: list[str], *, kind: Kind
) -> dict[str, Verdict]:
    """May the caller write first to these, in a conversation of this kind?

    A block counts in direct ones only (ITS-97).
    """
    known = await parties(tx, caller.tenant, [*wanted, caller.user_id])
    policy = await policy_of(tx, caller.tenant)
    if caller.user_id not in known:
        raise Refused("not_found")
    sender = known[caller.user_id]
    between = await acquaintances.between(tx, caller.tenant, caller.user_id, wanted)
    return {
        id_: decide(
            "initiate", Case(policy, sender, known.get(id_), between[id_], kind=kind)
        )
        for id_ in wanted
    }


async def remove(
    context: Context, caller: Caller, request: requests.RemoveParticipant
) -> Conversation:
    """Remove somebody from a group, at once (ITS-64 … 67).

    Raises:
        Refused: `not_found`, or why the caller may not.
    """

    async def change() -> Change | None:
        place = await allowed_place(
            context, caller, request.conversation_id, "removeParticipants"
        )
        target = await context.facts.place(
            caller.tenant, request.conversation_id, request.user_id
        )
        if target is None or not target.case.member:
            return None
        write = Part(request.conversation_id, (request.user_id,), caller.user_id)
        now_ms = context.clock.now_ms()
        return Change(caller.tenant, now_ms, (write,), place.guards)

    await carry_out(context, change)
    return await presenting.conversation(context, caller, request.conversation_id)
