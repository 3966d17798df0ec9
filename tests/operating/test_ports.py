"""If these fail, an operator is told a number of the system's, or nothing."""

import socket

import pytest

from chatd.operating.ports import open_port
from tests.support.addresses import LOOPBACKS


@pytest.mark.parametrize("host", ["localhost", *LOOPBACKS])
def test_who_comes_early_waits(host: str) -> None:
    """Clients would be refused while the server is still reading its database."""
    opened = open_port(host, 0)
    with opened, socket.create_connection(opened.getsockname()[:2]) as early:
        assert early.getpeername() == opened.getsockname()


def test_a_port_that_is_taken() -> None:
    """Two servers would share a port, or one end without a word."""
    with open_port("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        expected = f"port: cannot listen on 127.0.0.1:{port} \\(Address already in use"
        with pytest.raises(OSError, match=expected):
            open_port("127.0.0.1", port)


def test_an_address_of_nobody() -> None:
    """A mistyped host would end in a traceback."""
    with pytest.raises(OSError, match=r"host: there is no no\.such\.invalid:80 here"):
        open_port("no.such.invalid", 80)
    with pytest.raises(OSError, match=r"port: cannot listen on 203\.0\.113\.1:80"):
        open_port("203.0.113.1", 80)
