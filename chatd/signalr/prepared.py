"""A message for many receivers, made into bytes once per form and never per receiver.

A form is an encoding and the envelope of a transport: WebSockets want a frame header
before each hub message, event streams and long polls want the bare bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from struct import pack
from types import MappingProxyType
from typing import Final

from chatd_protocol.signalr.codec import CODECS, Codec
from chatd_protocol.signalr.messages import HubMessage, Invocation

FIN: Final = 0x80
TEXT: Final = 0x01
BINARY: Final = 0x02


def websocket_frame(payload: bytes, *, binary: bool) -> bytes:
    """`payload` as one unmasked WebSocket frame (RFC 6455 5.2)."""
    head = FIN | (BINARY if binary else TEXT)
    size = len(payload)
    if size < 126:
        return bytes((head, size)) + payload
    if size < 65536:
        return pack("!BBH", head, 126, size) + payload
    return pack("!BBQ", head, 127, size) + payload


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """How hub messages become bytes for one kind of connection."""

    codec: Codec
    framed: bool

    def encode(self, message: HubMessage) -> bytes:
        """One whole message, ready for `Pipe.write`."""
        payload = self.codec.encode(message)
        if not self.framed:
            return payload
        return websocket_frame(payload, binary=self.codec.binary)


FORMS: Final[Mapping[tuple[str, bool], Form]] = MappingProxyType(
    {
        (codec.name, framed): Form(codec, framed)
        for codec in CODECS.values()
        for framed in (True, False)
    }
)
"""By the handshake's protocol name and whether the pipe is a WebSocket."""


class Prepared:
    """A call of a client's method that expects no answer."""

    __slots__ = ("_message", "by_form")

    def __init__(self, target: str, *arguments: object) -> None:
        self._message = Invocation(target, list(arguments))
        self.by_form: dict[Form, bytes] = {}

    def encode(self, form: Form) -> bytes:
        """The bytes of one form; `by_form` holds them from then on."""
        data = self.by_form.get(form)
        if data is None:
            data = self.by_form[form] = form.encode(self._message)
        return data
