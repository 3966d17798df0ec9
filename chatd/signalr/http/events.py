"""Server-sent events: one endless response, and POSTs for the other direction.

Text only. Each event holds whole hub messages with their separators; JSON has no raw
line ends, so one `data:` line is enough.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

from chatd.signalr.connections.connection import Connection
from chatd.signalr.connections.results import ConnectionEnded
from chatd_protocol.signalr.negotiate import SERVER_SENT_EVENTS

OPENING: Final = b":\r\n\r\n"
"""A comment, because Firefox does not fire `open` before the first byte."""


class EventStreamPipe:
    """The stream of one connection."""

    transport: Final = SERVER_SENT_EVENTS
    framed: Final = False
    close_code: Final = None
    text_only: Final = True

    def __init__(self, connection: Connection, cut: Callable[[], object]) -> None:
        """`cut` drops the response's socket with whatever it still buffers."""
        self._cut = cut
        self.writable = True
        self.readable = asyncio.Event()
        self.readable.set()
        self.posting = asyncio.Lock()
        self._connection = connection
        self._ready: list[bytes] = []
        self._news = asyncio.Event()
        self._closed = False

    async def events(self) -> AsyncGenerator[bytes]:
        """The response's body; asked for more once the client took the last."""
        try:
            yield OPENING
            while True:
                if self._ready:
                    data = b"".join(self._ready)
                    self._ready.clear()
                    yield b"data: %b\r\n\r\n" % data
                elif self._closed:
                    return
                else:
                    self._news.clear()
                    self.writable = True
                    self._connection.unblocked()
                    await self._news.wait()
        finally:
            gone = ConnectionEnded("the client left its event stream")
            self._connection.lost(None if self._closed else gone)

    def write(self, data: bytes) -> None:
        """The next event."""
        self._ready.append(data)
        self.writable = False
        self._connection.blocked()
        self._news.set()

    def write_handshake(self, data: bytes, *, binary: bool) -> None:
        """Nothing is special about the handshake's response here."""
        del binary
        self.write(data)

    def close(self) -> None:
        """The response ends after what was written."""
        self._closed = True
        self.readable.set()
        self._news.set()

    def abort(self) -> None:
        """The response ends now, also when its client takes nothing."""
        self._ready.clear()
        self.close()
        self._cut()

    def pause_reading(self) -> None:
        """Let the next POST wait."""
        self.readable.clear()

    def resume_reading(self) -> None:
        """Take it."""
        self.readable.set()
