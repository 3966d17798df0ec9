"""If these fail, a wrong request is answered without saying what is wrong in it."""

import pytest

from chatd_protocol.chat import requests
from chatd_protocol.chat.base import Request
from chatd_protocol.chat.binding import InvalidRequestError, bind

SEND = {"conversationId": "c", "clientMessageId": "m"}
START = {"recipients": [{"kind": "user", "id": "u"}], "clientRequestId": "r"}


def deep(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("request_type", "value", "pointer", "code"),
    [
        (requests.SendMessage, {}, "/conversationId", "required"),
        (requests.SendMessage, SEND | {"seq": 1}, "/seq", "unknown_field"),
        (requests.SendMessage, SEND | {"we/i~rd": 1}, "/we~1i~0rd", "unknown_field"),
        (requests.SendMessage, SEND | {"text": 7}, "/text", "wrong_type"),
        (requests.SendMessage, SEND | {"text": "a\0b"}, "/text", "nul_character"),
        (
            requests.SendMessage,
            SEND | {"conversationId": ""},
            "/conversationId",
            "too_short",
        ),
        (
            requests.SendMessage,
            SEND | {"text": deep(5000)},
            "/text" + "/0" * 8,
            "too_deep",
        ),
        (requests.SendMessage, ["c", "m"], "", "wrong_type"),
        (requests.SendMessage, "c", "", "wrong_type"),
        (requests.SendMessage, {1: 2}, "", "wrong_type"),
        (
            requests.StartConversation,
            START | {"recipients": [{"kind": "robot", "id": "u"}]},
            "/recipients/0/kind",
            "not_allowed",
        ),
        (
            requests.StartConversation,
            START | {"recipients": [{"kind": "user", "id": "u", "tenant": "t"}]},
            "/recipients/0/tenant",
            "unknown_field",
        ),
        (
            requests.AddParticipants,
            {"conversationId": "c", "userIds": []},
            "/userIds",
            "too_few",
        ),
        (
            requests.AddParticipants,
            {"conversationId": "c", "userIds": ["u"] * 301},
            "/userIds",
            "too_many",
        ),
        (requests.Sync, {"cursors": {"c": -1}}, "/cursors", "too_small"),
        (
            requests.Sync,
            {"cursors": {str(n): 1 for n in range(501)}},
            "/cursors",
            "too_many",
        ),
        (
            requests.ListMessages,
            {"conversationId": "c", "limit": 201},
            "/limit",
            "too_large",
        ),
        (
            requests.ListMessages,
            {"conversationId": "c", "before": 2**64},
            "/before",
            "too_large",
        ),
    ],
)
def test_the_first_wrong_place_is_named(
    request_type: type[Request], value: object, pointer: str, code: str
) -> None:
    """A client could not tell its user which field to mend."""
    with pytest.raises(InvalidRequestError) as caught:
        bind(request_type, value)
    assert (caught.value.pointer, caught.value.code) == (pointer, code)


def test_null_is_absent() -> None:
    """Clients that send null for "nothing" would be refused."""
    bound = bind(requests.SendMessage, SEND | {"text": None, "replyToId": None})
    assert bound == requests.SendMessage(conversation_id="c", client_message_id="m")
