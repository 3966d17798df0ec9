"""What a connection is put together with where no socket is needed."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from chatd.signalr.connections.connection import Connection
from chatd.signalr.hub import Hub
from chatd.signalr.registry import HubContext
from chatd.signalr.requests import Anonymous, Handshake, HubLimits
from chatd.signalr.ticks import Flusher, Wheel
from chatd_protocol.signalr.negotiate import WEB_SOCKETS

HANDSHAKE = b'{"protocol":"json","version":1}\x1e'
TURNS = 20
"""More than any chain of callbacks and tasks in here is long."""

SHAKE = Handshake("/sample", {}, {}, client="192.0.2.1")


@dataclass
class HandClock:
    """A clock that a test moves."""

    now_s: float = 1000.0

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic(self) -> float:
        return self.now_s


@dataclass
class Wire:
    """A transport that keeps what it was given; the test is its client."""

    writable: bool = True
    written: list[bytes] = field(default_factory=list)
    deeds: list[str] = field(default_factory=list)
    transport: str = WEB_SOCKETS
    framed: bool = False
    text_only: bool = False
    close_code: int | None = None

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def write_handshake(self, data: bytes, *, binary: bool) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.deeds.append("close")

    def abort(self) -> None:
        self.deeds.append("abort")

    def pause_reading(self) -> None:
        self.deeds.append("pause")

    def resume_reading(self) -> None:
        self.deeds.append("resume")


@dataclass
class Parts:
    """A hub at rest, and a clock in the test's hand."""

    context: HubContext
    clock: HandClock

    def connect(self, wire: Wire, said: bytes = HANDSHAKE) -> Connection:
        """A connection that came over `wire` and said this."""
        connection = self.context.open(Anonymous("anna"), SHAKE)
        connection.attach(wire)
        connection.receive(said)
        return connection


async def settled() -> None:
    """Returns when whatever was begun has had its turns of the loop."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def parts(hub: Hub | None = None, **limits: Any) -> Parts:
    """Everything that a connection needs; limits as given."""
    clock = HandClock()
    made = hub or Hub({}, limits=HubLimits(**limits))
    return Parts(HubContext("/sample", made, Wheel(clock), Flusher()), clock)
