"""What an application says about its hub: methods, hooks, bounds.

All of it is values: the server reads them and knows nothing else of the application.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from chatd.signalr.connections.connection import Connection
from chatd.signalr.requests import Anonymous, Handshake, HubLimits, Identity
from chatd_protocol.signalr.negotiate import TRANSPORTS


class HubException(Exception):
    """Its text reaches the client, in SignalR's own wording."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a hub.

    `call(connection, *arguments, *uploads)` is a coroutine function, or, when
    `streaming`, an asynchronous generator function. Arguments are bound to the types in
    `arguments` strictly (msgspec); `uploads` is how many streams of items the client
    sends along, given as asynchronous iterators.

    What `catches_up` is called by everybody who has just connected: it takes turns with
    connecting itself, and is refused while too many are in line.
    """

    name: str
    call: Callable[..., Awaitable[object] | AsyncIterator[object]]
    arguments: tuple[object, ...] = ()
    uploads: int = 0
    streaming: bool = False
    catches_up: bool = False
    authorize: Callable[[Connection], bool] | None = None

    def bind(self, given: object) -> list[object]:
        """The arguments as the method's types.

        Raises:
            ValueError: not as many as the method has, or one is of another type.
        """
        assert isinstance(given, list | tuple)
        wanted = self.arguments
        if len(given) != len(wanted):
            raise ValueError(
                f"{len(given)} arguments were given, {len(wanted)} expected"
            )
        return [
            msgspec.convert(value, kind, strict=True)
            for value, kind in zip(given, wanted, strict=True)
        ]


async def _anyone(_handshake: Handshake) -> Identity:
    return Anonymous()


async def _connected(_connection: Connection) -> None:
    pass


async def _disconnected(_connection: Connection, _error: Exception | None) -> None:
    pass


def _no_text(_error: Exception, _connection: Connection, _target: str) -> str | None:
    return None


def _uncounted(_what: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Observer:
    """What a hub tells whoever counts; called on the loop, must neither wait nor fail.

    `opening` is how an attempt to connect went: `accepted`, `bad_handshake`,
    `abandoned` (no transport came), or the name of the HTTP status that refused a
    request, such as `unauthorized`.
    `ended` is each connection that is gone for good.
    """

    opening: Callable[[str], None] = _uncounted
    ended: Callable[[Connection], None] = _uncounted


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub. `methods` are found by their names in any case.

    Hooks: `authenticate` answers every opening request with an identity (None for
    anybody) or raises a `Denied`; `connected` runs before the first message is read,
    and when it fails the client is closed with an error; `disconnected` runs exactly
    once for every connection whose `connected` returned, with None for a good end;
    `completion_error` gives the text of a failed call, or None for SignalR's own.

    `allowed_origins` are the other origins whose pages may connect, exactly as browsers
    send them. A hub's own origin is always allowed, and so are programs.

    `kept_headers` are headers of the negotiation, in lower case, that `authenticate`
    looks at: a browser cannot send them again with a WebSocket, which may come to
    another process.
    """

    methods: Mapping[str, Method]
    authenticate: Callable[[Handshake], Awaitable[Identity | None]] = _anyone
    connected: Callable[[Connection], Awaitable[None]] = _connected
    disconnected: Callable[[Connection, Exception | None], Awaitable[None]] = (
        _disconnected
    )
    completion_error: Callable[[Exception, Connection, str], str | None] = _no_text
    observer: Observer = field(default_factory=Observer)
    limits: HubLimits = field(default_factory=HubLimits)
    detailed_errors: bool = False
    allowed_origins: tuple[str, ...] = ()
    kept_headers: tuple[str, ...] = ()
    transports: tuple[str, ...] = tuple(row.name for row in TRANSPORTS)
