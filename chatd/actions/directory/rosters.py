"""Courses, projects, groups, units and who is on them; conversations follow (ITS-17).

Who is put on a roster joins the roster's conversation in the same Change, who is taken
off leaves it (ITS-18, ITS-19). Each kind is a row of functions made from one pattern.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from chatd.actions.basis.context import Context
from chatd.actions.directory.deciding import commit, require_tenant
from chatd.actions.directory.groups import following, talks
from chatd.actions.directory.people import is_deleted
from chatd.actions.directory.telling import of_relations, of_units
from chatd.domain.conversations import ConversationRecord
from chatd.domain.people import Caller
from chatd.errors import Refused, invalid
from chatd.store import conversations, members, people, rosters
from chatd.store.change import Guard, Write
from chatd.store.conversations import Rename, SetState
from chatd.store.members import Join, NewMember, Part
from chatd.store.personal import PermissionsMoved
from chatd.store.rosters import (
    PutRoster,
    PutRosterMember,
    RemoveRoster,
    RemoveRosterMember,
    RosterRecord,
)
from chatd.store.transaction import Transaction
from chatd_protocol.chat.directory import Member
from chatd_protocol.chat.results import Empty

Plan = tuple[tuple[Write, ...], tuple[Guard, ...]]


@dataclass(frozen=True, slots=True)
class _Place:
    """What is known of people's places on a roster before they are changed."""

    roster: RosterRecord | None
    known: frozenset[str]
    roles: Mapping[str, str]
    conversation_id: str | None


async def put(context: Context, caller: Caller, wanted: PutRoster) -> RosterRecord:
    """Add a roster or replace its facts; the title of its conversation follows.

    Raises:
        Refused: `not_found` for the tenant; `invalid_request` for a parent or course
            that does not exist, or a parent below the unit itself.
    """
    await require_tenant(context, caller)
    moved = False

    async def decide() -> tuple[None, tuple[Write, ...], tuple[Guard, ...]]:
        nonlocal moved
        await context.store.read(_check_above, caller.tenant, wanted)
        now, conversation = await context.store.read(_roster, caller.tenant, wanted)
        moved = now is not None and now.parent_id != wanted.parent_id
        guard = _guard(wanted.kind, wanted.id, now)
        writes: list[Write] = [wanted]
        # A title that somebody chose stays.
        if now and conversation and now.name == conversation.title != wanted.name:
            writes.append(Rename(conversation.id, wanted.name, None))
        if wanted.kind == "group":
            found = conversation.id if conversation else None
            writes += await context.store.read(following, caller.tenant, wanted, found)
        return None, tuple(writes), (guard,)

    await commit(context, caller, decide)
    if moved:
        below = await context.store.read(
            rosters.below, caller.tenant, wanted.kind, wanted.id
        )
        await of_units(context, caller.tenant, below)
    return await get(context, caller, wanted.kind, wanted.id)


async def get(
    context: Context, caller: Caller, kind: str, roster_id: str
) -> RosterRecord:
    """Read one roster.

    Raises:
        Refused: `not_found`.
    """
    found = await context.store.read(rosters.get, caller.tenant, kind, roster_id)
    if found is None:
        raise Refused("not_found")
    return found


async def delete(context: Context, caller: Caller, kind: str, roster_id: str) -> Empty:
    """Take a roster out; its conversation can only be read from then on.

    What connected its people, and those of the units below it, is gone with it.
    """
    wanted = RemoveRoster(kind, roster_id)
    below = await context.store.read(rosters.below, caller.tenant, kind, roster_id)

    async def decide() -> tuple[Empty, tuple[Write, ...], tuple[Guard, ...]]:
        now, conversation = await context.store.read(_roster, caller.tenant, wanted)
        if now is None:
            return Empty(), (), ()
        writes: tuple[Write, ...] = (wanted,)
        if conversation is not None:
            told = await context.store.read(
                members.current_ids, caller.tenant, conversation.id
            )
            writes += (
                SetState(conversation.id, "conversation.deleted", None),
                PermissionsMoved(conversation.id, told),
            )
        return Empty(), writes, (_guard(kind, roster_id, now),)

    answer = await commit(context, caller, decide)
    await of_units(context, caller.tenant, below)
    return answer


async def put_member(
    context: Context, caller: Caller, wanted: PutRosterMember
) -> Member:
    """Put somebody on a roster, or change their role there.

    Raises:
        Refused: `not_found` when there is no such roster or person.
    """
    if await put_members(context, caller, [wanted]):
        raise Refused("not_found")
    return msgspec.convert({"userId": wanted.user_id, "role": wanted.role}, Member)


