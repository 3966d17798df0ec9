"""The two errors of the wire."""

import pytest

from chatd_protocol.signalr import (
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
)


@pytest.mark.parametrize("error", [LocalProtocolError, RemoteProtocolError])
def test_both_are_protocol_errors(error: type[ProtocolError]) -> None:
    """Code that only wants to end the connection could not catch both at once."""
    assert issubclass(error, ProtocolError)
    assert str(error("text")) == "text"


def test_blame_is_never_shared() -> None:
    """A bug of ours would be blamed on the peer."""
    assert not issubclass(LocalProtocolError, RemoteProtocolError)
    assert not issubclass(RemoteProtocolError, LocalProtocolError)
