"""Messages with contact data that were said, and that moderators are told of."""

from dataclasses import dataclass

import orjson

from chatd.domain.content.contact_data import Sort
from chatd.domain.messages import MessageRecord
from chatd.store import messages
from chatd.store.effects import Effects
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class FlagMessage:
    """Tell the moderators of a message; of one that they know, what is new."""

    message_id: str
    conversation_id: str
    sorts: tuple[Sort, ...]


@dataclass(frozen=True, slots=True)
class FlaggedRecord:
    """A message as it is now, and what was found in it when."""

    message: MessageRecord
    sorts: tuple[Sort, ...]
    flagged_at_ms: int


async def flag(tx: Transaction, effects: Effects, write: FlagMessage) -> None:
    """Apply a `FlagMessage`."""
    await tx.run(
        "INSERT INTO flagged_message (tenant, message_id, conversation_id, sorts_json,"
        " flagged_at_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, message_id)"
        " DO UPDATE SET sorts_json = excluded.sorts_json,"
        " flagged_at_ms = excluded.flagged_at_ms",
        effects.tenant,
        write.message_id,
        write.conversation_id,
        orjson.dumps(write.sorts).decode(),
        effects.at_ms,
    )


async def page(
    tx: Transaction, tenant: str, before: tuple[int, str], limit: int
) -> list[FlaggedRecord]:
    """The latest first, behind a time and an id."""
    rows = await tx.all(
        "SELECT message_id, sorts_json, flagged_at_ms FROM flagged_message"
        " WHERE tenant = $1 AND (flagged_at_ms, message_id) < ($2, $3)"
        " ORDER BY flagged_at_ms DESC, message_id DESC LIMIT $4",
        tenant,
        *before,
        limit,
    )
    known = await messages.many(tx, tenant, [row[0] for row in rows])
    return [
        FlaggedRecord(known[row[0]], tuple(orjson.loads(row[1])), row[2])
        for row in rows
        if row[0] in known
    ]
