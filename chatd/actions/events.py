"""From rows to the contract's events: one way for `Sync`, live delivery and streams."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chatd.actions import presenting
from chatd.clock import rfc3339
from chatd.domain.messages import MessageRecord
from chatd.domain.people import PersonRecord
from chatd.store import conversations, people
from chatd.store.log import LogRow
from chatd.store.transaction import Transaction
from chatd_protocol.chat import events
from chatd_protocol.chat.events import LogEvent
from chatd_protocol.chat.objects import ConversationFacts, PersonName

_OF_MESSAGES: Final[
    Mapping[
        str,
        type[events.MessageCreated | events.MessageEdited | events.MessageRemoved],
    ]
] = {
    "message.created": events.MessageCreated,
    "message.edited": events.MessageEdited,
    "message.removed": events.MessageRemoved,
}
_OfConversation = (
    events.ConversationCreated
    | events.ConversationRenamed
    | events.ConversationClosed
    | events.ConversationReopened
    | events.ConversationDeleted
    | events.ConversationRestored
    | events.ConversationSettingsChanged
)
_OF_CONVERSATIONS: Final[Mapping[str, type[_OfConversation]]] = {
    "conversation.created": events.ConversationCreated,
    "conversation.renamed": events.ConversationRenamed,
    "conversation.closed": events.ConversationClosed,
    "conversation.reopened": events.ConversationReopened,
    "conversation.deleted": events.ConversationDeleted,
    "conversation.restored": events.ConversationRestored,
    "conversation.settings_changed": events.ConversationSettingsChanged,
}


@dataclass(frozen=True, slots=True)
class Around:
    """What events carry besides their rows: whole objects, so that nobody refetches.

    `left_seq` is the last position of a reader who has left the conversation.
    """

    facts: ConversationFacts
    people: dict[str, PersonRecord]
    left_seq: int | None = None


async def around(
    tx: Transaction,
    tenant: str,
    conversation_id: str,
    rows: Sequence[LogRow],
    facts: ConversationFacts | None = None,
    left_seq: int | None = None,
) -> Around:
    """Read what these rows of one conversation need.

    Raises:
        LookupError: there is no such conversation.
    """
    if facts is None:
        found = await conversations.facts(tx, tenant, conversation_id)
        if found is None:
            raise LookupError("no such conversation")
        facts = presenting.facts_of(*found)
    named = sorted({id_ for row in rows for id_ in row.user_ids})
    known: dict[str, PersonRecord] = {}
    for start in range(0, len(named), 500):
        known |= await people.many(tx, tenant, named[start : start + 500])
    return Around(facts, known, left_seq)


def event(row: LogRow, known: Around) -> LogEvent:
    """The event of a row, as it is now (contract section 4)."""
    actor = None
    if row.actor_id is not None:
        actor = PersonName(id=row.actor_id, name=row.actor_name or "")
    at, id_, seq = rfc3339(row.at_ms), row.conversation_id, row.seq
    if row.kind in _OF_MESSAGES:
        message = presenting.message(_message(row), known.left_seq)
        return _OF_MESSAGES[row.kind](
            conversation_id=id_, seq=seq, at=at, actor=actor, message=message
        )
    if row.kind in _OF_CONVERSATIONS:
        return _OF_CONVERSATIONS[row.kind](
            conversation_id=id_, seq=seq, at=at, actor=actor, conversation=known.facts
        )
    if row.kind == "participants.added":
        return events.ParticipantsAdded(
            conversation_id=id_,
            seq=seq,
            at=at,
            actor=actor,
            participants=tuple(
                presenting.participant(known.people[user_id])
                for user_id in row.user_ids
                if user_id in known.people
            ),
            count=row.count,
            participant_count=row.participant_count,
        )
    return events.ParticipantsRemoved(
        conversation_id=id_,
        seq=seq,
        at=at,
        actor=actor,
        user_ids=row.user_ids,
        count=row.count,
        participant_count=row.participant_count,
    )


def _message(row: LogRow) -> MessageRecord:
    if row.message is None:
        raise LookupError(f"log row {row.seq} of {row.conversation_id} has no message")
    return row.message
