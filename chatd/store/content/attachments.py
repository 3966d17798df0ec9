"""Files of messages: rows, and which bytes nobody needs any more.

Bytes are written before their row and deleted after it. A key is doomed before anything
is written under it and again when its last row goes, so that whatever a process was
doing when it died, the bytes are found and deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from chatd.domain.content.attachments import AttachmentRecord
from chatd.errors import Refused
from chatd.store.effects import Effects
from chatd.store.transaction import Row, Transaction, placeholders

COLUMNS: Final = (
    "f.id, f.uploader_id, f.blob, f.name, f.media_type, f.size, f.created_at_ms,"
    " f.alt, f.width, f.height, f.thumbnail, f.message_id"
)


class Taken(Exception):
    """A file is not there to be sent: it has a message already, or another owner."""


@dataclass(frozen=True, slots=True)
class Attach:
    """A file that a new message has: an upload, or a copy of another message's.

    Attributes:
        id: of the upload, or the new id of the copy.
        copy_of: the file that it is a copy of; its bytes are not doubled.
    """

    id: str
    copy_of: str | None = None


@dataclass(frozen=True, slots=True)
class DoomBlob:
    """Bytes are about to be written: unless a row comes for them, delete them then."""

    blob: str
    due_ms: int


@dataclass(frozen=True, slots=True)
class PutAttachment:
    """The row of an upload; `quota_bytes` is what all files of the tenant may take."""

    record: AttachmentRecord
    quota_bytes: int


@dataclass(frozen=True, slots=True)
class DropAttachments:
    """Uploads that no message has are forgotten; the others stay."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForgetBlobs:
    """These bytes are deleted."""

    blobs: tuple[str, ...]


async def doom(tx: Transaction, effects: Effects, write: DoomBlob) -> None:
    """Apply a `DoomBlob`."""
    await tx.run(
        "INSERT INTO doomed_blob (tenant, blob, due_ms) VALUES ($1, $2, $3)",
        effects.tenant,
        write.blob,
        write.due_ms,
    )


async def put(tx: Transaction, effects: Effects, write: PutAttachment) -> None:
    """Apply a `PutAttachment`.

    Raises:
        Refused: `storage_full` when the tenant has no room left; also when the bytes
            were given up meanwhile, which takes longer than any upload may.
    """
    record = write.record
    kept = await tx.run(
        "DELETE FROM doomed_blob WHERE tenant = $1 AND blob = $2",
        effects.tenant,
        record.blob,
    )
    used = await _use(tx, effects, record.size)
    if not kept or used > write.quota_bytes:
        raise Refused("storage_full")
    await tx.run(
        "INSERT INTO attachment (tenant, id, uploader_id, blob, name, media_type, size,"
        " created_at_ms, alt, width, height, thumbnail)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        effects.tenant,
        record.id,
        record.uploader_id,
        record.blob,
        record.name,
        record.media_type,
        record.size,
        record.created_at_ms,
        record.alt,
        record.width,
        record.height,
        int(record.thumbnail),
    )


async def _use(tx: Transaction, effects: Effects, by: int) -> int:
    row = await tx.one(
        "INSERT INTO attachment_usage (tenant, bytes) VALUES ($1, $2)"
        " ON CONFLICT (tenant) DO UPDATE"
        " SET bytes = attachment_usage.bytes + excluded.bytes RETURNING bytes",
        effects.tenant,
        by,
    )
    return int(row[0]) if row else by


async def claim(
    tx: Transaction,
    effects: Effects,
    message_id: str,
    author_id: str,
    attached: Sequence[Attach],
) -> None:
    """Give files to a new message: uploads of its author's, once each, and copies.

    Raises:
        Taken: one of them is not there to be given.
    """
    for one in attached:
        if one.copy_of is None:
            done = await tx.run(
                "UPDATE attachment SET message_id = $4 WHERE tenant = $1 AND id = $2"
                " AND uploader_id = $3 AND message_id IS NULL",
                effects.tenant,
                one.id,
                author_id,
                message_id,
            )
        else:
            done = await tx.run(
                "INSERT INTO attachment (tenant, id, uploader_id, blob, name,"
                " media_type, size, created_at_ms, alt, width, height, thumbnail,"
                " message_id) SELECT tenant, $3, $4, blob, name, media_type, size, $6,"
                " alt, width, height, thumbnail, $5 FROM attachment"
                " WHERE tenant = $1 AND id = $2 AND message_id IS NOT NULL",
                effects.tenant,
                one.copy_of,
                one.id,
                author_id,
                message_id,
                effects.at_ms,
            )
        if not done:
            raise Taken


async def drop(tx: Transaction, effects: Effects, write: DropAttachments) -> None:
    """Apply a `DropAttachments`."""
    if not write.ids:
        return
    rows = await tx.all(
        "DELETE FROM attachment WHERE tenant = $1 AND message_id IS NULL"
        f" AND id IN ({placeholders(2, len(write.ids))}) RETURNING blob, size",
        effects.tenant,
        *write.ids,
    )
    await doom_unused(tx, effects, rows)


async def release(tx: Transaction, effects: Effects, message_id: str) -> None:
    """A message has no files any more; bytes that no other message has are doomed."""
    rows = await tx.all(
        "DELETE FROM attachment WHERE tenant = $1 AND message_id = $2"
        " RETURNING blob, size",
        effects.tenant,
        message_id,
    )
    await doom_unused(tx, effects, rows)


