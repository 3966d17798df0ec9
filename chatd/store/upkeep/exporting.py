"""What a person is handed out of their own: which conversations, what they said."""

from dataclasses import dataclass

from chatd.domain.content.attachments import AttachmentRecord
from chatd.domain.messages import MessageRecord
from chatd.store import messages
from chatd.store.content.attachments import COLUMNS as FILE_COLUMNS
from chatd.store.content.attachments import to_record as to_file
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Half:
    """How the person stands to another one, as the person knows it."""

    other_id: str
    contact: str
    blocked: bool


async def acquainted(tx: Transaction, tenant: str, user_id: str) -> list[Half]:
    """Contacts and blocks of the person. A request that a block hides stays hidden."""
    rows = await tx.all(
        "SELECT other_id, CASE WHEN blocked = 1 AND contact = 'received' THEN 'none'"
        " ELSE contact END, blocked FROM acquaintance WHERE tenant = $1"
        " AND user_id = $2 AND (contact <> 'none' OR blocked = 1) ORDER BY other_id",
        tenant,
        user_id,
    )
    return [Half(row[0], row[1], bool(row[2])) for row in rows]


async def conversations_of(
    tx: Transaction, tenant: str, user_id: str, after: str, limit: int
) -> list[str]:
    """Every conversation that the person is or was in, by id."""
    rows = await tx.all(
        "SELECT conversation_id FROM conversation_person WHERE tenant = $1"
        " AND user_id = $2 AND conversation_id > $3 ORDER BY conversation_id LIMIT $4",
        tenant,
        user_id,
        after,
        limit,
    )
    return [row[0] for row in rows]


async def own_messages(
    tx: Transaction, tenant: str, user_id: str, after: str, limit: int
) -> list[MessageRecord]:
    """What the person said and is still there, by id, wherever it was said."""
    rows = await tx.all(
        f"SELECT {messages.COLUMNS} FROM {messages.TABLES} WHERE m.tenant = $1"
        " AND m.author_id = $2 AND m.removed_at_ms IS NULL AND m.id > $3"
        " ORDER BY m.id LIMIT $4",
        tenant,
        user_id,
        after,
        limit,
    )
    return [messages.to_record(row) for row in rows]


async def uploads(
    tx: Transaction, tenant: str, user_id: str
) -> tuple[AttachmentRecord, ...]:
    """Files that the person uploaded and has not sent."""
    rows = await tx.all(
        f"SELECT {FILE_COLUMNS} FROM attachment f WHERE f.tenant = $1"
        " AND f.uploader_id = $2 AND f.message_id IS NULL ORDER BY f.id",
        tenant,
        user_id,
    )
    return tuple(to_file(row) for row in rows)
