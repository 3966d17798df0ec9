"""A WebSocket client that is crude on purpose: it must cost less than the server.

It speaks SignalR's JSON protocol without negotiation, never parses what it gets, and
only counts two markers in the byte stream: events and completions.
"""

import asyncio
import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import cast

HANDSHAKE = b'{"protocol":"json","version":1}\x1e'
EVENT, COMPLETION, FAILURE = b'"target":"MessageCreated"', b'"type":3', b'"error":'
LONGEST = max(map(len, (EVENT, COMPLETION, FAILURE)))


def masked(payload: bytes) -> bytes:
    """One text frame from a client; the mask is zero, which leaves the bytes alone."""
    length = len(payload)
    if length < 126:
        head = bytes((0x81, 0x80 | length))
    else:
        head = b"\x81\xfe" + length.to_bytes(2, "big")
    return head + bytes(4) + payload


class Socket(asyncio.Protocol):
    """One connection. `events` counts what it was told of new messages."""

    def __init__(self) -> None:
        self.events = 0
        self.ready = asyncio.get_running_loop().create_future()
        self._transport: asyncio.WriteTransport | None = None
        self._tail = b""
        self._upgraded = False
        self._answer: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have this type's methods but are not of this type.
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        seen = self._tail + data
        if not self.ready.done():
            self._opening(seen)
            return
        # What ended before the new data began was counted last time.
        self.events += self._new(EVENT, seen)
        if self._answer is not None and self._new(COMPLETION, seen):
            answer, self._answer = self._answer, None
            if FAILURE in seen:
                answer.set_exception(RuntimeError(seen.decode(errors="replace")))
            else:
                answer.set_result(None)
        self._tail = seen[-LONGEST:]

    def _new(self, marker: bytes, seen: bytes) -> int:
        old = seen[: len(self._tail)]
        return seen.count(marker) - old.count(marker)

    def connection_lost(self, exc: Exception | None) -> None:
        for waiting in (self.ready, self._answer):
            if waiting is not None and not waiting.done():
                waiting.set_exception(ConnectionError("the server closed the socket"))

    def _opening(self, seen: bytes) -> None:
        self._tail = seen
        if not self._upgraded and b"\r\n\r\n" in seen:
            self._upgraded = True
            self.write(masked(HANDSHAKE))
        if not seen.startswith(b"HTTP/1.1 101"[: len(seen)]):
            self.ready.set_exception(RuntimeError(seen.decode(errors="replace")))
        elif b"{}\x1e" in seen:
            self._tail = b""
            self.ready.set_result(None)

    def write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    async def call(self, method: str, argument: Mapping[str, object]) -> None:
        """Invokes a hub method and waits for its completion; one call at a time."""
        message = {
            "type": 1,
            "invocationId": "1",
            "target": method,
            "arguments": [argument],
        }
        self._answer = asyncio.get_running_loop().create_future()
        self.write(masked(json.dumps(message).encode() + b"\x1e"))
        await self._answer

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


async def connect(port: int, bearer: str) -> Socket:
    """An open connection with its handshake done."""
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(Socket, "127.0.0.1", port)
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    socket.write(
        "\r\n".join(
            (
                "GET /hub HTTP/1.1",
                f"Host: 127.0.0.1:{port}",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Version: 13",
                f"Sec-WebSocket-Key: {key}",
                f"Authorization: Bearer {bearer}",
                "\r\n",
            )
        ).encode()
    )
    async with asyncio.timeout(30):
        await socket.ready
    return socket


async def connect_all(
    port: int, bearers: Sequence[str], together: int = 32
) -> list[Socket]:
    """One connection for each token, so many of them being opened at a time."""
    gate = asyncio.Semaphore(together)

    async def one(bearer: str) -> Socket:
        async with gate:
            return await connect(port, bearer)

    return list(await asyncio.gather(*map(one, bearers)))
