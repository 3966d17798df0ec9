"""From rows to the contract's events: one way for `Sync`, live delivery and streams."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from chatd.actions import presenting
from chatd.clock import rfc3339
from chatd.domain.messages import MessageRecord
from chatd.domain.people import PersonRecord
from chatd.store import conversations, people
from chatd.store.log import LogRow
from chatd.store.transaction import Transaction
from chatd_protocol.chat import events
from chatd_protocol.chat.events import LogEvent
from chatd_protocol.chat.objects import (
    NOT_VISIBLE,
    ConversationFacts,
    Message,
    PersonName,
    Removal,
)

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

    `facts` are there if a row needs them; `left_seq` is the last position of a reader
    who has left the conversation.
    """

    people: Mapping[str, PersonRecord]
    facts: ConversationFacts | None = None
    left_seq: int | None = None


async def people_named(
    tx: Transaction, tenant: str, rows: Sequence[LogRow]
) -> dict[str, PersonRecord]:
    """The people that these rows name by their ids alone."""
    named = sorted({id_ for row in rows for id_ in row.user_ids})
    known: dict[str, PersonRecord] = {}
    for start in range(0, len(named), 500):
        known |= await people.many(tx, tenant, named[start : start + 500])
    return known


async def around(
    tx: Transaction, tenant: str, rows: Sequence[LogRow]
) -> Mapping[str, Around]:
    """Read what these rows need, for members; by conversation, of any number."""
    about = [row.conversation_id for row in rows if row.kind in _OF_CONVERSATIONS]
    found = await conversations.many(tx, tenant, list(dict.fromkeys(about)))
    facts = {id_: presenting.facts_of(one, None) for id_, one in found.items()}
    named = await people_named(tx, tenant, rows)
    return {
        row.conversation_id: Around(named, facts.get(row.conversation_id))
        for row in rows
    }


def event(row: LogRow, known: Around) -> LogEvent:
    """The event of a row, as it is now (SPEC, Events).

    Raises:
        LookupError: what the row is about is not there.
    """
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
        if known.facts is None:
            raise LookupError(f"log row {row.seq} of {id_} has no conversation")
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


def veiled(event: LogEvent, *, sees: bool) -> LogEvent:
    """What of an event a member is told who may not see the message that it is about.

    Somebody who was away when a message was said is a member when it is edited: the
    event keeps its place in the log, so that nobody waits for it, and says nothing but
    who did something and when.
    """
    if sees or not isinstance(event, events.MessageEdited | events.MessageRemoved):
        return event
    message = event.message
    stand_in = Message(
        id=message.id,
        conversation_id=message.conversation_id,
        seq=message.seq,
        kind=message.kind,
        author=event.actor or message.author,
        created_at=event.at,
        removed=Removal(at=event.at, notice=NOT_VISIBLE),
    )
    return msgspec.structs.replace(event, message=stand_in)


def _message(row: LogRow) -> MessageRecord:
    if row.message is None:
        raise LookupError(f"log row {row.seq} of {row.conversation_id} has no message")
    return row.message
