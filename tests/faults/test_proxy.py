"""If these fail, the faults of the other tests never happened."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.faults.proxy import Address, Proxy, Way
from tests.support.ports import Port
from tests.support.waiting import wait_until

QUIET_S = 0.1
"""How long nothing must arrive to be taken as nothing."""

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def echoing(name: bytes = b"") -> AsyncIterator[Address]:
    """A server that sends back what it gets, its name first."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(name)
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()


@asynccontextmanager
async def through_proxy() -> AsyncIterator[tuple[Proxy, Stream]]:
    async with echoing() as target, Proxy(target) as proxy:
        stream = await asyncio.open_connection("127.0.0.1", proxy.port)
        stream[1].write(b"hello")
        assert await stream[0].readexactly(5) == b"hello"
        yield proxy, stream
        stream[1].close()


async def comes(stream: Stream, count: int, within_s: float = QUIET_S) -> bytes | None:
    """The next bytes, None if they do not come in time."""
    try:
        async with asyncio.timeout(within_s):
            return await stream[0].readexactly(count)
    except TimeoutError:
        return None


async def test_much_passes_unchanged() -> None:
    """A fault would be blamed on the server that is the proxy's own."""
    async with through_proxy() as (proxy, stream):
        data = bytes(range(256)) * 8192
        stream[1].write(data)
        assert await comes(stream, len(data), 60) == data
        assert proxy.passed == {Way.UP: len(data) + 5, Way.DOWN: len(data) + 5}


async def test_delay() -> None:
    """A slow network would be as fast as any."""
    async with through_proxy() as (proxy, stream):
        proxy.delay(40, jitter_ms=10)
        began_s = time.monotonic()
        stream[1].write(b"late")
        assert await comes(stream, 4, 60) == b"late"
        assert time.monotonic() - began_s >= 0.06


async def test_blackhole_holds_and_heals() -> None:
    """A partition would lose bytes that TCP would repeat."""
    async with through_proxy() as (proxy, stream):
        proxy.blackhole()
        stream[1].write(b"held")
        assert await comes(stream, 4) is None
        proxy.heal()
        assert await comes(stream, 4, 60) == b"held"


@pytest.mark.parametrize("way", Way)
async def test_one_way_drop(way: Way) -> None:
    """Half of a connection could not fail alone."""
    async with through_proxy() as (proxy, stream):
        proxy.drop_one_way(way)
        stream[1].write(b"x")
        assert await comes(stream, 1) is None
        await wait_until(lambda: proxy.passed[Way.UP] == (5 if way is Way.UP else 6))
        proxy.heal()
        assert await comes(stream, 1, 60) == b"x"


async def test_reset_is_no_orderly_end() -> None:
    """A crash would look like a goodbye; later connections would fail too."""
    async with through_proxy() as (proxy, stream):
        proxy.rst()
        with pytest.raises(ConnectionResetError):
            await stream[0].readexactly(1)
        again = await asyncio.open_connection("127.0.0.1", proxy.port)
        again[1].write(b"again")
        assert await comes(again, 5, 60) == b"again"
        again[1].close()


async def test_reset_can_stay() -> None:
    """A peer that is gone could not be told from one that hiccups."""
    async with through_proxy() as (proxy, _):
        proxy.rst(stay=True)
        again = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await again[0].readexactly(1)


@pytest.mark.parametrize("way", Way)
async def test_cut_after_some_bytes(way: Way) -> None:
    """A message could not be cut in the middle."""
    async with through_proxy() as (proxy, stream):
        proxy.cut_after(3, way)
        stream[1].write(b"0123456")
        with pytest.raises(ConnectionResetError):
            await stream[0].read()
        assert proxy.passed[way] == 5


async def test_bandwidth() -> None:
    """A thin line would carry anything at once."""
    async with through_proxy() as (proxy, stream):
        proxy.bandwidth(20_000)
        began_s = time.monotonic()
        stream[1].write(bytes(4_000))
        assert await comes(stream, 4_000, 60) is not None
        assert time.monotonic() - began_s >= 0.2


async def test_an_end_can_be_told_late() -> None:
    """Nobody would ever wait for a goodbye that is stuck."""
    async with through_proxy() as (proxy, stream):
        proxy.close_slowly(QUIET_S)
        began_s = time.monotonic()
        stream[1].write_eof()
        assert await stream[0].read() == b""
        assert time.monotonic() - began_s >= 2 * QUIET_S


async def test_targets_take_turns_and_the_dead_are_passed_over() -> None:
    """A client could not come back to another gateway."""
    async with echoing(b"a") as first, echoing(b"b") as second:
        kept = Port()
        nobody = ("127.0.0.1", kept.number)
        async with Proxy(first, nobody, second) as proxy:
            names = []
            for _ in range(4):
                stream = await asyncio.open_connection("127.0.0.1", proxy.port)
                names.append(await comes(stream, 1, 60))
                stream[1].close()
            assert names == [b"a", b"b", b"a", b"b"]
            await wait_until(lambda: proxy.connections == 4)
