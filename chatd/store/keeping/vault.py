"""What was edited or removed and is kept for safeguarding, apart from all else.

Nothing is copied here unless the tenant's policy keeps it (`retain_removed_days`) or a
hold is on it; nothing reads this table but the deeds of the scope `safeguarding`, and
a report, which keeps earlier texts of the message as evidence (ITS-140).
"""

from dataclasses import dataclass
from typing import Final, Literal

from chatd.domain.content.attachments import AttachmentRecord
from chatd.store.content.attachments import COLUMNS as FILE_COLUMNS
from chatd.store.content.attachments import doom_unused, to_record
from chatd.store.effects import Effects
from chatd.store.keeping.holds import HELD
from chatd.store.transaction import Row, SqlValue, Transaction

Why = Literal["edited", "removed"]

_FILE: Final = (
    "tenant, id, message_id, uploader_id, blob, name, media_type, size, created_at_ms,"
    " alt, width, height, thumbnail"
)
_COLUMNS: Final = (
    "m.message_id, m.seq, m.conversation_id, m.author_id, m.why_kind, m.text,"
    " m.attachments_json, m.said_at_ms, m.taken_at_ms, m.taken_by"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a message said; `seq` is the log row that took it away."""

    message_id: str
    seq: int
    conversation_id: str
    author_id: str
    why: Why
    text: str | None
    attachments_json: str | None
    said_at_ms: int
    taken_at_ms: int
    taken_by: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of it is looked at; absent parts leave all."""

    conversation_id: str | None = None
    author_id: str | None = None
    message_id: str | None = None
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class EmptyVault:
    """Take these (message, seq) out of the vault for good, but for what is on hold."""

    places: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """Content that the log row `seq` is about to take away, and who does it.

    `keep_days` is how long the policy keeps it; 0: not at all.
    """

    message_id: str
    seq: int
    why: Why
    by: str | None
    keep_days: int


async def keep(tx: Transaction, effects: Effects, taken: Taken) -> None:
    """Copy a message as it stands, if the policy or a hold asks for it."""
    kept = await tx.run(
        "INSERT INTO vault (tenant, message_id, seq, conversation_id, author_id,"
        " why_kind, text, attachments_json, said_at_ms, taken_at_ms, taken_by,"
        " forwarded_author_id)"
        " SELECT m.tenant, m.id, $3, m.conversation_id, m.author_id, $4, m.text,"
        " m.attachments_json, coalesce(m.edited_at_ms, m.created_at_ms), $5, $6,"
        " m.forwarded_author_id"
        " FROM message m WHERE m.tenant = $1 AND m.id = $2 AND m.removed_at_ms IS NULL"
        f" AND (CAST($7 AS BIGINT) > 0 OR {HELD})",
        effects.tenant,
        taken.message_id,
        taken.seq,
        taken.why,
        effects.at_ms,
        taken.by,
        taken.keep_days,
    )
    if kept and taken.why == "removed":
        await tx.run(
            f"INSERT INTO vault_file ({_FILE}) SELECT {_FILE} FROM attachment"
            " WHERE tenant = $1 AND message_id = $2",
            effects.tenant,
            taken.message_id,
        )


async def empty(tx: Transaction, effects: Effects, write: EmptyVault) -> None:
    """Apply an `EmptyVault`."""
    for message_id, seq in write.places:
        gone = await tx.all(
            "DELETE FROM vault AS m WHERE m.tenant = $1 AND m.message_id = $2"
            f" AND m.seq = $3 AND NOT {HELD} RETURNING why_kind",
            effects.tenant,
            message_id,
            seq,
        )
        if gone == [("removed",)]:
            files = await tx.all(
                "DELETE FROM vault_file WHERE tenant = $1 AND message_id = $2"
                " RETURNING blob, size",
                effects.tenant,
                message_id,
            )
            await doom_unused(tx, effects, files)


async def due(
    tx: Transaction,
    tenant: str,
    *,
    before_ms: int,
    author_id: str | None = None,
    limit: int,
) -> tuple[tuple[str, int], ...]:
    """What was taken away before a moment and is not on hold, the oldest first.

    Of an author also what others forwarded.
    """
    given = () if author_id is None else (author_id,)
    whose = " AND (m.author_id = $4 OR m.forwarded_author_id = $4)"
    whose = "" if author_id is None else whose
    rows = await tx.all(
        "SELECT m.message_id, m.seq FROM vault m WHERE m.tenant = $1"
        f" AND m.taken_at_ms < $2 AND NOT {HELD}{whose}"
        " ORDER BY m.taken_at_ms, m.message_id, m.seq LIMIT $3",
        tenant,
        before_ms,
        limit,
        *given,
    )
    return tuple((row[0], row[1]) for row in rows)


async def page(
    tx: Transaction,
    tenant: str,
    wanted: Wanted,
    before: tuple[int, str, int],
    limit: int,
) -> list[Kept]:
    """The latest first, behind (time, message, seq)."""
    given: dict[str, SqlValue] = {
        "conversation_id": wanted.conversation_id,
        "author_id": wanted.author_id,
        "message_id": wanted.message_id,
        "why_kind": wanted.why,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    tests = "".join(f" AND m.{name} = ${at}" for at, name in enumerate(asked, 6))
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM vault m WHERE m.tenant = $1"
        f" AND (m.taken_at_ms, m.message_id, m.seq) < ($2, $3, $4){tests}"
        " ORDER BY m.taken_at_ms DESC, m.message_id DESC, m.seq DESC LIMIT $5",
        tenant,
        *before,
        limit,
        *asked.values(),
    )
    return [_kept(row) for row in rows]


def _kept(row: Row) -> Kept:
    return Kept(*row)


async def file(tx: Transaction, tenant: str, id_: str) -> AttachmentRecord | None:
    """A file that is kept here."""
    row = await tx.one(
        f"SELECT {FILE_COLUMNS} FROM vault_file f WHERE f.tenant = $1 AND f.id = $2",
        tenant,
        id_,
    )
    return None if row is None else to_record(row)
