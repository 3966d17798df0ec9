"""A client that says exactly which bytes it sends, for what no honest client sends."""

import asyncio
import base64
import json
import struct
from dataclasses import dataclass

from tests.signalr.sample import Sample

HANDSHAKE = b'{"protocol":"json","version":1}\x1e'
TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0
KEY = base64.b64encode(bytes(16)).decode()
DEADLINE_S = 30.0
"""For what has to come, on a machine that does other things first."""


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """One masked frame; the mask is zero."""
    head = bytes([(0x80 if fin else 0) | opcode])
    size = len(payload)
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0xFE]) + struct.pack("!H", size)
    else:
        head += bytes([0xFF]) + struct.pack("!Q", size)
    return head + bytes(4) + payload


def call(number: int, target: str, *arguments: object) -> bytes:
    """An invocation as one frame."""
    message = {
        "type": 1,
        "invocationId": str(number),
        "target": target,
        "arguments": arguments,
    }
    return frame(TEXT, json.dumps(message).encode() + b"\x1e")


def upgrade(path: str = "/sample", extra: str = "") -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\n{extra}\r\n"
    ).encode()


@dataclass
class Raw:
    """One TCP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def pause(self) -> None:
        """Reads nothing more: the kernel's buffers fill."""
        transport = self.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()

    def resume(self) -> None:
        transport = self.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.resume_reading()

    async def until(self, marker: bytes, deadline_s: float = DEADLINE_S) -> bytes:
        """What comes up to and with `marker`."""
        async with asyncio.timeout(deadline_s):
            return await self.reader.readuntil(marker)

    async def rest(self, deadline_s: float = DEADLINE_S) -> bytes:
        """What comes until the server closes."""
        async with asyncio.timeout(deadline_s):
            try:
                return await self.reader.read(-1)
            except ConnectionError:
                return b""

    async def push(self, data: bytes, deadline_s: float = DEADLINE_S) -> bool:
        """Sends much; whether the server took it all before it closed."""
        try:
            async with asyncio.timeout(deadline_s):
                for start in range(0, len(data), 65536):
                    self.writer.write(data[start : start + 65536])
                    await self.writer.drain()
        except (ConnectionError, TimeoutError):
            return False
        return True


async def dial(sample: Sample) -> Raw:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", sample.port, limit=16 * 2**20
    )
    sample.writers.append(writer)
    return Raw(reader, writer)


async def dial_socket(sample: Sample) -> Raw:
    """An open WebSocket whose SignalR handshake is done."""
    raw = await dial(sample)
    raw.send(upgrade())
    assert (await raw.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    raw.send(frame(TEXT, HANDSHAKE))
    await raw.until(b"{}\x1e")
    return raw
