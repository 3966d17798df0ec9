"""Where the words of a message have gone by being forwarded."""

from dataclasses import replace

from chatd.store.messages import RemoveMessage
from chatd.store.saying.held import DropHeld
from chatd.store.transaction import Transaction


async def copies(
    tx: Transaction, tenant: str, message_id: str
) -> tuple[tuple[str, str], ...]:
    """(message, conversation) of everything that was forwarded from a message."""
    rows = await tx.all(
        "SELECT id, conversation_id FROM message"
        " WHERE tenant = $1 AND forwarded_from_id = $2 ORDER BY id",
        tenant,
        message_id,
    )
    return tuple((row[0], row[1]) for row in rows)


async def waiting(
    tx: Transaction, tenant: str, message_id: str
) -> tuple[DropHeld, ...]:
    """The end of every copy that a moderator was still to let through."""
    rows = await tx.all(
        "SELECT id, conversation_id, author_id FROM held_message"
        " WHERE tenant = $1 AND forwarded_from_id = $2 ORDER BY id",
        tenant,
        message_id,
    )
    return tuple(DropHeld(row[0], row[1], row[2], files=True) for row in rows)


async def removals(
    tx: Transaction, tenant: str, original: RemoveMessage
) -> tuple[RemoveMessage | DropHeld, ...]:
    """The removals of all copies: what staff remove goes everywhere (ITS-77).

    Elsewhere nobody is told who did it.
    """
    said = tuple(
        replace(
            original,
            id=id_,
            conversation_id=conversation_id,
            actor_id=None,
            by=None,
            notice="original_removed",
        )
        for id_, conversation_id in await copies(tx, tenant, original.id)
    )
    return (*said, *await waiting(tx, tenant, original.id))
