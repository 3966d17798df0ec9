"""If these fail, an event of the log is built wrongly, or not at all."""

import pytest

from chatd.actions.events import Around, event, veiled
from chatd.domain.people import PersonRecord
from chatd.store.log import LogRow
from chatd_protocol.chat.events import (
    ConversationClosed,
    MessageEdited,
    ParticipantsAdded,
    ParticipantsRemoved,
    event_type,
)
from chatd_protocol.chat.objects import (
    NOT_VISIBLE,
    ConversationFacts,
    Message,
    PersonName,
)

FACTS = ConversationFacts(
    id="c",
    kind="group",
    title="T",
    state="open",
    participant_count=2,
    head_seq=4,
    created_at="",
    last_activity_at="",
)
AROUND = Around({"sue": PersonRecord("sue", "Sue", ("student",))}, FACTS)


def row(kind: str, **fields: object) -> LogRow:
    values: dict = {
        "position": 1,
        "conversation_id": "c",
        "seq": 4,
        "at_ms": 0,
        "actor_id": "anna",
        "actor_name": "Anna",
        "message": None,
    }
    return LogRow(kind=kind, **values | fields)


def test_events_carry_whole_objects() -> None:
    """A client would have to ask again for what an event is about."""
    closed = event(row("conversation.closed"), AROUND)
    assert isinstance(closed, ConversationClosed)
    assert (closed.conversation, event_type(closed)) == (FACTS, "conversation.closed")
    added = event(row("participants.added", user_ids=("sue", "gone"), count=2), AROUND)
    assert isinstance(added, ParticipantsAdded)
    assert [one.name for one in added.participants] == ["Sue"]
    removed = event(row("participants.removed", user_ids=("sue",), count=1), AROUND)
    assert isinstance(removed, ParticipantsRemoved)
    assert removed.user_ids == ("sue",)


def test_a_message_event_without_its_message_is_a_bug() -> None:
    """A hole in the store would be shown as an empty message."""
    with pytest.raises(LookupError):
        event(row("message.created"), AROUND)
    with pytest.raises(LookupError):
        event(row("conversation.closed"), Around({}))


def test_a_veiled_event_keeps_its_place_alone() -> None:
    """Words from an absence would come with an edit, or the position would be lost."""
    words = Message(
        id="m",
        conversation_id="c",
        seq=2,
        kind="text",
        author=PersonName(id="tom", name="Tom"),
        created_at="2026-01-01T00:00:00.000Z",
        text="words",
        client_message_id="k",
    )
    edited = MessageEdited(
        conversation_id="c", seq=4, at="2026-01-02T00:00:00.000Z", message=words
    )
    shown = veiled(edited, sees=False)
    assert isinstance(shown, MessageEdited)
    assert (shown.seq, shown.message.seq, shown.message.id) == (4, 2, "m")
    assert (shown.message.text, shown.message.client_message_id) == (None, None)
    assert shown.message.created_at == edited.at
    assert shown.message.removed is not None
    assert shown.message.removed.notice == NOT_VISIBLE
    assert veiled(edited, sees=True) is edited
