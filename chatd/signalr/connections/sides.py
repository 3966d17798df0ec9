"""What a connection stands between: the hub that owns it, and the pipe that carries it.

Types alone, so that neither side has to know the connection's other half.
"""

from enum import IntEnum
from typing import Protocol, TypeVar

from chatd.signalr.requests import HubLimits
from chatd.signalr.ticks import Flusher, Wheel
from chatd_protocol.signalr.messages import HubMessage, Oversized

ConnectionT_contra = TypeVar("ConnectionT_contra", contravariant=True)


class State(IntEnum):
    """The life of a connection, in order; a comparison asks how far it has come."""

    NEGOTIATED = 0
    """Has a token and no transport."""
    HANDSHAKE = 1
    CONNECTING = 2
    """The connect hook runs: sending works, what arrives waits."""
    OPEN = 3
    ENDED = 4


class Pipe(Protocol):
    """One transport of one connection. Bytes that arrive go to `Connection.receive`."""

    @property
    def transport(self) -> str:
        """Its name in negotiate."""

    @property
    def framed(self) -> bool:
        """Whether it wants WebSocket frames instead of bare hub messages."""

    @property
    def text_only(self) -> bool:
        """Whether it cannot carry binary data."""

    @property
    def close_code(self) -> int | None:
        """With which WebSocket code it ended; None where there are no codes."""

    @property
    def writable(self) -> bool:
        """False while the client is slower than we are; `Outbound.flush` waits."""

    def write(self, data: bytes) -> None:
        """Send whole hub messages, also when not writable: it is the last word then."""

    def write_handshake(self, data: bytes, *, binary: bool) -> None:
        """Send the handshake response, which no form applies to."""

    def close(self) -> None:
        """End in good order after what was written."""

    def abort(self) -> None:
        """End now."""

    def pause_reading(self) -> None:
        """Let the client wait with what it has to say."""

    def resume_reading(self) -> None:
        """Go on."""


class Owner(Protocol[ConnectionT_contra]):
    """What a connection needs of the hub it belongs to."""

    limits: HubLimits
    detailed_errors: bool
    wheel: Wheel
    flusher: Flusher

    def handshaken(self, connection: ConnectionT_contra) -> None:
        """The client can be spoken to: run the connect hook, then `start_reading`."""

    def message(
        self, connection: ConnectionT_contra, message: HubMessage | Oversized
    ) -> None:
        """A message for the hub's methods."""

    def has_room(self, connection: ConnectionT_contra) -> bool:
        """Whether more calls may be read; when not, call `read_on` later."""

    def is_calling(self, connection: ConnectionT_contra) -> bool:
        """Whether a method runs, which pauses the client's timeout."""

    def ended(self, connection: ConnectionT_contra, error: Exception | None) -> None:
        """Nothing will arrive or be sent any more."""

    def released(self, connection: ConnectionT_contra) -> None:
        """The pipe is gone: forget the token."""
