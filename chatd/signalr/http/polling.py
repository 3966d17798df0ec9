"""Long polling: what is sent waits until the client asks, once per poll.

Between two polls the client is away and must come back within the idle time. What is
written while no poll is open stays in the connection, under the same bounds as for a
WebSocket that cannot take more.
"""

import asyncio
from typing import Final

from chatd.signalr.connections.connection import Connection
from chatd_protocol.signalr.negotiate import LONG_POLLING

RECORD_END: Final = b"\x1e"


class LongPollingPipe:
    """The polls of one connection, one of which is open at a time."""

    transport: Final = LONG_POLLING
    framed: Final = False
    close_code: Final = None
    text_only: Final = False

    def __init__(self, connection: Connection, *, one_record: bool = False) -> None:
        """With `one_record` a poll is answered with one JSON message and no more."""
        self.writable = False
        self._one_record = one_record
        self.readable = asyncio.Event()
        self.readable.set()
        self.posting = asyncio.Lock()
        self._connection = connection
        self._ready: list[bytes] = []
        self._open: asyncio.Future[None] | None = None
        self._closed = False

    async def poll(self, wait_s: float) -> bytes | None:
        """What there is to say within `wait_s` seconds, or b"".

        None: the connection is over, or a newer poll has taken this one's place.
        """
        self.release()
        self._connection.deadlines.returned()
        poll = self._open = asyncio.get_running_loop().create_future()
        self.writable = not self._ready and not self._closed
        self._connection.unblocked()
        if not self._ready and not self._closed:
            await asyncio.wait((poll,), timeout=wait_s)
        if self._open is not poll:
            return None
        self._open = None
        self.writable = False
        if self._ready:
            data, self._ready = self._cut(b"".join(self._ready))
            self._connection.deadlines.left()
            return data
        if self._closed:
            self._connection.lost(None)
            return None
        self._connection.deadlines.left()
        return b""

    def release(self) -> None:
        """End the open poll, if there is one, without an answer of its own."""
        poll, self._open = self._open, None
        self.writable = False
        if poll is not None:
            self._connection.deadlines.left()
            if not poll.done():
                poll.set_result(None)

    def write(self, data: bytes) -> None:
        """The answer to the open poll, or the last words for the next one."""
        self._ready.append(data)
        self.writable = False
        self._connection.blocked()
        self._wake()

    def write_handshake(self, data: bytes, *, binary: bool) -> None:
        """Nothing is special about the handshake's response here."""
        del binary
        self.write(data)

    def close(self) -> None:
        """The next poll without anything to say is told that it is over."""
        self._closed = True
        self.readable.set()
        self._wake()

    def abort(self) -> None:
        """Forget what nobody came for."""
        self._ready.clear()
        self.close()

    def pause_reading(self) -> None:
        """Let the next POST wait."""
        self.readable.clear()

    def resume_reading(self) -> None:
        """Take it."""
        self.readable.set()

    def _cut(self, data: bytes) -> tuple[bytes, list[bytes]]:
        """What this poll is answered with, and what the next one is."""
        if not self._one_record or not data.endswith(RECORD_END):
            return data, []
        first, end, rest = data.partition(RECORD_END)
        return first + end, [rest] if rest else []

    def _wake(self) -> None:
        if self._open is not None and not self._open.done():
            self._open.set_result(None)
