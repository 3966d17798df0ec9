"""Messages that wait for a moderator: in no log, seen by their author alone.

One that is let through is written as any other, under the id that it has had all the
time, and its row here goes. One that is refused stays for its author to see, until the
author takes it back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import orjson

from chatd.domain.content.contact_data import Sort
from chatd.domain.messages import Forwarded, MessageRecord
from chatd.store.content import attachments
from chatd.store.content.waiting import tell
from chatd.store.effects import Effects
from chatd.store.keeping.holds import HELD
from chatd.store.messages import InsertMessage
from chatd.store.transaction import Row, Transaction, placeholders

State = Literal["waiting", "refused"]

OWN_MAX: Final = 20
"""Of one author in one conversation that are shown; a moderator sees all."""

_COLUMNS: Final = (
    "h.id, h.conversation_id, h.author_id, a.name, h.edits_id, h.expected_ms, h.text,"
    " h.links_json, h.attachments_json, h.reply_to_id, h.forwarded_from_id,"
    " h.forwarded_author_id, f.name, h.forwarded_at_ms, h.client_message_id, h.digest,"
    " h.sorts_json, h.state, h.created_at_ms, h.decided_at_ms, h.decided_by, m.seq,"
    " m.created_at_ms"
)
_TABLES: Final = (
    "held_message h JOIN person a ON a.tenant = h.tenant AND a.id = h.author_id"
    " LEFT JOIN person f ON f.tenant = h.tenant AND f.id = h.forwarded_author_id"
    " LEFT JOIN message m ON m.tenant = h.tenant AND m.id = h.edits_id"
)


@dataclass(frozen=True, slots=True)
class HoldMessage:
    """A new message, to wait instead of being said."""

    message: InsertMessage
    sorts: tuple[Sort, ...]


@dataclass(frozen=True, slots=True)
class HoldEdit:
    """Another text of a message, to wait; one that waits already is replaced."""

    id: str
    message_id: str
    conversation_id: str
    author_id: str
    text: str
    links_json: str | None
    expected_ms: int | None
    sorts: tuple[Sort, ...]


@dataclass(frozen=True, slots=True)
class RefuseHeld:
    """It is not said; its author is shown that it was refused."""

    id: str
    conversation_id: str
    author_id: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class DropHeld:
    """It waits no more: it is said, or taken back for good with its files.

    `lapsed`: nobody takes it back, and no hold allows it to go.
    """

    id: str
    conversation_id: str
    author_id: str
    files: bool
    lapsed: bool = False


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A message that waits, as it is to be shown.

    Of an edit, `message` has the id and the place of the message that it changes; its
    position is 0 otherwise.
    """

    id: str
    message: MessageRecord
    edits: bool
    expected_ms: int | None
    sorts: tuple[Sort, ...]
    state: State
    held_at_ms: int
    decided_at_ms: int | None
    decided_by: str | None


class Gone(Exception):
    """It was decided on or taken back meanwhile: decide again."""


async def hold(tx: Transaction, effects: Effects, write: HoldMessage) -> None:
    """Apply a `HoldMessage`: its files are its own from now on."""
    message, origin = write.message, write.message.forwarded
    if message.attached:
        await attachments.claim(
            tx, effects, message.id, message.author_id, message.attached
        )
    await tx.run(
        "INSERT INTO held_message (tenant, id, conversation_id, author_id, text,"
        " links_json, attachments_json, reply_to_id, forwarded_from_id,"
        " forwarded_author_id, forwarded_at_ms, client_message_id, digest, sorts_json,"
        " state, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
        " $12, $13, $14, 'waiting', $15)",
        effects.tenant,
        message.id,
        message.conversation_id,
        message.author_id,
        message.text,
        message.links_json,
        message.attachments_json,
        message.reply_to_id,
        origin.message_id if origin else None,
        origin.author_id if origin else None,
        origin.at_ms if origin else None,
        message.client_message_id,
        message.digest,
        orjson.dumps(write.sorts).decode(),
        effects.at_ms,
    )
    await tell(tx, effects, message.conversation_id, message.author_id, 1)


async def hold_edit(tx: Transaction, effects: Effects, write: HoldEdit) -> None:
    """Apply a `HoldEdit`."""
    replaced = await tx.run(
        "DELETE FROM held_message WHERE tenant = $1 AND edits_id = $2",
        effects.tenant,
        write.message_id,
    )
    await tx.run(
        "INSERT INTO held_message (tenant, id, conversation_id, author_id, edits_id,"
        " expected_ms, text, links_json, sorts_json, state, created_at_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', $10)",
        effects.tenant,
        write.id,
        write.conversation_id,
        write.author_id,
        write.message_id,
        write.expected_ms,
        write.text,
        write.links_json,
        orjson.dumps(write.sorts).decode(),
        effects.at_ms,
    )
    more = 0 if replaced else 1
    await tell(tx, effects, write.conversation_id, write.author_id, more)


