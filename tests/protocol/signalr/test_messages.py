"""Hub messages as values."""

import dataclasses

import pytest

from chatd_protocol.signalr import NO_RESULT, Completion, Invocation, MessageType


def test_a_void_completion_differs_from_a_null_result() -> None:
    """A call that returns nothing could not be told from one that returns null."""
    assert Completion("1") != Completion("1", None)
    assert Completion("1").result is NO_RESULT
    assert repr(NO_RESULT) == "no result"


def test_messages_do_not_change() -> None:
    """A message shared by many connections could be altered by one of them."""
    message = Invocation("a", [])
    with pytest.raises(dataclasses.FrozenInstanceError):
        message.target = "b"  # type: ignore[misc]  # that it fails is what is tested


def test_type_numbers() -> None:
    """Messages would go out under another's number."""
    assert [kind.name for kind in sorted(MessageType)] == [
        "INVOCATION",
        "STREAM_ITEM",
        "COMPLETION",
        "STREAM_INVOCATION",
        "CANCEL_INVOCATION",
        "PING",
        "CLOSE",
        "ACK",
        "SEQUENCE",
    ]
    assert list(range(1, 10)) == sorted(MessageType)
