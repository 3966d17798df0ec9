"""When something happens to a connection unless something else does.

Moments are remembered and not timers: hearing from a client is one assignment, and what
is due is worked out when the wheel calls. All times are monotonic seconds.
"""

from collections.abc import Iterator
from enum import Enum

from chatd.signalr.requests import HubLimits
from chatd.signalr.ticks import Timed, Wheel


class Deadline(Enum):
    """What there is to miss."""

    EXPIRY = 1
    """The connection was allowed to last until then."""
    ABSENCE = 2
    """A negotiated id without a transport, or a long poller between two polls."""
    HANDSHAKE = 3
    PING = 4
    """Ours: the client wants to hear from us."""
    SILENCE = 5
    """Nothing was heard of a client that is known to ping."""
    STALL = 6
    """The transport took nothing of what is pending."""


class Deadlines:
    """The moments that a connection's deadlines are counted from; None: not now."""

    __slots__ = (
        "_attached_s",
        "_away_s",
        "_blocked_s",
        "_connection",
        "_expiry_s",
        "_heard_s",
        "_limits",
        "_pinged_s",
        "_pings",
        "_wheel",
    )

    def __init__(self, connection: Timed, wheel: Wheel, limits: HubLimits) -> None:
        """The client is away from the start; `connection` is called on the wheel."""
        self._connection = connection
        self._wheel = wheel
        self._limits = limits
        self._heard_s = wheel.now()
        self._pings = False
        self._away_s: float | None = None
        self._attached_s: float | None = None
        self._pinged_s: float | None = None
        self._blocked_s: float | None = None
        self._expiry_s: float | None = None
        self.left()

    def left(self) -> None:
        """The client has no request here and has to come back in time."""
        self._away_s = self._wheel.now()
        self._call_in(self._limits.idle_s)

    def returned(self) -> None:
        """It is there again."""
        self._away_s = None

    def attached(self) -> None:
        """There is a transport, and the handshake may take its time from now."""
        self._away_s = None
        self._attached_s = self._wheel.now()
        self._wheel.schedule(self._connection, self._limits.handshake_s)

    def handshaken(self) -> None:
        """The handshake is done; pings begin."""
        self._attached_s = None
        self.pinged()
        self._wheel.schedule(self._connection, self._limits.ping_s)

    def pinged(self) -> None:
        """We have sent a ping, or need not."""
        self._pinged_s = self._wheel.now()

    def heard(self) -> None:
        """The client has sent something, or could not while its method ran."""
        self._heard_s = self._wheel.now()

    def heard_ping(self) -> None:
        """The client does ping, so its silence means something from now on."""
        if not self._pings:
            self._pings = True
            self._call_in(self._limits.client_timeout_s)

    def blocked(self) -> None:
        """The transport can take no more."""
        if self._blocked_s is None:
            self._blocked_s = self._wheel.now()
            self._call_in(self._limits.outbound_s)

    def unblocked(self) -> None:
        """It can again."""
        self._blocked_s = None

    def expire(self, at_s: float | None) -> None:
        """How long the connection may last; None for ever."""
        self._expiry_s = at_s
        if at_s is not None:
            self._call_in(max(0.0, at_s - self._wheel.now()))

    def ended(self) -> None:
        """None of them matters any more: `close_s` is left to the transport."""
        self._wheel.schedule(self._connection, self._limits.close_s)

    def running(
        self, *, calling: bool, pending: bool
    ) -> Iterator[tuple[Deadline, float]]:
        """Every deadline that is being waited for, with its time.

        `calling`: a method of the client runs, and its silence is forgiven.
        `pending`: something waits to be written.
        """
        limits = self._limits
        if self._expiry_s is not None:
            yield Deadline.EXPIRY, self._expiry_s
        if self._away_s is not None:
            yield Deadline.ABSENCE, self._away_s + limits.idle_s
        if self._attached_s is not None:
            yield Deadline.HANDSHAKE, self._attached_s + limits.handshake_s
        if self._pinged_s is None:
            return
        yield Deadline.PING, self._pinged_s + limits.ping_s
        if self._pings and not calling:
            yield Deadline.SILENCE, self._heard_s + limits.client_timeout_s
        if self._blocked_s is not None and pending:
            yield Deadline.STALL, self._blocked_s + limits.outbound_s

    def _call_in(self, delay_s: float) -> None:
        self._wheel.schedule_earlier(self._connection, delay_s)
