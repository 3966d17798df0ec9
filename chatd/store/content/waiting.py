"""What waits of a person's own in a conversation, and telling the person of it."""

from chatd.store.effects import Effects
from chatd.store.transaction import Transaction


async def tell(
    tx: Transaction,
    effects: Effects,
    conversation_id: str,
    author_id: str,
    more: int,
) -> None:
    """What of the author's own waits there has changed, by so many."""
    await tx.run(
        "UPDATE conversation_person SET held_messages = held_messages + $4,"
        " membership_pseq = $5"
        " WHERE tenant = $1 AND conversation_id = $2 AND user_id = $3",
        effects.tenant,
        conversation_id,
        author_id,
        more,
        await effects.move_person(tx, author_id),
    )


async def drop_edits(tx: Transaction, effects: Effects, message_id: str) -> None:
    """The message is gone or says something else: nothing waits to replace its text."""
    row = await tx.one(
        "DELETE FROM held_message WHERE tenant = $1 AND edits_id = $2"
        " RETURNING conversation_id, author_id",
        effects.tenant,
        message_id,
    )
    if row is not None:
        await tell(tx, effects, row[0], row[1], -1)