async def refuse(tx: Transaction, effects: Effects, write: RefuseHeld) -> None:
    """Apply a `RefuseHeld`.

    Raises:
        Gone: it does not wait any more.
    """
    done = await tx.run(
        "UPDATE held_message SET state = 'refused', decided_by = $3,"
        " decided_at_ms = $4 WHERE tenant = $1 AND id = $2 AND state = 'waiting'",
        effects.tenant,
        write.id,
        write.decided_by,
        effects.at_ms,
    )
    if not done:
        raise Gone
    await tell(tx, effects, write.conversation_id, write.author_id, 0)


async def drop(tx: Transaction, effects: Effects, write: DropHeld) -> None:
    """Apply a `DropHeld`.

    Raises:
        Gone: it is not there any more, or has to stay.
    """
    unless = f" AND NOT {HELD}" if write.lapsed else ""
    done = await tx.run(
        f"DELETE FROM held_message AS m WHERE m.tenant = $1 AND m.id = $2{unless}",
        effects.tenant,
        write.id,
    )
    if not done:
        raise Gone
    if write.files:
        await attachments.release(tx, effects, write.id)
        await effects.erased(
            tx,
            "held",
            write.id,
            effects.at_ms,
            conversationId=write.conversation_id,
            author=write.author_id,
        )
    await tell(tx, effects, write.conversation_id, write.author_id, -1)


def _to_record(row: Row) -> HeldRecord:
    edits = row[4] is not None
    origin = None if row[10] is None else Forwarded(*row[10:14])
    message = MessageRecord(
        id=row[4] or row[0],
        conversation_id=row[1],
        seq=row[21] or 0,
        kind="text",
        author_id=row[2],
        author_name=row[3],
        created_at_ms=row[22] or row[18],
        last_event_seq=0,
        text=row[6],
        links_json=row[7],
        attachments_json=row[8],
        reply_to_id=row[9],
        forwarded=origin,
        client_message_id=row[14],
        digest=row[15],
    )
    return HeldRecord(
        id=row[0],
        message=message,
        edits=edits,
        expected_ms=row[5],
        sorts=tuple(orjson.loads(row[16])),
        state=row[17],
        held_at_ms=row[18],
        decided_at_ms=row[19],
        decided_by=row[20],
    )


async def by_id(tx: Transaction, tenant: str, held_id: str) -> HeldRecord | None:
    """One that waits or was refused, whoever may see it."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE h.tenant = $1 AND h.id = $2",
        tenant,
        held_id,
    )
    return None if row is None else _to_record(row)


async def of_edit(tx: Transaction, tenant: str, message_id: str) -> HeldRecord | None:
    """The other text of a message that waits or was refused."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE h.tenant = $1 AND h.edits_id = $2",
        tenant,
        message_id,
    )
    return None if row is None else _to_record(row)


async def by_client_id(
    tx: Transaction, tenant: str, author_id: str, client_message_id: str
) -> HeldRecord | None:
    """What became of a send that was to wait."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE h.tenant = $1 AND h.author_id = $2"
        " AND h.client_message_id = $3",
        tenant,
        author_id,
        client_message_id,
    )
    return None if row is None else _to_record(row)


async def queue(
    tx: Transaction, tenant: str, after_id: str, limit: int
) -> list[HeldRecord]:
    """Those that wait, the longest first (ids are made in the order of time)."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE h.tenant = $1"
        " AND h.state = 'waiting' AND h.id > $2 ORDER BY h.id LIMIT $3",
        tenant,
        after_id,
        limit,
    )
    return [_to_record(row) for row in rows]


async def own(
    tx: Transaction, tenant: str, author_id: str, conversation_ids: Sequence[str]
) -> dict[str, tuple[HeldRecord, ...]]:
    """A person's own by conversation: the latest few, in the order of time."""
    if not conversation_ids:
        return {}
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM (SELECT o.*, row_number() OVER"
        " (PARTITION BY o.conversation_id ORDER BY o.id DESC) AS place"
        " FROM held_message o WHERE o.tenant = $1 AND o.author_id = $2"
        f" AND o.conversation_id IN ({placeholders(4, len(conversation_ids))})) AS h"
        f"{_TABLES.removeprefix('held_message h')}"
        " WHERE h.place <= $3 ORDER BY h.id",
        tenant,
        author_id,
        OWN_MAX,
        *conversation_ids,
    )
    found: dict[str, tuple[HeldRecord, ...]] = {}
    for row in rows:
        found[row[1]] = (*found.get(row[1], ()), _to_record(row))
    return found
