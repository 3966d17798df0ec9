"""If these fail, clients read an object otherwise than the server means it."""

import msgspec

from chatd_protocol.chat.objects import Conversation, ConversationFacts, Message

MESSAGE = {
    "id": "m",
    "conversationId": "c",
    "seq": 1,
    "kind": "text",
    "author": {"id": "u", "name": "Ann"},
    "createdAt": "2026-11-21T09:30:00.000Z",
}


def test_a_later_field_is_passed_over() -> None:
    """An old client would fail on a newer server."""
    message = msgspec.convert(MESSAGE | {"reactions": ["+1"]}, Message)
    assert msgspec.to_builtins(message) == MESSAGE


def test_a_conversation_has_all_the_facts() -> None:
    """An event's facts could not be laid over a client's conversation."""
    facts = ConversationFacts.__struct_fields__
    assert set(facts) < set(Conversation.__struct_fields__)
