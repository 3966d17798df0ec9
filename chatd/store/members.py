"""Members: intervals of a log, the one source of what a person may see of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.domain.members import GUEST_SEQ, History, Interval
from chatd.store.effects import Effects
from chatd.store.transaction import SqlValue, Transaction, placeholders

EVENT_IDS_MAX = 100
"""Most people that one log row names (SPEC, Events); the rest is counted."""


@dataclass(frozen=True, slots=True)
class NewMember:
    """Somebody who becomes a member."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Join:
    """People become members at the next position of the log."""

    conversation_id: str
    members: tuple[NewMember, ...]
    actor_id: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """People cease to be members; the next position is the last that they see."""

    conversation_id: str
    user_ids: tuple[str, ...]
    actor_id: str | None


async def join(tx: Transaction, effects: Effects, write: Join) -> None:
    """Apply a `Join`. People who are members already stay as they are."""
    current = set(await current_ids(tx, effects.tenant, write.conversation_id))
    named = {one.user_id: one for one in write.members}
    # In the order in which every view shows those who came together.
    new = tuple(named[id_] for id_ in sorted(named) if id_ not in current)
    if not new:
        return
    await _no_longer_guests(tx, effects, write.conversation_id, new)
    seq = await effects.append(
        tx,
        write.conversation_id,
        kind="participants.added",
        actor_id=write.actor_id,
        data=_named([one.user_id for one in new], len(current) + len(new)),
    )
    await admit(tx, effects, write.conversation_id, seq, new)
    await effects.bump_conversation(tx, write.conversation_id)


async def part(tx: Transaction, effects: Effects, write: Part) -> None:
    """Apply a `Part`. People who are no members stay as they are."""
    current = set(await current_ids(tx, effects.tenant, write.conversation_id))
    gone = [user_id for user_id in dict.fromkeys(write.user_ids) if user_id in current]
    if not gone:
        return
    seq = await effects.append(
        tx,
        write.conversation_id,
        kind="participants.removed",
        actor_id=write.actor_id,
        data=_named(gone, len(current) - len(gone)),
    )
    await _count(tx, effects, write.conversation_id, -len(gone))
    for user_id in gone:
        await tx.run(
            "UPDATE membership SET left_seq = $4 WHERE tenant = $1"
            " AND conversation_id = $2 AND user_id = $3 AND left_seq IS NULL"
            " AND joined_seq > 0",
            effects.tenant,
            write.conversation_id,
            user_id,
            seq,
        )
        await tx.run(
            "UPDATE conversation_person SET member = 0, membership_pseq = $4,"
            " amended_after_pseq = membership_pseq, amended_after_seq = amended_seq,"
            " (left_state, left_participant_count, left_activity_ms) ="
            " (SELECT c.state, c.participant_count, c.last_activity_ms"
            " FROM conversation c WHERE c.tenant = $1 AND c.id = $2)"
            " WHERE tenant = $1 AND conversation_id = $2 AND user_id = $3",
            effects.tenant,
            write.conversation_id,
            user_id,
            await effects.move_person(tx, user_id),
        )
    await effects.bump_conversation(tx, write.conversation_id)


async def admit(
    tx: Transaction,
    effects: Effects,
    conversation_id: str,
    seq: int,
    members: Sequence[NewMember],
) -> None:
    """Make people members from `seq` on. What was before does not count as unread."""
    for member in members:
        await tx.run(
            "INSERT INTO membership (tenant, conversation_id, user_id, joined_seq)"
            " VALUES ($1, $2, $3, $4)",
            effects.tenant,
            conversation_id,
            member.user_id,
            seq,
        )
        await tx.run(
            "INSERT INTO conversation_person (tenant, conversation_id, user_id, member,"
            " membership_pseq, read_seq) VALUES ($1, $2, $3, 1, $4, $5)"
            " ON CONFLICT (tenant, user_id, conversation_id) DO UPDATE SET member = 1,"
            " membership_pseq = excluded.membership_pseq,"
            # All that was edited in the absence: what was withheld is shown again.
            " amended_after_pseq = conversation_person.membership_pseq,"
            " amended_after_seq = (SELECT coalesce(max(s.left_seq), 0)"
            " FROM membership s WHERE s.tenant = $1 AND s.conversation_id = $2"
            " AND s.user_id = $3), left_state = NULL,"
            " left_participant_count = NULL, left_activity_ms = NULL,"
            " read_seq = excluded.read_seq, marked_unread = 0",
            effects.tenant,
            conversation_id,
            member.user_id,
            await effects.move_person(tx, member.user_id),
            seq,
        )
    await _count(tx, effects, conversation_id, len(members))


