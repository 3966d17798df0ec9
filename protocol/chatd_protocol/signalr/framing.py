"""Where one message ends and the next begins, for bytes that arrive in any pieces.

JSON messages end with the byte 0x1E; MessagePack messages begin with their length as a
VarInt. Both readers bound their memory: a message beyond the limit is skipped while it
arrives, and only its first and last 4 KiB are kept, to find its id.
"""

from dataclasses import dataclass
from typing import Final

from chatd_protocol.signalr.errors import LocalProtocolError, RemoteProtocolError

RECORD_SEPARATOR: Final = b"\x1e"
EXCERPT_BYTES: Final = 4096
LENGTH_MAX: Final = 2**31 - 1
LENGTH_PREFIX_BYTES_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is left of a message beyond the limit: its two ends and its whole size."""

    head: bytes
    tail: bytes
    size: int


def encode_length(length: int) -> bytes:
    """The VarInt of `length`: groups of seven bits, the lowest first."""
    if length < 0x80:
        return bytes((length,))
    if length > LENGTH_MAX:
        raise LocalProtocolError("The message is longer than 2^31 - 1 bytes.")
    out = bytearray()
    while length >= 0x80:
        out.append(length & 0x7F | 0x80)
        length >>= 7
    out.append(length)
    return bytes(out)


class _Inbox:
    """Bytes that arrived and are not yet taken, with an offset instead of copies."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.start = 0

    def feed(self, data: bytes) -> None:
        if self.start:
            del self.data[: self.start]
            self.start = 0
        self.data += data

    def take(self, count: int) -> bytes:
        """The next `count` bytes, which must be there."""
        end = self.start + count
        taken = bytes(self.data[self.start : end])
        self.start = end
        if end == len(self.data):
            self.data.clear()
            self.start = 0
        return taken

    def __len__(self) -> int:
        return len(self.data) - self.start


class _Skip:
    """A message that is being thrown away."""

    def __init__(self, size: int = 0) -> None:
        self.head = b""
        self.tail = b""
        self.size = size

    def absorb(self, data: bytes) -> None:
        self.size += len(data)
        if len(self.head) < EXCERPT_BYTES:
            self.head += data[: EXCERPT_BYTES - len(self.head)]
        self.tail = (self.tail + data[-EXCERPT_BYTES:])[-EXCERPT_BYTES:]

    def finish(self) -> Skipped:
        return Skipped(self.head, self.tail, self.size)


class RecordFrames:
    """Splits a stream at the byte 0x1E. The limit counts the separator too."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._inbox = _Inbox()
        self._searched = 0  # bytes of the inbox known to hold no separator
        self._skip: _Skip | None = None

    def feed(self, data: bytes) -> None:
        """Add bytes; call `next` until it returns None before feeding again."""
        self._inbox.feed(data)

    @property
    def waiting_bytes(self) -> int:
        """How much has been fed and not been taken."""
        return len(self._inbox)

    def next(self) -> bytes | Skipped | None:
        """The next record without its separator, or None when it is not complete."""
        inbox = self._inbox
        end = inbox.data.find(RECORD_SEPARATOR, inbox.start + self._searched)
        if end < 0:
            self._searched = len(inbox)
            if self._skip is not None or len(inbox) > self._limit:
                self._absorb(len(inbox))
            return None
        size = end + 1 - inbox.start
        self._searched = 0
        if self._skip is not None or size > self._limit:
            skip = self._absorb(size - 1)
            inbox.take(1)
            skip.size += 1
            self._skip = None
            return skip.finish()
        return inbox.take(size)[:-1]

    def _absorb(self, count: int) -> _Skip:
        skip = self._skip = self._skip or _Skip()
        skip.absorb(self._inbox.take(count))
        self._searched = 0
        return skip


class LengthFrames:
    """Splits a stream by VarInt lengths. The limit counts the prefix too."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._inbox = _Inbox()
        self._skip: _Skip | None = None
        self._to_skip = 0

    def feed(self, data: bytes) -> None:
        """Add bytes; call `next` until it returns None before feeding again."""
        self._inbox.feed(data)

    @property
    def waiting_bytes(self) -> int:
        """How much has been fed and not been taken."""
        return len(self._inbox)

    def next(self) -> bytes | Skipped | None:
        """The next message without its length, or None when it is not complete."""
        if self._skip is not None:
            return self._skip_on(self._skip)
        prefix = self._prefix()
        if prefix is None:
            return None
        prefix_bytes, length = prefix
        if prefix_bytes + length > self._limit:
            self._inbox.take(prefix_bytes)
            self._skip = _Skip(size=prefix_bytes)
            self._to_skip = length
            return self._skip_on(self._skip)
        if len(self._inbox) < prefix_bytes + length:
            return None
        return self._inbox.take(prefix_bytes + length)[prefix_bytes:]

    def _prefix(self) -> tuple[int, int] | None:
        """The number of bytes of the length that comes next, and the length."""
        data, start = self._inbox.data, self._inbox.start
        length = 0
        for index in range(min(len(self._inbox), LENGTH_PREFIX_BYTES_MAX)):
            byte = data[start + index]
            length |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if length > LENGTH_MAX:
                    raise RemoteProtocolError("A message length is beyond 2^31 - 1.")
                return index + 1, length
        if len(self._inbox) >= LENGTH_PREFIX_BYTES_MAX:
            raise RemoteProtocolError("A message length has more than five bytes.")
        return None

    def _skip_on(self, skip: _Skip) -> Skipped | None:
        count = min(len(self._inbox), self._to_skip)
        skip.absorb(self._inbox.take(count))
        self._to_skip -= count
        if self._to_skip:
            return None
        self._skip = None
        return skip.finish()
