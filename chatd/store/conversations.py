"""Conversations: created, renamed, closed, deleted, and their facts as they are now.

What one person has of them is in `conversation_views`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chatd.domain.conversations import ConversationRecord, Kind, State
from chatd.store.effects import Effects
from chatd.store.members import NewMember, admit
from chatd.store.transaction import Row, Transaction, placeholders

COLUMNS = (
    "c.id, c.kind, c.state, c.title, c.version, c.head_seq, c.participant_count,"
    " c.created_by, c.created_at_ms, c.last_activity_ms, c.roster_kind, c.roster_id,"
    " c.direct_key, c.sent_to"
)

Stay = Literal["member", "guest", "former"]

STATE_AFTER: dict[str, State] = {
    "conversation.created": "open",
    "conversation.closed": "closed",
    "conversation.reopened": "open",
    "conversation.deleted": "deleted",
    "conversation.restored": "open",
}
"""The state that each kind of log row leaves behind."""


@dataclass(frozen=True, slots=True)
class CreateConversation:
    """A new conversation with its first members; its log begins with `seq` 1."""

    id: str
    kind: Kind
    title: str
    created_by: str | None
    members: tuple[NewMember, ...]
    roster_kind: str | None = None
    roster_id: str | None = None
    direct_key: str | None = None
    sent_to: int | None = None


@dataclass(frozen=True, slots=True)
class Rename:
    """Another title."""

    conversation_id: str
    title: str
    actor_id: str | None


@dataclass(frozen=True, slots=True)
class SetState:
    """Another state, by the log row `kind` (a key of `STATE_AFTER`)."""

    conversation_id: str
    kind: str
    actor_id: str | None


async def create(tx: Transaction, effects: Effects, write: CreateConversation) -> None:
    """Apply a `CreateConversation`."""
    await tx.run(
        "INSERT INTO conversation (tenant, id, kind, state, title, roster_kind,"
        " roster_id, direct_key, created_by, created_at_ms, last_activity_ms,"
        " changed_at_ms, sent_to)"
        " VALUES ($1, $2, $3, 'open', $4, $5, $6, $7, $8, $9, $9, $9, $10)",
        effects.tenant,
        write.id,
        write.kind,
        write.title,
        write.roster_kind,
        write.roster_id,
        write.direct_key,
        write.created_by,
        effects.at_ms,
        write.sent_to,
    )
    seq = await effects.append(
        tx,
        write.id,
        kind="conversation.created",
        actor_id=write.created_by,
    )
    await _note_title(tx, effects, write.id, seq, write.title)
    await admit(tx, effects, write.id, seq, write.members)


async def rename(tx: Transaction, effects: Effects, write: Rename) -> None:
    """Apply a `Rename`."""
    seq = await effects.append(
        tx,
        write.conversation_id,
        kind="conversation.renamed",
        actor_id=write.actor_id,
    )
    await tx.run(
        "UPDATE conversation SET title = $3 WHERE tenant = $1 AND id = $2",
        effects.tenant,
        write.conversation_id,
        write.title,
    )
    await _note_title(tx, effects, write.conversation_id, seq, write.title)


async def set_state(tx: Transaction, effects: Effects, write: SetState) -> None:
    """Apply a `SetState`."""
    await effects.append(
        tx,
        write.conversation_id,
        kind=write.kind,
        actor_id=write.actor_id,
    )
    await tx.run(
        "UPDATE conversation SET state = $3 WHERE tenant = $1 AND id = $2",
        effects.tenant,
        write.conversation_id,
        STATE_AFTER[write.kind],
    )
    await effects.bump_conversation(tx, write.conversation_id)


async def _note_title(
    tx: Transaction, effects: Effects, conversation_id: str, seq: int, title: str
) -> None:
    await tx.run(
        "INSERT INTO conversation_title (tenant, conversation_id, seq, title)"
        " VALUES ($1, $2, $3, $4)",
        effects.tenant,
        conversation_id,
        seq,
        title,
    )


def to_record(row: Row) -> ConversationRecord:
    """A row of `COLUMNS`."""
    return ConversationRecord(
        id=row[0],
        kind=row[1],
        state=row[2],
        title=row[3],
        version=row[4],
        head_seq=row[5],
        participant_count=row[6],
        created_by=row[7],
        created_at_ms=row[8],
        last_activity_ms=row[9],
        roster_kind=row[10],
        roster_id=row[11],
        direct_key=row[12],
        sent_to=row[13],
    )


async def record(
    tx: Transaction, tenant: str, conversation_id: str
) -> ConversationRecord | None:
    """The conversation as it is now."""
    return (await many(tx, tenant, [conversation_id])).get(conversation_id)


async def many(
    tx: Transaction, tenant: str, ids: Sequence[str]
) -> dict[str, ConversationRecord]:
    """Those of these conversations that there are, as they are now."""
    if not ids:
        return {}
    rows = await tx.all(
        f"SELECT {COLUMNS} FROM conversation c WHERE c.tenant = $1"
        f" AND c.id IN ({placeholders(2, len(ids))})",
        tenant,
        *ids,
    )
    return {row[0]: to_record(row) for row in rows}


async def places(
    tx: Transaction, tenant: str, after: tuple[str, str], limit: int
) -> list[tuple[str, ConversationRecord, Stay]]:
    """Who is or was in what, and how, by (user, conversation), after such a pair."""
    rows = await tx.all(
        f"SELECT {COLUMNS}, p.user_id, CASE WHEN p.member = 0 THEN 'former'"
        " WHEN EXISTS (SELECT 1 FROM membership g WHERE g.tenant = p.tenant"
        " AND g.conversation_id = p.conversation_id AND g.user_id = p.user_id"
        " AND g.joined_seq = 0) THEN 'guest' ELSE 'member' END"
        " FROM conversation_person p"
        " JOIN conversation c ON c.tenant = p.tenant AND c.id = p.conversation_id"
        " WHERE p.tenant = $1 AND (p.member = 1 OR p.left_state IS NOT NULL)"
        " AND (p.user_id, p.conversation_id) > ($2, $3)"
        " ORDER BY p.user_id, p.conversation_id LIMIT $4",
        tenant,
        *after,
        limit,
    )
    return [(row[14], to_record(row), row[15]) for row in rows]


async def joined(
    tx: Transaction, tenant: str, user_id: str
) -> list[tuple[ConversationRecord, Stay]]:
    """What a person is in now, and how: the latest activity first."""
    rows = await tx.all(
        f"SELECT {COLUMNS}, CASE WHEN m.joined_seq = 0 THEN 'guest' ELSE 'member' END"
        " FROM membership m"
        " JOIN conversation c ON c.tenant = m.tenant AND c.id = m.conversation_id"
        " WHERE m.tenant = $1 AND m.user_id = $2 AND m.left_seq IS NULL"
        " ORDER BY c.last_activity_ms DESC, c.id DESC",
        tenant,
        user_id,
    )
    return [(to_record(row), row[14]) for row in rows]


async def direct(tx: Transaction, tenant: str, key: str) -> str | None:
    """The id of the direct conversation of two people, if they have one."""
    row = await tx.one(
        "SELECT id FROM conversation WHERE tenant = $1 AND direct_key = $2", tenant, key
    )
    return None if row is None else str(row[0])


async def of_roster(
    tx: Transaction, tenant: str, kind: str, roster_id: str
) -> str | None:
    """The id of the living conversation that follows a roster, if there is one."""
    row = await tx.one(
        "SELECT id FROM conversation WHERE tenant = $1 AND roster_kind = $2"
        " AND roster_id = $3 AND state <> 'deleted'",
        tenant,
        kind,
        roster_id,
    )
    return None if row is None else str(row[0])


async def directs(tx: Transaction, tenant: str, keys: Sequence[str]) -> dict[str, str]:
    """The ids of those direct conversations that there are, by their keys."""
    if not keys:
        return {}
    rows = await tx.all(
        "SELECT direct_key, id FROM conversation WHERE tenant = $1"
        f" AND direct_key IN ({placeholders(2, len(keys))})",
        tenant,
        *keys,
    )
    return dict(rows)


async def headings(
    tx: Transaction, tenant: str, ids: Sequence[str]
) -> dict[str, tuple[str, str | None]]:
    """Title and last message's id of each of these."""
    if not ids:
        return {}
    rows = await tx.all(
        "SELECT id, title, last_message_id FROM conversation WHERE tenant = $1"
        f" AND id IN ({placeholders(2, len(ids))})",
        tenant,
        *ids,
    )
    return {row[0]: (row[1], row[2]) for row in rows}
