"""Forwarded copies of files go with a removal by staff, wherever they have got to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatd.store import messages
from chatd.store.content import attachments, search
from chatd.store.effects import Effects
from chatd.store.messages import RemoveMessage
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class RemoveCopies:
    """Take the files of a message out of every other message (SPEC, Files).

    Applied before `removal`, the removal of the message itself. `besides` are messages
    that the same Change removes anyway, each once.
    """

    removal: RemoveMessage
    besides: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TakeFiles:
    """Take these files out of a message, whose other words and files stay."""

    message_id: str
    conversation_id: str
    ids: tuple[str, ...]


async def take_files(tx: Transaction, effects: Effects, write: TakeFiles) -> None:
    """Apply a `TakeFiles`.

    Raises:
        Conflict: the message is not there, or has none of them.
    """
    there = await attachments.of_message(tx, effects.tenant, write.message_id)
    message = await messages.by_id(tx, effects.tenant, write.message_id)
    if message is None or not {one.id for one in there}.intersection(write.ids):
        raise messages.Conflict
    here = RemoveMessage(message.id, write.conversation_id, None, None, "removed")
    await _take(tx, effects, here, message.text, write.ids)


async def remove_copies(tx: Transaction, effects: Effects, write: RemoveCopies) -> None:
    """Apply a `RemoveCopies`.

    A message that was nothing but those files is removed itself; any other is told to
    its readers anew, as edits are, though its author edited nothing.
    """
    origin = write.removal
    copies: dict[str, list[str]] = {}
    for message_id, id_ in await attachments.holders(tx, effects.tenant, origin.id):
        if message_id not in write.besides:
            copies.setdefault(message_id, []).append(id_)
    known = await messages.many(tx, effects.tenant, list(copies))
    for message_id, ids in copies.items():
        other = known[message_id]
        here = replace(
            origin,
            id=other.id,
            conversation_id=other.conversation_id,
            by=None,
            # Another one's message: what holds it has to do with somebody else.
            for_good=False,
        )
        await _take(tx, effects, here, other.text, ids)


async def _take(
    tx: Transaction,
    effects: Effects,
    here: RemoveMessage,
    text: str | None,
    ids: Sequence[str],
) -> None:
    left = await attachments.take_from(tx, effects, here.id, ids)
    if text is None and left is None:
        await messages.remove(tx, effects, here)
        return
    seq = await effects.append(
        tx,
        here.conversation_id,
        kind="message.edited",
        actor_id=None,
        message_id=here.id,
    )
    await messages.tell_former(tx, effects, here, seq)
    await tx.run(
        "UPDATE message SET attachments_json = $3, last_event_seq = $4"
        " WHERE tenant = $1 AND id = $2",
        effects.tenant,
        here.id,
        left,
        seq,
    )
    await search.drop(tx, effects.tenant, here.id)
    where = (effects.tenant, here.conversation_id, here.id)
    await search.put(tx, *where, text, left)
    await effects.erased(
        tx,
        "files",
        here.id,
        effects.at_ms,
        conversationId=here.conversation_id,
        files=" ".join(ids),
    )
