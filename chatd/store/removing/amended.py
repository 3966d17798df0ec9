"""What was edited or removed while somebody was away, of what that person may read."""

from collections.abc import Sequence

from chatd.domain.members import Absence
from chatd.domain.messages import MessageRecord
from chatd.store import messages
from chatd.store.transaction import Transaction, typed_rows


async def amended(
    tx: Transaction,
    tenant: str,
    spans: Sequence[tuple[str, Absence]],
    limit: int,
) -> dict[str, list[MessageRecord]]:
    """Messages from before an absence whose last edit or removal is within it.

    By conversation, in the order of those events; the latest `limit` of each. Among
    them are those from an earlier absence.
    """
    if not spans:
        return {}
    rows = await tx.all(
        "WITH absence (id, visible_until, first, last)"
        f" AS (VALUES {typed_rows(3, len(spans), 3)})"
        " SELECT late.id FROM (SELECT m.id, row_number() OVER"
        " (PARTITION BY m.conversation_id ORDER BY m.last_event_seq DESC) AS place"
        " FROM absence a JOIN message m ON m.tenant = $1 AND m.conversation_id = a.id"
        " AND m.last_event_seq > m.seq AND m.seq <= a.visible_until"
        " AND m.last_event_seq BETWEEN a.first AND a.last) AS late"
        " WHERE late.place <= $2",
        tenant,
        limit,
        *(
            value
            for id_, one in spans
            for value in (id_, one.visible_until, one.first, one.last)
        ),
    )
    found: dict[str, list[MessageRecord]] = {}
    records = await messages.many(tx, tenant, [row[0] for row in rows])
    for record in sorted(records.values(), key=lambda one: one.last_event_seq):
        found.setdefault(record.conversation_id, []).append(record)
    return found
