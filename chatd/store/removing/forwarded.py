"""Where the words of a message have gone by being forwarded."""

from dataclasses import dataclass, replace

from chatd.store import messages
from chatd.store.effects import Effects
from chatd.store.messages import RemoveMessage
from chatd.store.saying import held
from chatd.store.saying.held import DropHeld
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class RemoveForwarded:
    """Remove the copies that nobody knew of when the removal was decided."""

    original: RemoveMessage


async def remove_forwarded(
    tx: Transaction, effects: Effects, write: RemoveForwarded
) -> None:
    """Apply a `RemoveForwarded`: whoever forwards from here on finds it removed."""
    for one in await removals(tx, effects.tenant, write.original):
        if isinstance(one, DropHeld):
            await held.drop(tx, effects, one)
        else:
            await messages.remove(tx, effects, one)


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
