"""What an encoding of hub messages is, and the two there are.

A codec writes whole framed messages and makes decoders, which read them back from a
stream of bytes cut anywhere. Decoders are strict about what would harm somebody and
lenient about what shipped clients are known to do (see `fields.py`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol

from chatd_protocol.signalr.json_codec import JsonCodec
from chatd_protocol.signalr.messagepack_codec import MessagePackCodec
from chatd_protocol.signalr.messages import HubMessage, Oversized


class Decoder(Protocol):
    """Reads one connection's inbound bytes."""

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived; call `next` until it returns None afterwards."""

    @property
    def waiting_bytes(self) -> int:
        """How much has been fed and not been taken."""

    def next(self) -> HubMessage | Oversized | None:
        """The next message, or None when more bytes are needed.

        Messages of unknown type are skipped. One that is longer than the limit is
        skipped too, with bounded memory, and comes out as `Oversized`.

        Raises RemoteProtocolError for anything malformed; the decoder is then of no
        further use.
        """


class Codec(Protocol):
    """One encoding of hub messages, named as in the handshake."""

    @property
    def name(self) -> str:
        """`json` or `messagepack`."""

    @property
    def version(self) -> int:
        """The highest handshake version that is understood."""

    @property
    def binary(self) -> bool:
        """Whether messages travel in binary WebSocket frames."""

    def encode(self, message: HubMessage) -> bytes:
        """One whole message with its framing.

        msgspec Structs inside arguments, results and items are written as their
        builtins (renames and omitted defaults applied).

        Raises LocalProtocolError for a value that the encoding cannot carry.
        """

    def decoder(self, limit_bytes: int) -> Decoder:
        """A fresh decoder that skips messages above `limit_bytes`, framing included."""


CODECS: Final[Mapping[str, Codec]] = MappingProxyType(
    {codec.name: codec for codec in (JsonCodec(), MessagePackCodec())}
)
"""Every codec by the name that a handshake request gives."""