async def put_members(
    context: Context, caller: Caller, wanted: Sequence[PutRosterMember]
) -> Collection[str]:
    """The same for several people of one roster, whose conversation is told once.

    Returns:
        The ids of which nobody is known; the others are on the roster.

    Raises:
        Refused: `not_found` when there is no such roster.
    """
    kind, roster_id = wanted[0].kind, wanted[0].roster_id
    ids = [one.user_id for one in wanted]

    async def look() -> _Place:
        return await context.store.read(_place, caller.tenant, kind, roster_id, ids)

    async def decide() -> tuple[_Place, tuple[Write, ...], tuple[Guard, ...]]:
        place = await look()
        if place.roster is None:
            raise Refused("not_found")
        moved = _moved(place, wanted)
        ids_moved = [one.user_id for one in moved]
        told = await context.store.read(of_relations, caller.tenant, ids_moved)
        writes = (*moved, *_following(place, moved), *told) if moved else ()
        return place, writes, (_guard(kind, roster_id, place.roster),)

    before = await commit(context, caller, decide)
    # A conversation of the roster may have begun between the look and the write; it
    # saw the roster as it was. Nothing guards against what is not there yet.
    after = await look()
    moved = _moved(before, wanted)
    if moved and after.conversation_id not in (None, before.conversation_id):

        async def join() -> tuple[None, tuple[Write, ...], tuple[Guard, ...]]:
            return None, _following(after, moved), ()

        await commit(context, caller, join)
    return set(ids) - before.known


async def delete_member(
    context: Context, caller: Caller, wanted: RemoveRosterMember
) -> Empty:
    """Take somebody off a roster, if they are on it.

    Raises:
        Refused: `not_found` when there is no such roster.
    """

    async def decide() -> tuple[Empty, tuple[Write, ...], tuple[Guard, ...]]:
        place = await context.store.read(
            _place, caller.tenant, wanted.kind, wanted.roster_id, [wanted.user_id]
        )
        if place.roster is None:
            raise Refused("not_found")
        if not place.roles:
            return Empty(), (), ()
        writes: tuple[Write, ...] = (wanted,)
        if place.conversation_id is not None:
            writes += (Part(place.conversation_id, (wanted.user_id,), None),)
        writes += await context.store.read(
            of_relations, caller.tenant, [wanted.user_id]
        )
        guard = _guard(wanted.kind, wanted.roster_id, place.roster)
        return Empty(), writes, (guard,)

    return await commit(context, caller, decide)


def _moved(
    place: _Place, wanted: Sequence[PutRosterMember]
) -> tuple[PutRosterMember, ...]:
    return tuple(
        one
        for one in wanted
        if one.user_id in place.known and place.roles.get(one.user_id) != one.role
    )


def _following(place: _Place, moved: Sequence[PutRosterMember]) -> tuple[Write, ...]:
    """What the roster's conversation does: take people in, or tell them anew."""
    id_ = place.conversation_id
    if id_ is None:
        return ()
    join = Join(id_, tuple(NewMember(one.user_id) for one in moved), None)
    told = tuple(one.user_id for one in moved if one.user_id in place.roles)
    return (join, PermissionsMoved(id_, told)) if told else (join,)


def _guard(kind: str, roster_id: str, now: RosterRecord | None) -> Guard:
    return Guard("roster", f"{kind}:{roster_id}", now.version if now else 0)


async def _roster(
    tx: Transaction, tenant: str, wanted: PutRoster | RemoveRoster
) -> tuple[RosterRecord | None, ConversationRecord | None]:
    now = await rosters.get(tx, tenant, wanted.kind, wanted.id)
    found = await conversations.of_roster(tx, tenant, wanted.kind, wanted.id)
    record = await conversations.record(tx, tenant, found) if found else None
    return now, record


async def _place(
    tx: Transaction, tenant: str, kind: str, roster_id: str, user_ids: Sequence[str]
) -> _Place:
    found = await people.many(tx, tenant, user_ids)
    roster = await rosters.get(tx, tenant, kind, roster_id)
    silent = roster is not None and not talks(roster)
    conversation_id = await conversations.of_roster(tx, tenant, kind, roster_id)
    return _Place(
        roster=roster,
        known=frozenset(id_ for id_, one in found.items() if not is_deleted(one)),
        roles=await rosters.roles_on(tx, tenant, kind, roster_id, user_ids),
        conversation_id=None if silent else conversation_id,
    )


async def _check_above(tx: Transaction, tenant: str, wanted: PutRoster) -> None:
    course = wanted.course_id
    if course is not None and await rosters.get(tx, tenant, "course", course) is None:
        raise invalid("/courseId", "unknown")
    above, seen = wanted.parent_id, {wanted.id}
    while above is not None:
        if above in seen:
            raise invalid("/parentId", "below_itself")
        seen.add(above)
        found = await rosters.get(tx, tenant, wanted.kind, above)
        if found is None and above == wanted.parent_id:
            raise invalid("/parentId", "unknown")
        above = found.parent_id if found else None