async def doom_unused(tx: Transaction, effects: Effects, rows: Sequence[Row]) -> None:
    """Of these (blob, size), doom those that neither a message nor the vault has."""
    sizes: dict[str, int] = {row[0]: row[1] for row in rows}
    for blob, size in sizes.items():
        unused = await tx.run(
            "INSERT INTO doomed_blob (tenant, blob, due_ms) SELECT $1, $2, $3"
            " WHERE NOT EXISTS (SELECT 1 FROM attachment WHERE tenant = $1"
            " AND blob = $2) AND NOT EXISTS (SELECT 1 FROM vault_file"
            " WHERE tenant = $1 AND blob = $2) ON CONFLICT DO NOTHING",
            effects.tenant,
            blob,
            effects.at_ms,
        )
        if unused:
            await _use(tx, effects, -size)


async def forget(tx: Transaction, effects: Effects, write: ForgetBlobs) -> None:
    """Apply a `ForgetBlobs`."""
    if write.blobs:
        await tx.run(
            "DELETE FROM doomed_blob WHERE tenant = $1"
            f" AND blob IN ({placeholders(2, len(write.blobs))})",
            effects.tenant,
            *write.blobs,
        )


async def holders(
    tx: Transaction, tenant: str, message_id: str
) -> list[tuple[str, str]]:
    """(message, file) of every other message that has a copy of a message's files."""
    rows = await tx.all(
        "SELECT other.message_id, other.id FROM attachment own"
        " JOIN attachment other ON other.tenant = own.tenant"
        " AND other.blob = own.blob AND other.message_id <> own.message_id"
        # What is kept with a report belongs to no message.
        " JOIN message m ON m.tenant = other.tenant AND m.id = other.message_id"
        " WHERE own.tenant = $1 AND own.message_id = $2"
        " ORDER BY other.message_id, other.id",
        tenant,
        message_id,
    )
    return [(row[0], row[1]) for row in rows]


async def take_from(
    tx: Transaction, effects: Effects, message_id: str, ids: Sequence[str]
) -> str | None:
    """Take some of a message's files away; what is left of them, as JSON."""
    rows = await tx.all(
        "DELETE FROM attachment WHERE tenant = $1 AND message_id = $2"
        f" AND id IN ({placeholders(3, len(ids))}) RETURNING blob, size",
        effects.tenant,
        message_id,
        *ids,
    )
    await doom_unused(tx, effects, rows)
    had = await shown(tx, effects.tenant, message_id)
    left = [one for one in orjson.loads(had or "[]") if one["id"] not in ids]
    return orjson.dumps(left).decode() if left else None


async def shown(tx: Transaction, tenant: str, message_id: str) -> str | None:
    """What is shown of a message's files, as JSON."""
    row = await tx.one(
        "SELECT attachments_json FROM message WHERE tenant = $1 AND id = $2",
        tenant,
        message_id,
    )
    return row[0] if row else None


def to_record(row: Row) -> AttachmentRecord:
    """A row of `COLUMNS`."""
    return AttachmentRecord(
        id=row[0],
        uploader_id=row[1],
        blob=row[2],
        name=row[3],
        media_type=row[4],
        size=row[5],
        created_at_ms=row[6],
        alt=row[7],
        width=row[8],
        height=row[9],
        thumbnail=bool(row[10]),
        message_id=row[11],
    )


async def by_id(tx: Transaction, tenant: str, id_: str) -> AttachmentRecord | None:
    """One file, whoever may fetch it."""
    return (await many(tx, tenant, [id_])).get(id_)


async def many(
    tx: Transaction, tenant: str, ids: Sequence[str]
) -> dict[str, AttachmentRecord]:
    """Files by id, whoever may fetch them."""
    if not ids:
        return {}
    rows = await tx.all(
        f"SELECT {COLUMNS} FROM attachment f WHERE f.tenant = $1"
        f" AND f.id IN ({placeholders(2, len(ids))})",
        tenant,
        *ids,
    )
    return {row[0]: to_record(row) for row in rows}


async def of_message(
    tx: Transaction, tenant: str, message_id: str
) -> tuple[AttachmentRecord, ...]:
    """The files of a message, in no order that counts."""
    rows = await tx.all(
        f"SELECT {COLUMNS} FROM attachment f WHERE f.tenant = $1"
        " AND f.message_id = $2 ORDER BY f.id",
        tenant,
        message_id,
    )
    return tuple(to_record(row) for row in rows)


async def usage(tx: Transaction, tenant: str, user_id: str) -> tuple[int, int]:
    """Bytes of a tenant's files; how many uploads of a person wait to be sent."""
    total = await tx.one("SELECT bytes FROM attachment_usage WHERE tenant = $1", tenant)
    waiting = await tx.one(
        "SELECT count(*) FROM attachment WHERE tenant = $1 AND uploader_id = $2"
        " AND message_id IS NULL",
        tenant,
        user_id,
    )
    return int(total[0]) if total else 0, int(waiting[0]) if waiting else 0


async def unclaimed(
    tx: Transaction, before_ms: int, limit: int
) -> list[tuple[str, str]]:
    """(tenant, id) of uploads from before a moment that no message has."""
    rows = await tx.all(
        "SELECT tenant, id FROM attachment WHERE message_id IS NULL"
        " AND created_at_ms < $1 ORDER BY created_at_ms LIMIT $2",
        before_ms,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def doomed(tx: Transaction, now_ms: int, limit: int) -> list[tuple[str, str]]:
    """(tenant, blob) of bytes whose time has come."""
    rows = await tx.all(
        "SELECT tenant, blob FROM doomed_blob WHERE due_ms <= $1"
        " ORDER BY due_ms LIMIT $2",
        now_ms,
        limit,
    )
    return [(row[0], row[1]) for row in rows]
