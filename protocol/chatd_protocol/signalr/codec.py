"""What an encoding of hub messages is, and the two there are.

A codec writes whole framed messages and makes decoders, which read them back from a
stream of bytes cut anywhere.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol

from chatd_protocol.signalr.decoding import Decoder
from chatd_protocol.signalr.json_codec import JsonCodec
from chatd_protocol.signalr.messagepack_codec import MessagePackCodec
from chatd_protocol.signalr.messages import HubMessage


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
