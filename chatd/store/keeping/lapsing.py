"""What the policy lets go of after some days, conversation by conversation.

Whose work that is, is a row in the database: one process at a time, and what it commits
it commits only while the row is its own.
"""

from dataclasses import dataclass

from chatd.store.effects import Effects
from chatd.store.keeping.holds import HELD
from chatd.store.transaction import Transaction


class Claimed(Exception):
    """Another process does this work."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Take work for some time, or go on with it; part of every Change that does it."""

    name: str
    holder: str
    for_ms: int


@dataclass(frozen=True, slots=True)
class SetPurged:
    """Nothing is left of what was said in a conversation up to `seq`.

    The keys under which clients sent it go, too: clients make them up.
    """

    conversation_id: str
    seq: int


async def claim(tx: Transaction, effects: Effects, write: Claim) -> None:
    """Apply a `Claim`.

    Raises:
        Claimed: it is another process's, for now.
    """
    mine = await tx.run(
        "INSERT INTO lease (tenant, name, holder, until_ms) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (tenant, name) DO UPDATE SET holder = excluded.holder,"
        " until_ms = excluded.until_ms WHERE lease.holder = excluded.holder"
        " OR lease.until_ms <= $5",
        effects.tenant,
        write.name,
        write.holder,
        effects.at_ms + write.for_ms,
        effects.at_ms,
    )
    if not mine:
        raise Claimed


async def set_purged(tx: Transaction, effects: Effects, write: SetPurged) -> None:
    """Apply a `SetPurged`."""
    where = (effects.tenant, write.conversation_id, write.seq)
    # Before the last such position nothing is left to look through.
    await tx.run(
        "UPDATE message SET client_message_id = NULL WHERE tenant = $1"
        " AND conversation_id = $2 AND seq <= $3 AND client_message_id IS NOT NULL"
        " AND seq > (SELECT c.purged_seq FROM conversation c WHERE c.tenant = $1"
        " AND c.id = $2)",
        *where,
    )
    await tx.run(
        "UPDATE conversation SET purged_seq = $3 WHERE tenant = $1 AND id = $2"
        " AND purged_seq < $3",
        *where,
    )


async def due_conversations(
    tx: Transaction, tenant: str, kind: str, before_ms: int, after: str, limit: int
) -> list[str]:
    """Conversations of a kind in which something is older than that; by id.

    One look by key for each conversation of the kind, however long it is.
    """
    rows = await tx.all(
        "SELECT c.id FROM conversation c WHERE c.tenant = $1 AND c.kind = $2"
        " AND c.id > $4 AND c.purged_seq < c.head_seq AND $3 > (SELECT m.created_at_ms"
        " FROM message m WHERE m.tenant = c.tenant AND m.conversation_id = c.id"
        " AND m.seq > c.purged_seq ORDER BY m.seq LIMIT 1)"
        " ORDER BY c.id LIMIT $5",
        tenant,
        kind,
        before_ms,
        after,
        limit,
    )
    return [row[0] for row in rows]


async def due_messages(
    tx: Transaction, tenant: str, conversation_id: str, before_ms: int, limit: int
) -> list[str]:
    """Messages of a conversation that are older than that and that nothing holds."""
    rows = await tx.all(
        "SELECT m.id FROM message m JOIN conversation c ON c.tenant = m.tenant"
        " AND c.id = m.conversation_id WHERE m.tenant = $1 AND m.conversation_id = $2"
        " AND m.seq > c.purged_seq AND m.created_at_ms < $3"
        f" AND m.removed_at_ms IS NULL AND NOT {HELD} ORDER BY m.seq LIMIT $4",
        tenant,
        conversation_id,
        before_ms,
        limit,
    )
    return [row[0] for row in rows]


async def due_waiting(
    tx: Transaction, tenant: str, kind: str, before_ms: int, limit: int
) -> list[tuple[str, str, str]]:
    """(id, conversation, author) of what waits, or was refused, since before that."""
    rows = await tx.all(
        "SELECT m.id, m.conversation_id, m.author_id FROM held_message m"
        " JOIN conversation c ON c.tenant = m.tenant AND c.id = m.conversation_id"
        " WHERE m.tenant = $1 AND c.kind = $2 AND m.created_at_ms < $3"
        f" AND NOT {HELD} ORDER BY m.id LIMIT $4",
        tenant,
        kind,
        before_ms,
        limit,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def purged_until(
    tx: Transaction, tenant: str, conversation_id: str, before_ms: int
) -> int:
    """The last position up to which every message is removed and older than that."""
    row = await tx.one(
        "SELECT coalesce((SELECT m.seq - 1 FROM message m WHERE m.tenant = c.tenant"
        " AND m.conversation_id = c.id AND m.seq > c.purged_seq"
        " AND (m.removed_at_ms IS NULL OR m.created_at_ms >= $3)"
        " ORDER BY m.seq LIMIT 1), c.head_seq)"
        " FROM conversation c WHERE c.tenant = $1 AND c.id = $2",
        tenant,
        conversation_id,
        before_ms,
    )
    return int(row[0]) if row else 0
