"""What is sent: when it goes out, in which order, and how much may wait."""

import asyncio

from chatd.signalr.connections.connection import Connection
from chatd.signalr.connections.outbound import DRAINED_BYTES, FLUSH_AT_BYTES
from chatd.signalr.prepared import Prepared
from tests.signalr.connections.parts import Parts, Wire, parts


async def opened(wire: Wire, made: Parts) -> Connection:
    connection = made.connect(wire)
    await asyncio.sleep(0)
    wire.written.clear()
    return connection


async def test_one_turn_is_one_write() -> None:
    """Ten events would cost ten system calls: most of what a delivery costs."""
    wire = Wire()
    connection = await opened(wire, parts())
    for number in range(10):
        connection.send("news", number)
    assert wire.written == []
    await asyncio.sleep(0)
    (data,) = wire.written
    assert [record[-3:-2] for record in data.split(b"\x1e")[:-1]] == [
        str(number).encode() for number in range(10)
    ]


async def test_a_burst_is_not_a_slow_consumer() -> None:
    """A client that reads well would be sent away for one big turn of ours."""
    wire = Wire()
    connection = await opened(wire, parts(outbound_bytes=FLUSH_AT_BYTES + 1))
    news = Prepared("news", "x" * 10_000)
    for _ in range(200):
        connection.send_prepared(news)
    assert not connection.closed
    assert len(wire.written) > 10


async def test_a_client_that_takes_nothing_keeps_its_bound_only() -> None:
    """One phone without a network would fill the memory of everybody's server."""
    wire = Wire()
    connection = await opened(wire, parts(outbound_bytes=200_000))
    wire.writable = False
    news = Prepared("news", "x" * 10_000)
    most = 0
    while not connection.closed:
        connection.send_prepared(news)
        most = max(most, connection.pending_bytes)
    assert most <= 200_000
    assert connection.pending_bytes == 0
    (last,) = wire.written
    assert last == b'{"type":7,"allowReconnect":true}\x1e'


async def test_streams_wait_until_most_is_taken() -> None:
    """A stream would push its own client over the bound."""
    wire = Wire()
    connection = await opened(wire, parts())
    wire.writable = False
    connection.send("news", "x" * DRAINED_BYTES)
    waiting = asyncio.ensure_future(connection.drained())
    await asyncio.sleep(0)
    assert not waiting.done()
    wire.writable = True
    connection.unblocked()
    await asyncio.wait_for(waiting, 30)


async def test_the_end_wakes_whoever_waits() -> None:
    """A stream of somebody who is gone would wait for ever."""
    wire = Wire(writable=False)
    connection = await opened(wire, parts())
    connection.send("news", "x" * 2 * DRAINED_BYTES)
    waiting = asyncio.ensure_future(connection.drained())
    await asyncio.sleep(0)
    connection.lost(None)
    await asyncio.wait_for(waiting, 30)


async def test_what_was_sent_before_the_close_comes_before_it() -> None:
    """The last words would overtake the news that they follow."""
    wire = Wire()
    connection = await opened(wire, parts())
    connection.send("news", 1)
    connection.close("enough")
    connection.send("news", 2)
    said = b"".join(wire.written)
    assert said.index(b'"news"') < said.index(b"enough")
    assert b"[2]" not in said
