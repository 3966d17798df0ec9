"""What all contract types have in common."""

import msgspec
import pytest

from chatd_protocol.chat.base import Request, Shape


class Asked(Request):
    conversation_id: str
    limit: int = 50


class Told(Shape):
    conversation_id: str
    title: str | None = None


def test_names_are_camel_case_and_absent_fields_are_left_out() -> None:
    """A client would find `conversation_id`, or null where nothing belongs."""
    assert msgspec.to_builtins(Told(conversation_id="c")) == {"conversationId": "c"}


def test_a_request_refuses_unknown_fields_by_name() -> None:
    """A misspelt option would be ignored instead of refused."""
    with pytest.raises(msgspec.ValidationError, match="limits"):
        msgspec.convert({"conversationId": "c", "limits": 3}, Asked)


def test_a_result_may_gain_fields() -> None:
    """An older client would break at a newer server."""
    told = msgspec.convert({"conversationId": "c", "colour": "red"}, Told)
    assert told == Told(conversation_id="c")


def test_values_are_frozen() -> None:
    """One receiver could change what all others are sent."""
    with pytest.raises(AttributeError):
        Told(conversation_id="c").title = "x"