async def _no_longer_guests(
    tx: Transaction,
    effects: Effects,
    conversation_id: str,
    members: Sequence[NewMember],
) -> None:
    """Who was let in by a report and is now added is a participant as any other."""
    await tx.run(
        "DELETE FROM membership WHERE tenant = $1 AND conversation_id = $2"
        f" AND joined_seq = $3 AND user_id IN ({placeholders(4, len(members))})",
        effects.tenant,
        conversation_id,
        GUEST_SEQ,
        *(one.user_id for one in members),
    )


async def _count(
    tx: Transaction, effects: Effects, conversation_id: str, by: int
) -> None:
    await tx.run(
        "UPDATE conversation SET participant_count = participant_count + $3"
        " WHERE tenant = $1 AND id = $2",
        effects.tenant,
        conversation_id,
        by,
    )


def _named(user_ids: Sequence[str], participant_count: int) -> dict[str, object]:
    return {
        "userIds": list(user_ids[:EVENT_IDS_MAX]),
        "count": len(user_ids),
        "participantCount": participant_count,
    }


def visible(person: str, seq: str, history: History) -> str:
    """SQL for what `visible_ranges` says: whether this person may see a position.

    `person` is the alias of a row of `conversation_person`, `seq` a position.
    """
    same = "{0}.tenant = {1}.tenant AND {0}.conversation_id = {1}.conversation_id"
    same += " AND {0}.user_id = {1}.user_id"
    begun = f"s.joined_seq <= {seq}"
    if history == "all":
        begun = (
            f"({begun} OR NOT EXISTS (SELECT 1 FROM membership e"
            f" WHERE {same.format('e', 's')} AND e.joined_seq < s.joined_seq))"
        )
    return (
        f"{seq} > {person}.cleared_seq AND EXISTS (SELECT 1 FROM membership s"
        f" WHERE {same.format('s', person)} AND {begun}"
        f" AND (s.left_seq IS NULL OR s.left_seq >= {seq}))"
    )


async def blind(
    tx: Transaction, tenant: str, conversation_id: str, seq: int, history: History
) -> frozenset[str]:
    """The members of now who may not see a position of the past."""
    rows = await tx.all(
        "SELECT p.user_id FROM membership o JOIN conversation_person p"
        " ON p.tenant = o.tenant AND p.conversation_id = o.conversation_id"
        " AND p.user_id = o.user_id WHERE o.tenant = $1 AND o.conversation_id = $2"
        # Whoever was there already sees it, unless it was cleared.
        " AND o.left_seq IS NULL AND ((o.joined_seq > $3 OR p.cleared_seq >= $3)"
        f" AND NOT ({visible('p', '$3', history)})"
        " OR p.hidden_messages > 0 AND EXISTS (SELECT 1 FROM message_hidden h"
        " WHERE h.tenant = p.tenant AND h.user_id = p.user_id"
        " AND h.conversation_id = p.conversation_id AND h.seq = $3))",
        tenant,
        conversation_id,
        seq,
    )
    return frozenset(row[0] for row in rows)


async def intervals(
    tx: Transaction, tenant: str, conversation_id: str, user_id: str
) -> tuple[Interval, ...]:
    """The stays of a person in a conversation, in order."""
    return (await stays(tx, tenant, user_id, [conversation_id]))[conversation_id]


async def stays(
    tx: Transaction, tenant: str, user_id: str, conversation_ids: Sequence[str]
) -> dict[str, tuple[Interval, ...]]:
    """The same in each of these; none where the person never was."""
    found: dict[str, tuple[Interval, ...]] = dict.fromkeys(conversation_ids, ())
    rows = await tx.all(
        "SELECT conversation_id, joined_seq, left_seq FROM membership"
        " WHERE tenant = $1 AND user_id = $2 AND conversation_id IN"
        f" ({placeholders(3, len(found))}) ORDER BY joined_seq",
        tenant,
        user_id,
        *found,
    )
    for id_, joined, left in rows:
        found[id_] += (Interval(joined, left),)
    return found


async def cleared(
    tx: Transaction, tenant: str, user_id: str, conversation_ids: Sequence[str]
) -> dict[str, int]:
    """Up to where a person has done away with each of these; 0 for nothing."""
    rows = await tx.all(
        "SELECT conversation_id, cleared_seq FROM conversation_person WHERE tenant = $1"
        f" AND user_id = $2 AND conversation_id IN"
        f" ({placeholders(3, len(conversation_ids))})",
        tenant,
        user_id,
        *conversation_ids,
    )
    return dict(rows)


async def current_ids(
    tx: Transaction, tenant: str, conversation_id: str
) -> tuple[str, ...]:
    """Who is a member now. A guest is none."""
    rows = await tx.all(
        "SELECT user_id FROM membership WHERE tenant = $1 AND conversation_id = $2"
        " AND left_seq IS NULL AND joined_seq > 0 ORDER BY user_id",
        tenant,
        conversation_id,
    )
    return tuple(row[0] for row in rows)


