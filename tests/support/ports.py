"""Ports for servers that have to be told theirs, kept for as long as they may start.

A port that was merely found free is anybody's until the server binds it, and again
while it is restarted: the kernel may give it to a connection of any process as its own
end. A socket that is bound and never listens keeps it. Nobody who asks for any port is
given this one, a client is refused there as if nothing were bound, and a server that
names it gets it, since both say SO_REUSEADDR and only one of them listens (socket(7)).
"""

import socket
import weakref
from typing import Final

CLUSTER_BUS: Final = 10_000
"""A node of a Redis Cluster talks to the others on its port + this."""

PORT_MAX: Final = 65_535


class Port:
    """A port of 127.0.0.1 that is nobody else's while this object is there."""

    def __init__(self, number: int = 0) -> None:
        keeper = socket.socket()
        weakref.finalize(self, keeper.close)
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", number))
        self.number: int = keeper.getsockname()[1]


def cluster_ports() -> tuple[Port, Port]:
    """The port of a node of a Redis Cluster, and the one by which nodes talk."""
    while True:
        port = Port()
        if port.number + CLUSTER_BUS > PORT_MAX:
            continue
        try:
            return port, Port(port.number + CLUSTER_BUS)
        except OSError:
            continue  # somebody has the second one: another pair
