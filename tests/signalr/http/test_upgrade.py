"""Upgrades to WebSocket, by raw bytes: who gets a 101, and what everybody else gets."""

import base64
import hashlib
import struct

import pytest

from tests.signalr.raw import (
    CLOSE,
    HANDSHAKE,
    KEY,
    TEXT,
    dial,
    dial_socket,
    frame,
    upgrade,
)
from tests.signalr.sample import sample_server
from tests.support.waiting import wait_until

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3."""

GOOD = upgrade()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (GOOD.replace(b"Version: 13", b"Version: 8"), b"400"),
        (GOOD.replace(f"Sec-WebSocket-Key: {KEY}\r\n".encode(), b""), b"400"),
        (GOOD.replace(KEY.encode(), b"c2hvcnQ="), b"400"),
        (GOOD.replace(b"/sample", b"/elsewhere"), b"404"),
        (GOOD.replace(b"/sample", b"/sample?id=unknown"), b"404"),
        (GOOD.replace(b"GET", b"POST"), b"4"),
        (upgrade(extra="Origin: https://evil.example\r\n"), b"403"),
        (upgrade(extra="Authorization: Bearer wrong\r\n"), b"401"),
        (upgrade("/sample?access_token=wrong"), b"401"),
        (upgrade(extra="Authorization: Bearer banned\r\n"), b"403"),
    ],
)
async def test_who_is_refused_gets_a_plain_answer(
    request_bytes: bytes, status: bytes
) -> None:
    """Clients decide by the status whether to negotiate anew, sign in or give up."""
    async with sample_server() as sample:
        raw = await dial(sample)
        raw.send(request_bytes)
        answer = await raw.rest()
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert not sample.hub.arrivals


async def test_the_answer_is_the_rfcs() -> None:
    """No browser would take the connection for a WebSocket (RFC 6455, 4.2.2)."""
    async with sample_server() as sample:
        raw = await dial(sample)
        offered = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        raw.send(upgrade(extra=offered))
        head = (await raw.until(b"\r\n\r\n")).lower()
        accepted = base64.b64encode(hashlib.sha1(KEY.encode() + GUID).digest())
        assert b"sec-websocket-accept: " + accepted.lower() in head
        # Compression costs too much, and nothing else is offered.
        assert b"extensions" not in head


async def test_frames_before_the_answer_are_not_taken() -> None:
    """Bytes that no WebSocket client may send yet would be read as frames."""
    async with sample_server() as sample:
        raw = await dial(sample)
        raw.send(upgrade("/sample?access_token=late"))
        await raw.until(b"\r\n\r\n")
        raw.send(frame(TEXT, HANDSHAKE))
        await raw.until(b"{}\x1e")


async def test_a_client_that_leaves_during_the_upgrade() -> None:
    """A connection would be counted that nobody ever had."""
    async with sample_server() as sample:
        for _ in range(20):
            raw = await dial(sample)
            raw.send(upgrade())
            raw.writer.transport.abort()
        # Who comes behind them is served behind them.
        await dial_socket(sample)
        await wait_until(lambda: len(sample.hub.context.everyone()) == 1)


async def test_a_proxys_word_counts_if_the_proxy_is_trusted() -> None:
    """Everybody behind a proxy would share one address, and its bounds."""
    async with sample_server(connections_per_address=1) as sample:
        for address in ("192.0.2.1", "192.0.2.2"):
            raw = await dial(sample)
            raw.send(upgrade(extra=f"X-Forwarded-For: {address}\r\n"))
            assert b" 101 " in await raw.until(b"\r\n\r\n")
        again = await dial(sample)
        again.send(upgrade(extra="X-Forwarded-For: 192.0.2.1\r\n"))
        assert (await again.rest()).startswith(b"HTTP/1.1 429 ")
        raw.send(frame(CLOSE, struct.pack("!H", 1000)))
        await raw.rest()
