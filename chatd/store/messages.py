"""Messages: the only place where what people write is kept.

A removal takes text, links and files out of the row; nothing else holds them. The hot
path is `insert`: four statements, all by primary key or unique index.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.domain.content.screening import Screened
from chatd.domain.members import History, Range
from chatd.domain.messages import Forwarded, MessageRecord
from chatd.store.content import attachments, former, search, waiting
from chatd.store.content.attachments import Attach
from chatd.store.effects import Effects
from chatd.store.keeping import holds, vault
from chatd.store.transaction import Row, SqlValue, Transaction, placeholders

COLUMNS = (
    "m.id, m.conversation_id, m.seq, m.kind, m.author_id, a.name, m.created_at_ms,"
    " m.last_event_seq, m.text, m.links_json, m.reply_to_id, m.client_message_id,"
    " m.digest, m.edited_at_ms, m.removed_at_ms, m.removed_by, r.name, m.notice,"
    " m.attachments_json, m.forwarded_from_id, m.forwarded_author_id, f.name,"
    " m.forwarded_at_ms, m.report_id"
)
TABLES = (
    "message m JOIN person a ON a.tenant = m.tenant AND a.id = m.author_id"
    " LEFT JOIN person r ON r.tenant = m.tenant AND r.id = m.removed_by"
    " LEFT JOIN person f ON f.tenant = m.tenant AND f.id = m.forwarded_author_id"
)


@dataclass(frozen=True, slots=True)
class InsertMessage:
    """A new message; `digest` tells whether a repeated client id means the same.

    `attached` are its files, uploads of `uploader_id`'s, if not the author's, and
    `attachments_json` is what is shown of them; `screened` is what policy made of its
    text; with `report_id` it brings a report to a teacher.
    """

    id: str
    conversation_id: str
    author_id: str
    text: str | None
    client_message_id: str
    digest: bytes
    kind: str = "text"
    links_json: str | None = None
    reply_to_id: str | None = None
    forwarded: Forwarded | None = None
    attached: tuple[Attach, ...] = ()
    attachments_json: str | None = None
    screened: Screened | None = None
    report_id: str | None = None
    uploader_id: str | None = None


@dataclass(frozen=True, slots=True)
class EditMessage:
    """Another text, if the message was not edited or removed since `expected_ms`.

    `history` is the tenant's policy for newcomers: it says who else is to be told;
    `keep_days` is how long what it said before is kept for safeguarding.
    """

    id: str
    conversation_id: str
    actor_id: str
    text: str
    links_json: str | None
    expected_ms: int | None
    history: History = "all"
    keep_days: int = 0


@dataclass(frozen=True, slots=True)
class RemoveMessage:
    """Content away for everybody; `by` is kept only where policy names the remover.

    `keep_days` is how long it is kept for safeguarding. `for_good`: no hold allows it,
    and not even the client's key is left.
    """

    id: str
    conversation_id: str
    actor_id: str | None
    by: str | None
    notice: str
    history: History = "all"
    keep_days: int = 0
    for_good: bool = False


class Conflict(Exception):
    """The message is not what the deed expected it to be: decide again."""


async def insert(tx: Transaction, effects: Effects, write: InsertMessage) -> None:
    """Apply an `InsertMessage`; the author has read up to his own message."""
    origin = write.forwarded
    if write.attached:
        whose = write.uploader_id or write.author_id
        await attachments.claim(tx, effects, write.id, whose, write.attached)
    seq = await effects.append(
        tx,
        write.conversation_id,
        kind="message.created",
        actor_id=write.author_id,
        message_id=write.id,
    )
    await tx.run(
        "INSERT INTO message (tenant, id, conversation_id, seq, kind, author_id, text,"
        " links_json, reply_to_id, client_message_id, digest, created_at_ms,"
        " last_event_seq, attachments_json, forwarded_from_id, forwarded_author_id,"
        " forwarded_at_ms, report_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $4, $13, $14,"
        " $15, $16, $17)",
        effects.tenant,
        write.id,
        write.conversation_id,
        seq,
        write.kind,
        write.author_id,
        write.text,
        write.links_json,
        write.reply_to_id,
        write.client_message_id,
        write.digest,
        effects.at_ms,
        write.attachments_json,
        origin.message_id if origin else None,
        origin.author_id if origin else None,
        origin.at_ms if origin else None,
        write.report_id,
    )
    await tx.run(
        "UPDATE conversation SET last_message_id = $3, last_activity_ms = $4"
        " WHERE tenant = $1 AND id = $2",
        effects.tenant,
        write.conversation_id,
        write.id,
        effects.at_ms,
    )
    # No position of the person's own is spent on it: every client of the author's can
    # tell from the message itself that it was read, and a busy author would wake them.
    await tx.run(
        "UPDATE conversation_person SET read_seq = $4, marked_unread = 0"
        " WHERE tenant = $1 AND conversation_id = $2 AND user_id = $3",
        effects.tenant,
        write.conversation_id,
        write.author_id,
        seq,
    )
    where = (effects.tenant, write.conversation_id, write.id)
    await search.put(tx, *where, write.text, write.attachments_json)


async def edit(tx: Transaction, effects: Effects, write: EditMessage) -> None:
    """Apply an `EditMessage`. The conversation does not move in the list (ITS-142)."""
    seq = await effects.append(
        tx,
        write.conversation_id,
        kind="message.edited",
        actor_id=write.actor_id,
        message_id=write.id,
    )
    await tell_former(tx, effects, write, seq)
    taken = vault.Taken(write.id, seq, "edited", write.actor_id, write.keep_days)
    await vault.keep(tx, effects, taken)
    changed = await tx.run(
        "UPDATE message SET text = $3, links_json = $4, last_event_seq = $5,"
        # Two edits within a millisecond still differ in their time.
        " edited_at_ms = CASE WHEN coalesce(edited_at_ms, created_at_ms) < $6 THEN $6"
        " ELSE coalesce(edited_at_ms, created_at_ms) + 1 END"
        " WHERE tenant = $1 AND id = $2 AND removed_at_ms IS NULL"
        " AND edited_at_ms IS NOT DISTINCT FROM $7",
        effects.tenant,
        write.id,
        write.text,
        write.links_json,
        seq,
        effects.at_ms,
        write.expected_ms,
    )
    if not changed:
        raise Conflict
    await waiting.drop_edits(tx, effects, write.id)
    await search.drop(tx, effects.tenant, write.id)
    shown = await attachments.shown(tx, effects.tenant, write.id)
    where = (effects.tenant, write.conversation_id, write.id)
    await search.put(tx, *where, write.text, shown)


async def remove(tx: Transaction, effects: Effects, write: RemoveMessage) -> None:
    """Apply a `RemoveMessage`."""
    seq = await effects.append(
        tx,
        write.conversation_id,
        kind="message.removed",
        actor_id=write.actor_id,
        message_id=write.id,
    )
    await tell_former(tx, effects, write, seq)
    taken = vault.Taken(write.id, seq, "removed", write.actor_id, write.keep_days)
    if write.for_good:
        await holds.unheld_message(tx, effects.tenant, write.id)
    else:
        await vault.keep(tx, effects, taken)
    changed = await tx.run(
        "UPDATE message SET text = NULL, links_json = NULL, edited_at_ms = NULL,"
        " attachments_json = NULL, digest = NULL, forwarded_from_id = NULL,"
        " forwarded_author_id = NULL, forwarded_at_ms = NULL, removed_at_ms = $3,"
        " removed_by = $4, notice = $5, last_event_seq = $6, client_message_id ="
        " CASE WHEN $7 = 1 THEN NULL ELSE client_message_id END"
        " WHERE tenant = $1 AND id = $2 AND removed_at_ms IS NULL",
        effects.tenant,
        write.id,
        effects.at_ms,
        write.by,
        write.notice,
        seq,
        int(write.for_good),
    )
    if not changed:
        raise Conflict
    await effects.erased(
        tx,
        "message",
        write.id,
        effects.at_ms,
        conversationId=write.conversation_id,
        actor=write.actor_id,
        by=write.by,
        notice=write.notice,
    )
    await search.drop(tx, effects.tenant, write.id)
    await attachments.release(tx, effects, write.id)
    await waiting.drop_edits(tx, effects, write.id)


async def tell_former(
    tx: Transaction, effects: Effects, write: EditMessage | RemoveMessage, seq: int
) -> None:
    """Tell those who have left of what the event at `seq` does to a message."""
    row = await tx.one(
        "SELECT seq, last_event_seq FROM message WHERE tenant = $1 AND id = $2",
        effects.tenant,
        write.id,
    )
    if row is None:
        raise Conflict
    change = former.Amended(
        conversation_id=write.conversation_id,
        message_seq=row[0],
        last_event_seq=row[1],
        seq=seq,
        removed=isinstance(write, RemoveMessage),
        history=write.history,
    )
    await former.tell_former(tx, effects, change)


def to_record(row: Row) -> MessageRecord:
    """A row of `COLUMNS`."""
    return MessageRecord(
        id=row[0],
        conversation_id=row[1],
        seq=row[2],
        kind=row[3],
        author_id=row[4],
        author_name=row[5],
        created_at_ms=row[6],
        last_event_seq=row[7],
        text=row[8],
        links_json=row[9],
        reply_to_id=row[10],
        client_message_id=row[11],
        digest=row[12],
        edited_at_ms=row[13],
        removed_at_ms=row[14],
        removed_by=row[15],
        removed_by_name=row[16],
        notice=row[17],
        attachments_json=row[18],
        forwarded=None if row[19] is None else Forwarded(*row[19:23]),
        report_id=row[23],
    )


async def by_id(tx: Transaction, tenant: str, message_id: str) -> MessageRecord | None:
    """One message, whoever may see it."""
    found = await many(tx, tenant, [message_id])
    return found.get(message_id)


async def many(
    tx: Transaction, tenant: str, ids: Sequence[str]
) -> dict[str, MessageRecord]:
    """Messages by id, whoever may see them."""
    if not ids:
        return {}
    rows = await tx.all(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE m.tenant = $1"
        f" AND m.id IN ({placeholders(2, len(ids))})",
        tenant,
        *ids,
    )
    return {row[0]: to_record(row) for row in rows}


async def by_client_id(
    tx: Transaction, tenant: str, author_id: str, client_message_id: str
) -> MessageRecord | None:
    """What became of a send."""
    row = await tx.one(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE m.tenant = $1 AND m.author_id = $2"
        " AND m.client_message_id = $3",
        tenant,
        author_id,
        client_message_id,
    )
    return None if row is None else to_record(row)


async def older(
    tx: Transaction,
    tenant: str,
    conversation_id: str,
    ranges: Sequence[Range],
    *,
    before: int,
    limit: int,
) -> list[MessageRecord]:
    """Messages within the ranges with `seq < before`, the latest first."""
    return await _some(
        tx,
        tenant,
        conversation_id,
        ranges,
        side=("m.seq < $3", before, "DESC"),
        limit=limit,
    )


async def newer(
    tx: Transaction,
    tenant: str,
    conversation_id: str,
    ranges: Sequence[Range],
    *,
    after: int,
    limit: int,
) -> list[MessageRecord]:
    """Messages within the ranges with `seq > after`, the earliest first."""
    return await _some(
        tx,
        tenant,
        conversation_id,
        ranges,
        side=("m.seq > $3", after, "ASC"),
        limit=limit,
    )


async def _some(
    tx: Transaction,
    tenant: str,
    conversation_id: str,
    ranges: Sequence[Range],
    *,
    side: tuple[str, int, str],
    limit: int,
) -> list[MessageRecord]:
    if not ranges:
        return []
    test, place, order = side
    bounds: list[SqlValue] = []
    parts = []
    for one in ranges:
        parts.append(f"m.seq BETWEEN ${len(bounds) + 5} AND ${len(bounds) + 6}")
        bounds += [one.first, one.last]
    rows = await tx.all(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE m.tenant = $1"
        f" AND m.conversation_id = $2 AND {test} AND ({' OR '.join(parts)})"
        f" ORDER BY m.seq {order} LIMIT $4",
        tenant,
        conversation_id,
        place,
        limit,
        *bounds,
    )
    return [to_record(row) for row in rows]
