"""Hub messages out of a stream of bytes, whatever their encoding.

An encoding says where a message ends and what one is; the rest is the same for all.
Decoders are strict about what would harm somebody and lenient about what shipped
clients are known to do (see `fields.py`).
"""

from collections.abc import Callable

from chatd_protocol.signalr.framing import LengthFrames, RecordFrames, Skipped
from chatd_protocol.signalr.messages import HubMessage, Oversized


class Decoder:
    """Reads one connection's inbound bytes."""

    __slots__ = ("_frames", "_oversized", "_parse")

    def __init__(
        self,
        frames: RecordFrames | LengthFrames,
        parse: Callable[[bytes], HubMessage | None],
        oversized: Callable[[Skipped], Oversized],
    ) -> None:
        """`parse` gives None for a type that it does not know."""
        self._frames = frames
        self._parse = parse
        self._oversized = oversized

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived; call `next` until it returns None afterwards."""
        self._frames.feed(data)

    @property
    def waiting_bytes(self) -> int:
        """How much has been fed and not been taken."""
        return self._frames.waiting_bytes

    def next(self) -> HubMessage | Oversized | None:
        """The next message, or None when more bytes are needed.

        Messages of unknown type are skipped. One that is longer than the limit is
        skipped too, with bounded memory, and comes out as `Oversized`.

        Raises RemoteProtocolError for anything malformed; the decoder is then of no
        further use.
        """
        while (frame := self._frames.next()) is not None:
            if isinstance(frame, Skipped):
                return self._oversized(frame)
            message = self._parse(frame)
            if message is not None:
                return message
        return None
