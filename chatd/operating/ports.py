"""Opening a port, and saying in an operator's words why it cannot be opened."""

import socket
from typing import Final

BACKLOG: Final = 2048
"""As uvicorn's own; a school comes back in the same second."""


def open_port(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; who comes early waits for the server.

    Raises:
        OSError: the address is not ours, or taken; the text says which one.
    """
    shown = f"{host}:{port}"
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        opened = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise OSError(f"host: there is no {shown} here ({error.strerror})") from error
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        # Only now the address is ours: two sockets that do not listen may share one.
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        raise OSError(f"port: cannot listen on {shown} ({error.strerror})") from error
    return opened
