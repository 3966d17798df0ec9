"""What an edit or a removal means for those who have left the conversation."""

from dataclasses import dataclass

from chatd.domain.members import History
from chatd.store.effects import Effects
from chatd.store.members import visible
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Amended:
    """A message that is edited or removed at the log position `seq`.

    `last_event_seq` is the position of the event about it before that one.
    """

    conversation_id: str
    message_seq: int
    last_event_seq: int
    seq: int
    removed: bool
    history: History


async def tell_former(tx: Transaction, effects: Effects, change: Amended) -> None:
    """Tell those who have left and may still read a message that it has changed.

    Members are told by the log. Of edits only the first one behind a person's back is
    told: from there on the text is withheld. Two statements, however many people.
    """
    left_at_least = change.message_seq if change.removed else change.last_event_seq
    former = (
        "SELECT p.user_id FROM membership l JOIN conversation_person p"
        " ON p.tenant = l.tenant AND p.user_id = l.user_id"
        " AND p.conversation_id = l.conversation_id"
        " WHERE l.tenant = $1 AND l.conversation_id = $2 AND l.left_seq >= $3"
        f" AND p.member = 0 AND {visible('p', '$4', change.history)}"
    )
    whose = (effects.tenant, change.conversation_id, left_at_least, change.message_seq)
    moved = await tx.all(
        "UPDATE person SET personal_seq = personal_seq + 1, changed_at_ms = $5,"
        f" changed_in = change_mark() WHERE tenant = $1 AND id IN ({former})"
        " RETURNING id, personal_seq",
        *whose,
        effects.at_ms,
    )
    if not moved:
        return
    await tx.run(
        "UPDATE conversation_person SET amended_after_pseq = membership_pseq,"
        " amended_after_seq = amended_seq, amended_seq = $5,"
        " membership_pseq = (SELECT w.personal_seq FROM person w WHERE w.tenant = $1"
        " AND w.id = conversation_person.user_id)"
        f" WHERE tenant = $1 AND conversation_id = $2 AND user_id IN ({former})",
        *whose,
        change.seq,
    )
    for user_id, personal_seq in sorted(moved):
        effects.person_moved(user_id, personal_seq)