async def directs_of(
    tx: Transaction, tenant: str, user_ids: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """The direct conversations of these people, and who is in each now."""
    if not user_ids:
        return {}
    rows = await tx.all(
        "SELECT p.conversation_id, o.user_id FROM conversation_person p"
        " JOIN conversation c ON c.tenant = p.tenant AND c.id = p.conversation_id"
        " AND c.kind = 'direct' JOIN conversation_person o ON o.tenant = p.tenant"
        " AND o.conversation_id = p.conversation_id AND o.member = 1"
        f" WHERE p.tenant = $1 AND p.user_id IN ({placeholders(2, len(user_ids))})"
        " AND p.member = 1 ORDER BY p.conversation_id, o.user_id",
        tenant,
        *user_ids,
    )
    found: dict[str, dict[str, None]] = {}
    for id_, user_id in rows:
        found.setdefault(id_, {})[user_id] = None
    return {id_: tuple(people) for id_, people in found.items()}


async def current_of(
    tx: Transaction, tenant: str, conversation_ids: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Who is a member now of each of these."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(conversation_ids, ())
    if not found:
        return found
    rows = await tx.all(
        "SELECT conversation_id, user_id FROM membership WHERE tenant = $1"
        f" AND conversation_id IN ({placeholders(2, len(found))})"
        " AND left_seq IS NULL AND joined_seq > 0 ORDER BY user_id",
        tenant,
        *found,
    )
    for id_, user_id in rows:
        found[id_] += (user_id,)
    return found


async def page(
    tx: Transaction,
    tenant: str,
    conversation_id: str,
    after: tuple[str, str] | None,
    limit: int,
) -> list[str]:
    """Ids of current members by (folded name, id), after such a pair."""
    parameters: list[SqlValue] = [tenant, conversation_id, limit]
    behind = ""
    if after is not None:
        behind = " AND (p.name_folded, p.id) > ($4, $5)"
        parameters += after
    rows = await tx.all(
        "SELECT m.user_id FROM membership m"
        " JOIN person p ON p.tenant = m.tenant AND p.id = m.user_id"
        " WHERE m.tenant = $1 AND m.conversation_id = $2 AND m.left_seq IS NULL"
        f" AND m.joined_seq > 0{behind} ORDER BY p.name_folded, p.id LIMIT $3",
        *parameters,
    )
    return [row[0] for row in rows]


async def at(
    tx: Transaction, tenant: str, conversation_id: str, seq: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whose stay begins at this position, and whose ends."""
    joined = await tx.all(
        "SELECT user_id FROM membership WHERE tenant = $1 AND conversation_id = $2"
        " AND joined_seq = $3 ORDER BY user_id",
        tenant,
        conversation_id,
        seq,
    )
    left = await tx.all(
        "SELECT user_id FROM membership WHERE tenant = $1 AND conversation_id = $2"
        " AND left_seq = $3 ORDER BY user_id",
        tenant,
        conversation_id,
        seq,
    )
    return tuple(row[0] for row in joined), tuple(row[0] for row in left)


async def of_user(
    tx: Transaction, tenant: str, user_id: str
) -> tuple[tuple[str, int, int], ...]:
    """Current memberships: (conversation, joined position, head position)."""
    rows = await tx.all(
        "SELECT m.conversation_id, m.joined_seq, c.head_seq FROM membership m"
        " JOIN conversation c ON c.tenant = m.tenant AND c.id = m.conversation_id"
        " WHERE m.tenant = $1 AND m.user_id = $2 AND m.left_seq IS NULL",
        tenant,
        user_id,
    )
    return tuple((row[0], row[1], row[2]) for row in rows)


async def roster_of(
    tx: Transaction, tenant: str, conversation_id: str
) -> tuple[str, str] | None:
    """(kind, id) of the roster that a conversation follows, if it follows one."""
    row = await tx.one(
        "SELECT roster_kind, roster_id FROM conversation"
        " WHERE tenant = $1 AND id = $2 AND roster_id IS NOT NULL",
        tenant,
        conversation_id,
    )
    return None if row is None else (row[0], row[1])


async def acquainted(
    tx: Transaction, tenant: str, user_id: str, others: Sequence[str]
) -> frozenset[str]:
    """Who of these shares a conversation with a person; of a mass nobody knows who is
    in it."""
    if not others:
        return frozenset()
    rows = await tx.all(
        "SELECT DISTINCT o.user_id FROM membership m"
        " JOIN conversation c ON c.tenant = m.tenant AND c.id = m.conversation_id"
        " AND c.kind <> 'mass' AND c.state <> 'deleted'"
        " JOIN membership o ON o.tenant = m.tenant"
        " AND o.conversation_id = m.conversation_id AND o.left_seq IS NULL"
        " AND o.joined_seq > 0 WHERE m.tenant = $1 AND m.user_id = $2"
        " AND m.left_seq IS NULL AND m.joined_seq > 0"
        f" AND o.user_id IN ({placeholders(3, len(others))})",
        tenant,
        user_id,
        *others,
    )
    return frozenset(row[0] for row in rows)
