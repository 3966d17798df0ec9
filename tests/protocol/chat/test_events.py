"""The events' names."""

from typing import get_args

from chatd_protocol.chat.events import Event, TypingHint, event_type, target_of
from chatd_protocol.chat.objects import PersonName


def test_targets_are_pascal_case() -> None:
    """A client would listen on a target that nobody invokes."""
    assert target_of("message.created") == "MessageCreated"
    assert target_of("conversation.settings_changed") == "ConversationSettingsChanged"
    assert target_of("typing") == "Typing"


def test_types_and_targets_are_unique() -> None:
    """Two events would arrive as one."""
    types = [str(kind.__struct_config__.tag) for kind in get_args(Event)]
    assert len(set(types)) == len({target_of(name) for name in types}) == len(types)


def test_an_event_knows_its_type() -> None:
    """The hub would have to keep a second table of names."""
    hint = TypingHint(
        at="2026-11-21T09:30:00.000Z",
        conversation_id="c",
        actor=PersonName(id="anna", name="Anna"),
    )
    assert event_type(hint) == "typing"
