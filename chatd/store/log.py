"""The event log, gap-free per conversation: ids and kinds; text is joined when read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from chatd.domain.members import Range
from chatd.domain.messages import MessageRecord
from chatd.store import messages
from chatd.store.transaction import Row, SqlValue, Transaction, typed_rows

_COLUMNS = (
    "l.changed_in, l.position, l.conversation_id, l.seq, l.kind, l.at_ms, l.actor_id,"
    " w.name, l.message_id, l.data_json"
)
_TABLES = "log l LEFT JOIN person w ON w.tenant = l.tenant AND w.id = l.actor_id"


Position = tuple[int, int]
"""Of a row among all of the store's: its transaction, and its place in there."""

BEGINNING: Final[Position] = (0, 0)


@dataclass(frozen=True, slots=True)
class LogRow:
    """One event as it was logged, with the message it is about as it is now.

    `user_ids`, `count` and `participant_count` belong to the participants' events.
    `position` orders a whole store's rows and is what a tenant's cursor holds.
    """

    position: Position
    conversation_id: str
    seq: int
    kind: str
    at_ms: int
    actor_id: str | None
    actor_name: str | None
    message: MessageRecord | None
    user_ids: tuple[str, ...] = ()
    count: int = 0
    participant_count: int = 0


async def events(
    tx: Transaction,
    tenant: str,
    conversation_id: str,
    *,
    after_seq: int,
    until_seq: int,
    limit: int,
) -> list[LogRow]:
    """Rows with `after_seq < seq <= until_seq`, in order."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE l.tenant = $1"
        " AND l.conversation_id = $2 AND l.seq > $3 AND l.seq <= $4"
        " ORDER BY l.seq LIMIT $5",
        tenant,
        conversation_id,
        after_seq,
        until_seq,
        limit,
    )
    return await _with_messages(tx, tenant, rows)


async def within(
    tx: Transaction, tenant: str, spans: Sequence[tuple[str, Range]]
) -> dict[str, list[LogRow]]:
    """All rows within these ranges of conversations, by conversation and in order.

    A log has no hole: the ranges tell how many rows there will be.
    """
    if not spans:
        return {}
    rows = await tx.all(
        f"WITH span (id, first, last) AS (VALUES {typed_rows(2, len(spans), 2)})"
        f" SELECT {_COLUMNS} FROM span CROSS JOIN {_TABLES}"
        " WHERE l.tenant = $1 AND l.conversation_id = span.id"
        " AND l.seq BETWEEN span.first AND span.last",
        tenant,
        *(value for id_, one in spans for value in (id_, one.first, one.last)),
    )
    found: dict[str, list[LogRow]] = {}
    made = await _with_messages(tx, tenant, rows)
    for row in sorted(made, key=lambda one: one.seq):
        found.setdefault(row.conversation_id, []).append(row)
    return found


async def besides(
    tx: Transaction,
    tenant: str,
    conversation_id: str,
    spans: Sequence[Range],
    most: int,
) -> list[LogRow]:
    """The last rows within these ranges that are about no message, in order."""
    if not spans:
        return []
    rows = await tx.all(
        f"WITH span (id, first, last) AS (VALUES {typed_rows(3, len(spans), 2)})"
        f" SELECT {_COLUMNS} FROM span CROSS JOIN {_TABLES}"
        " WHERE l.tenant = $1 AND l.conversation_id = span.id"
        " AND l.seq BETWEEN span.first AND span.last AND l.message_id IS NULL"
        " ORDER BY l.seq DESC LIMIT $2",
        tenant,
        most,
        *(value for one in spans for value in (conversation_id, one.first, one.last)),
    )
    return [_to_row(row, None) for row in reversed(rows)]


async def tail(
    tx: Transaction, tenant: str, after: Position, limit: int
) -> list[LogRow]:
    """A tenant's rows after a position, as far as nothing can come between them.

    A transaction that began early may commit late: its rows, and all that are behind
    them, are left to a later call. Reports are excepted: neither the message that
    brings one is told, nor that a conversation began with it.
    """
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE l.tenant = $1"
        " AND (l.changed_in, l.position) > ($2, $3)"
        " AND l.changed_in < (SELECT settled_mark())"
        " AND NOT EXISTS (SELECT 1 FROM message q WHERE q.tenant = l.tenant"
        " AND q.id = l.message_id AND q.report_id IS NOT NULL)"
        " AND NOT (l.kind = 'conversation.created' AND EXISTS (SELECT 1 FROM message q"
        " WHERE q.tenant = l.tenant AND q.conversation_id = l.conversation_id"
        " AND q.seq = 2 AND q.report_id IS NOT NULL))"
        " ORDER BY l.changed_in, l.position LIMIT $4",
        tenant,
        *after,
        limit,
    )
    return await _with_messages(tx, tenant, rows)


async def _with_messages(tx: Transaction, tenant: str, rows: list[Row]) -> list[LogRow]:
    ids: list[SqlValue] = list(dict.fromkeys(row[8] for row in rows if row[8]))
    found: dict[str, MessageRecord] = {}
    for start in range(0, len(ids), 500):
        chunk = [str(id_) for id_ in ids[start : start + 500]]
        found |= await messages.many(tx, tenant, chunk)
    return [_to_row(row, found.get(row[8])) for row in rows]


def _to_row(row: Row, message: MessageRecord | None) -> LogRow:
    data = orjson.loads(row[9]) if row[9] else {}
    return LogRow(
        position=(row[0], row[1]),
        conversation_id=row[2],
        seq=row[3],
        kind=row[4],
        at_ms=row[5],
        actor_id=row[6],
        actor_name=row[7],
        message=message,
        user_ids=tuple(data.get("userIds", ())),
        count=data.get("count", 0),
        participant_count=data.get("participantCount", 0),
    )
