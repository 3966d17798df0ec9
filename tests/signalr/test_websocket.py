"""Hostile and clumsy WebSockets. Plain uvicorn fails the floods."""

from pathlib import Path

import pytest

from chatd.signalr.websocket import WebSocketPipe
from tests.signalr.raw import (
    CLOSE,
    CONTINUATION,
    HANDSHAKE,
    PING,
    TEXT,
    call,
    dial,
    dial_socket,
    frame,
    upgrade,
)
from tests.signalr.sample import sample_server
from tests.support.waiting import wait_until

FLOOD_BYTES = 12 * 2**20
GROWTH_BYTES_MAX = 64 * 2**20


def memory_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize(
    "unit",
    [
        frame(PING),
        frame(PING, b"x" * 100),
        frame(CONTINUATION, fin=False),
        frame(CONTINUATION, b"x", fin=False),
        frame(TEXT),
    ],
    ids=["pings", "full pings", "empty fragments", "fragments", "empty messages"],
)
async def test_floods_are_cut_off(unit: bytes) -> None:
    """One client could take a processor, or all memory, with the smallest frames."""
    async with sample_server() as sample:
        raw = await dial_socket(sample)
        before = memory_bytes()
        flood = unit * (FLOOD_BYTES // len(unit))
        first = frame(TEXT, b"{", fin=False) if unit[0] & 0xF == CONTINUATION else b""
        # All of it may be on its way before the server has looked at the beginning.
        await raw.push(first + flood)
        await raw.rest()
        await wait_until(lambda: len(sample.hub.departures) == 1)
        assert memory_bytes() - before - len(flood) < GROWTH_BYTES_MAX


async def test_a_flood_of_small_frames_leaves_room_for_others() -> None:
    """One client could hold everybody else up with what a single read can hold."""
    async with sample_server() as sample:
        raw = await dial_socket(sample)
        (connection,) = sample.hub.context.everyone()
        pipe, decoder = connection.pipe, connection.inbound._decoder
        assert isinstance(pipe, WebSocketPipe)
        assert decoder is not None
        flood = frame(TEXT, b" ") * 10_000

        def taken_at_once() -> int:
            pipe.data_received(flood)
            # As if the kernel had handed it over before it was told to wait.
            pipe.data_received(flood)
            return decoder.waiting_bytes

        assert sample.ask(taken_at_once) < 2_000
        # What comes behind stays behind, and is read when its turn has come.
        raw.send(call(1, "Echo", "alive"))
        assert b"alive" in await raw.until(b"\x1e") + await raw.until(b"\x1e")
        raw.send(frame(TEXT, b" ") * 5_000 + frame(CLOSE, b"\x03\xe8"))
        assert b"\x88\x02\x03\xe8" in await raw.rest()


async def test_large_frames_leave_room_for_others() -> None:
    """The same, with frames that are few and slow to read."""
    async with sample_server() as sample:
        await dial_socket(sample)
        (connection,) = sample.hub.context.everyone()
        pipe = connection.pipe
        assert isinstance(pipe, WebSocketPipe)
        note = call(1, "Note", "x" * 30_000)

        def noted() -> int:
            pipe.data_received(note * 8)
            (calls,) = sample.hub.context._calls.values()
            return len(calls._queue)

        assert sample.ask(noted) <= 3
        await wait_until(lambda: len(sample.hub.noted) == 8)


async def test_messages_behind_a_slow_call_wait() -> None:
    """An innocent client that types ahead would be closed."""
    async with sample_server(invocation_queue=8) as sample:
        raw = await dial_socket(sample)
        raw.send(call(1, "Slow", 0.3))
        raw.send(b"".join(call(number, "Echo", number) for number in range(2, 200)))
        answer = await raw.until(b'"invocationId":"199"')
        assert answer.index(b'"invocationId":"1"') < answer.index(b'"invocationId":"2"')
        await raw.until(b"\x1e")


async def test_a_handshake_has_a_deadline() -> None:
    """A socket that never says anything would stay for ever."""
    async with sample_server(handshake_s=0.3) as sample:
        raw = await dial(sample)
        raw.send(upgrade())
        said = await raw.rest()
        assert b"Handshake was canceled." in said


async def test_a_silent_client_that_pinged_once_is_let_go() -> None:
    """Clients that lost their network would be counted as present for ever."""
    async with sample_server(client_timeout_s=0.5) as sample:
        raw = await dial_socket(sample)
        raw.send(frame(TEXT, b'{"type":6}\x1e'))
        assert b'"allowReconnect":true' in await raw.rest()


async def test_the_server_pings() -> None:
    """Clients would take a quiet server for a dead one."""
    async with sample_server(ping_s=0.2) as sample:
        raw = await dial_socket(sample)
        await raw.until(b'{"type":6}\x1e')
        await raw.until(b'{"type":6}\x1e')


@pytest.mark.parametrize(
    "garbage",
    [
        frame(TEXT, b"not json\x1e"),
        frame(TEXT, b"[]\x1e"),
        frame(TEXT, b'{"type":"x"}\x1e'),
        frame(TEXT, b"\xff\xfe\x1e"),
        frame(0x7, b"an opcode that does not exist"),
        b"\x81\x05naked",
    ],
)
async def test_garbage_ends_its_own_connection_only(garbage: bytes) -> None:
    """One broken client would harm the others."""
    async with sample_server() as sample:
        other, raw = await dial_socket(sample), await dial_socket(sample)
        raw.send(garbage)
        await raw.rest()
        other.send(call(1, "Echo", "alive"))
        assert b"alive" in await other.until(b'"invocationId":"1"') + await other.until(
            b"\x1e"
        )


async def test_every_cut_of_the_bytes_is_understood() -> None:
    """A message would be lost when the network cuts it in an unlucky place."""
    async with sample_server() as sample:
        raw = await dial(sample)
        raw.send(upgrade())
        await raw.until(b"\r\n\r\n")
        for byte in frame(TEXT, HANDSHAKE) + call(1, "Echo", "whole"):
            raw.send(bytes([byte]))
            await raw.writer.drain()
        said = await raw.until(b'"invocationId":"1"') + await raw.until(b"\x1e")
        assert b"whole" in said


async def test_a_close_is_answered() -> None:
    """Browsers would wait for the answer, and hooks for the end."""
    async with sample_server() as sample:
        raw = await dial_socket(sample)
        raw.send(frame(CLOSE, b"\x03\xe8"))
        assert b"\x88\x02\x03\xe8" in await raw.rest()
        hub = sample.hub
        await wait_until(lambda: hub.departures == [(hub.arrivals[0], None)])


async def test_a_client_that_reads_nothing_is_let_go() -> None:
    """What one phone does not read would fill the server's memory."""
    async with sample_server(outbound_bytes=256 * 1024, outbound_s=60) as sample:
        raw = await dial_socket(sample)
        text = "x" * 30_000
        hub = sample.hub

        def flood() -> bool:
            for _ in range(50):
                hub.context.clients.all().send("news", text)
            return bool(hub.departures)

        await wait_until(lambda: sample.ask(flood), 60)
        assert "slower" in str(hub.departures[0][1])
        raw.writer.close()
