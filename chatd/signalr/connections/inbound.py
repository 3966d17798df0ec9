"""The receiving half of a connection: bytes, cut anywhere, become hub messages.

Before the handshake bytes are collected, whether there is a transport yet or not: one
client posts its handshake before its first poll.
"""

from typing import Final

from chatd.signalr.requests import HubLimits
from chatd_protocol.signalr.codec import Codec
from chatd_protocol.signalr.decoding import Decoder
from chatd_protocol.signalr.errors import RemoteProtocolError
from chatd_protocol.signalr.handshake import choose_codec, take_handshake
from chatd_protocol.signalr.messages import HubMessage, Oversized

TURN_BYTES: Final = 64 * 1024
"""Of one connection; the rest of what it sent waits for the next turn of the loop. What
is made to be slow to read takes 0.2 ms a KB."""
MESSAGE_BYTES_MIN: Final = 256
"""What a message counts for at least: the smallest takes as long as these."""


class Inbound:
    """What has arrived of one client and was not taken yet."""

    __slots__ = ("_decoder", "_early", "_limits", "message_bytes")

    def __init__(self, limits: HubLimits) -> None:
        self._limits = limits
        self._early = bytearray()
        self._decoder: Decoder | None = None
        self.message_bytes = 0
        """The size of the last message that was taken."""

    def feed(self, data: bytes) -> None:
        """More bytes.

        Raises:
            RemoteProtocolError: more before the handshake than one body or frame holds.
        """
        if self._decoder is not None:
            self._decoder.feed(data)
            return
        self._early += data
        limits = self._limits
        if len(self._early) > max(limits.body_bytes, limits.websocket_message_bytes):
            raise RemoteProtocolError("Too much before the handshake.")

    def take_handshake(self, *, text_only: bool) -> Codec | None:
        """The encoding that the client asks for, or None if it has not yet.

        Raises:
            RemoteProtocolError: it asks for what there is not, or for what a
                `text_only` transport cannot carry, or it does not ask at all.
        """
        request = take_handshake(self._early, self._limits.message_bytes)
        if request is None:
            return None
        codec = choose_codec(request)
        if codec.binary and text_only:
            raise RemoteProtocolError(
                f"The '{codec.name}' protocol needs a transport for binary data."
            )
        self._decoder = codec.decoder(self._limits.message_bytes)
        if self._early:
            self._decoder.feed(bytes(self._early))
            self._early = bytearray()
        return codec

    def next(self) -> HubMessage | Oversized | None:
        """The next whole message, if there is one.

        Raises:
            RemoteProtocolError: the bytes are none.
        """
        decoder = self._decoder
        if decoder is None:
            return None
        before = decoder.waiting_bytes
        message = decoder.next()
        self.message_bytes = before - decoder.waiting_bytes
        return message

    @property
    def message_cost(self) -> int:
        """What the last message takes of its turn, in bytes."""
        return max(self.message_bytes, MESSAGE_BYTES_MIN)

    def end(self) -> None:
        """Forget everything: nothing is taken any more."""
        self._early = bytearray()
        self._decoder = None
