"""The life of one connection, by a transport and a clock in the test's hand.

What real clients see of it is in `tests/signalr/test_mounting.py` and
`tests/signalr/test_websocket.py`.
"""

import asyncio

import pytest

from chatd.signalr.connections.results import ConnectionEnded
from chatd.signalr.connections.sides import State
from chatd.signalr.hub import Hub
from tests.signalr.connections.parts import HANDSHAKE, Wire, parts, settled

PING = b'{"type":6}\x1e'


async def test_nothing_is_read_before_the_connect_hook_returns() -> None:
    """A method would run for somebody who may not be here at all."""
    may_return = asyncio.Event()

    async def hook(_connection: object) -> None:
        await may_return.wait()

    made = parts(Hub({}, connected=hook))
    wire = Wire()
    call = b'{"type":1,"invocationId":"1","target":"x","arguments":[]}\x1e'
    connection = made.connect(wire, HANDSHAKE + call)
    await settled()
    assert wire.written == [b"{}\x1e"]
    assert connection.state is State.CONNECTING
    may_return.set()
    await settled()
    assert b"Method does not exist" in wire.written[-1]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b'{"protocol":"xml","version":1}\x1e', b"xml"),
        (b'{"protocol":"json","version":9}\x1e', b"9"),
        (b"hello\x1e", b"error"),
    ],
)
async def test_a_wrong_handshake_is_answered(said: bytes, answer: bytes) -> None:
    """A client with another protocol could not tell why it gets no further."""
    wire = Wire()
    connection = parts().connect(wire, said)
    assert answer in wire.written[0]
    assert wire.deeds == ["close"]
    assert connection.closed


async def test_the_clock_pings_and_ends() -> None:
    """Quiet connections would die, and dead ones live."""
    made, wire = parts(), Wire()
    connection = made.connect(wire)
    await settled()
    connection.receive(PING)
    wire.written.clear()
    made.clock.now_s += 15
    connection.on_timer(made.clock.now_s)
    await asyncio.sleep(0)
    assert wire.written == [PING]
    made.clock.now_s += 15
    connection.on_timer(made.clock.now_s)
    assert connection.closed
    assert isinstance(connection.error, ConnectionEnded)
    assert connection.error.reason == "silent"
    # The other side does not close: the socket is dropped, and the token forgotten.
    connection.on_timer(made.clock.now_s + 5)
    assert wire.deeds[-1] == "abort"
    assert made.context.find(connection.token) is None


async def test_a_transport_that_takes_nothing_is_cut_in_time() -> None:
    """A client that never reads would hold its socket longer than it may."""
    made, wire = parts(), Wire()
    connection = made.connect(wire)
    await settled()
    wire.writable = False
    connection.blocked()
    connection.send("news", 1)
    made.clock.now_s += 10
    connection.on_timer(made.clock.now_s)
    assert isinstance(connection.error, ConnectionEnded)
    assert connection.error.reason == "slow_consumer"
    # Not `close_s` later: the wheel calls at its next tick.
    assert connection.due_tick * 0.25 <= made.clock.now_s + 0.5


async def test_much_at_once_is_read_in_turns() -> None:
    """One client could keep the loop for as long as it has something to say."""
    made, wire = parts(), Wire()
    connection = made.connect(wire)
    await settled()
    wire.deeds.clear()
    connection.receive(PING * 1000)
    assert wire.deeds == ["pause"]
    await settled()
    assert wire.deeds[-1] == "resume"


async def test_large_messages_are_read_in_turns() -> None:
    """Reading what is made to be slow to read would take the loop for 0.2 s."""
    made, wire = parts(), Wire()
    connection = made.connect(wire)
    await settled()
    wire.deeds.clear()
    item = b"[" + b"[]," * 10_000 + b"0]"
    message = b'{"type":2,"invocationId":"x","item":' + item + b"}\x1e"
    connection.receive(message * 20)
    assert wire.deeds == ["pause"]
    assert connection.inbound.message_bytes == len(message)
    await settled()
    assert wire.deeds[-1] == "resume"


async def test_an_end_is_told_once() -> None:
    """Hooks would run twice, and counts go wrong."""
    ended: list[object] = []

    async def hook(_connection: object, error: Exception | None) -> None:
        ended.append(error)

    made, wire = parts(Hub({}, disconnected=hook)), Wire()
    connection = made.connect(wire)
    await settled()
    connection.receive(b'{"type":7}\x1e' + PING)
    connection.close("late")
    connection.lost(ConnectionEnded("gone"))
    await settled()
    assert ended == [None]


async def test_an_expiry_says_what_the_hub_wants_said() -> None:
    """A client whose token ended would not know that it must sign in again."""
    made, wire = parts(), Wire()
    connection = made.connect(wire)
    await settled()
    connection.set_expiry(made.clock.now_s + 5, "sign in", allow_reconnect=True)
    made.clock.now_s += 5
    connection.on_timer(made.clock.now_s)
    assert wire.written[-1] == (
        b'{"type":7,"error":"sign in","allowReconnect":true}\x1e'
    )
