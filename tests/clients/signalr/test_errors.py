"""What a caller can do about an error is told by its type."""

import pytest

from chatd_client.signalr import (
    CallFailed,
    CannotConnect,
    ClientError,
    ConnectionClosed,
    ConnectionLost,
)


@pytest.mark.parametrize("kind", [CallFailed, CannotConnect, ConnectionLost])
def test_one_family(kind: type[ClientError]) -> None:
    """A program could not catch all that this package raises at once."""
    assert issubclass(kind, ClientError)


def test_closed_is_a_way_of_being_lost() -> None:
    """Who only asks whether a call was answered would miss one kind of no."""
    assert issubclass(ConnectionClosed, ConnectionLost)
    assert not issubclass(CallFailed, ConnectionLost)


def test_coming_back_is_possible_unless_told_otherwise() -> None:
    """A client would stay away for ever because of a moment's trouble."""
    assert not CannotConnect("down").permanent
    assert CannotConnect("down").retry_after_s is None
