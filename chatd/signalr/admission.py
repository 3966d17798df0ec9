"""Who may open a connection, from where, and who may go on with one.

The same rules for every transport: the page's origin, the hub's `authenticate`, and
that a connection belongs to the user who negotiated it.
"""

import asyncio
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, NoReturn
from urllib.parse import urlsplit

from chatd.signalr.connections.connection import Connection
from chatd.signalr.crowds.gate import Crowded
from chatd.signalr.registry import HubContext
from chatd.signalr.requests import Denied, Handshake, Identity
from chatd.signalr.tickets import Ticket
from chatd.telemetry import log
from chatd_protocol.signalr.negotiate import WEB_SOCKETS

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


# Not frozen: what exceptions pass through may set their traceback.
@dataclass(eq=False, slots=True)
class Refusal(Exception):
    """The request is answered with this status and text."""

    status: HTTPStatus
    text: str = ""
    retry_after_s: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says beside its text."""
        if self.retry_after_s is None:
            return {}
        return {"Retry-After": str(self.retry_after_s)}

    @property
    def words(self) -> str:
        """The status as a label, such as `not_found`."""
        return self.status.name.lower()


class Elsewhere(Exception):
    """A sibling has the connection."""

    def __init__(self, token: str, ticket: Ticket) -> None:
        super().__init__()
        self.token = token
        self.ticket = ticket


NOT_FOUND: Final = Refusal(HTTPStatus.NOT_FOUND, "No Connection with that ID")
ID_REQUIRED: Final = Refusal(HTTPStatus.BAD_REQUEST, "Connection ID required")
IN_USE: Final = Refusal(HTTPStatus.CONFLICT, "The connection is already in use")
OTHER_TRANSPORT: Final = Refusal(
    HTTPStatus.BAD_REQUEST, "The connection uses another transport"
)
NO_TRANSPORT: Final = Refusal(
    HTTPStatus.NOT_FOUND, "The transport is disabled on this endpoint"
)
FOREIGN_ORIGIN: Final = Refusal(HTTPStatus.FORBIDDEN, "Origin not allowed")
NOT_YOURS: Final = Refusal(HTTPStatus.FORBIDDEN)
CROWDED: Final = Refusal(
    HTTPStatus.TOO_MANY_REQUESTS, "Too many connections from this address", 5
)
LOST_FOR_EVER: Final = Refusal(
    HTTPStatus.TOO_MANY_REQUESTS, "Too many requests for connections that are gone", 10
)
DRAINING: Final = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The server is going down", 1)


def is_same_origin(origin: str, handshake: Handshake) -> bool:
    """Whether a page of `origin` and this request have scheme, host and port alike."""
    scheme = "https" if handshake.secure else "http"
    here = _authority(f"{scheme}://{handshake.headers.get('host', '')}")
    return here is not None and here == _authority(origin)


def allows_origin(handshake: Handshake, allowed: tuple[str, ...]) -> bool:
    """Whether the page that opens a WebSocket may: CORS does not ask us about it."""
    origin = handshake.headers.get("origin")
    if origin is None or origin in allowed:
        return True
    return is_same_origin(origin, handshake)


def _authority(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.path or parts.query or parts.username:
        return None
    return (
        parts.scheme,
        parts.hostname,
        DEFAULT_PORTS.get(parts.scheme) if port is None else port,
    )


async def negotiate_connection(
    context: HubContext, handshake: Handshake, *, version: int
) -> tuple[str, str]:
    """The public id and the secret token of a new connection for whoever asks.

    Raises:
        Refusal: the server is going down, or the hub will not have him.
    """
    identity = await _let_in(context, handshake)
    return context.negotiate(identity, handshake, version=version)


async def find_connection(
    context: HubContext, handshake: Handshake, token: str, *, anywhere: bool = False
) -> Connection:
    """The connection that a request names: it is there, or it begins with a ticket.

    With `anywhere`, any sibling's ticket is as good as our own.

    Raises:
        Elsewhere: it has begun, or must begin, at a sibling.
        Refusal: there is none, it is somebody else's, or as `negotiate_connection`.
    """
    connection = context.find(token)
    if connection is not None:
        await check_user(context, connection, handshake)
        return connection
    siblings = context.siblings
    ticket = None if siblings is None else siblings.read(token, context.path)
    if siblings is None or context.spent is None or ticket is None:
        await turn_away(context, handshake)
    if not anywhere and not siblings.is_home(ticket):
        raise Elsewhere(token, ticket)
    if not siblings.is_young(ticket) or token in context.spent:
        await turn_away(context, handshake)
    known = replace(
        handshake,
        # Some clients send their access token only when they negotiate.
        bearer=handshake.bearer or ticket.bearer,
        headers=ticket.headers | dict(handshake.headers),
    )
    identity = await _let_in(context, known)
    if identity.user_id != ticket.user:
        raise NOT_YOURS
    # Looked at after the wait: another request with this ticket may have been first.
    first = context.find(token)
    if first is not None:
        return first
    return context.begin(identity, known, token, ticket.connection_id or token)


async def _let_in(context: HubContext, handshake: Handshake) -> Identity:
    _check_room(context, handshake)
    identity = await _authenticate(context, handshake)
    # Looked at after the wait too: many can have come in meanwhile.
    _check_room(context, handshake)
    return identity


def _check_room(context: HubContext, handshake: Handshake) -> None:
    if context.draining:
        raise DRAINING
    if not context.addresses.has_room(handshake.client):
        raise CROWDED


async def turn_away(context: HubContext, handshake: Handshake) -> NoReturn:
    """The request names a connection that is not there: say so, at a measured pace.

    Raises:
        Refusal: always; 404, which makes clients negotiate, or 429.
    """
    wait_s = context.addresses.unknown(handshake.client)
    if wait_s is None:
        raise LOST_FOR_EVER
    await asyncio.sleep(wait_s)
    raise NOT_FOUND


async def check_user(
    context: HubContext, connection: Connection, handshake: Handshake
) -> None:
    """That a request on an existing connection comes from the connection's user.

    The connection token alone is proof enough: some clients send their access token
    only once, and it is just as secret. But credentials that are sent must hold.

    Raises:
        Refusal: they do not, or they are somebody else's.
    """
    if handshake.bearer is None:
        return
    identity = await _authenticate(context, handshake, owed=True)
    if identity.user_id != connection.user_id:
        raise NOT_YOURS


async def _authenticate(
    context: HubContext, handshake: Handshake, *, owed: bool = False
) -> Identity:
    try:
        gate = context.gate
        async with gate.go_on() if owed else gate.begin(handshake.client):
            return await context.authenticate(handshake)
    except Crowded as crowded:
        raise Refusal(
            HTTPStatus.SERVICE_UNAVAILABLE, str(crowded), crowded.retry_after_s
        ) from crowded
    except Denied as denied:
        raise Refusal(denied.status) from denied
    except TimeoutError as error:
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE) from error
    except Exception as error:
        log.error("authenticate failed", path=context.path, exc_info=error)
        raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR) from error


async def admit_websocket(
    context: HubContext | None, handshake: Handshake, token: str | None
) -> Connection:
    """The connection that a WebSocket upgrade belongs to.

    Raises:
        Refusal: 403, 401, 404, 409 and so on, with the texts clients know.
    """
    if context is None:
        raise Refusal(HTTPStatus.NOT_FOUND)
    if not allows_origin(handshake, context.hub.allowed_origins):
        raise FOREIGN_ORIGIN
    if WEB_SOCKETS not in context.hub.transports:
        raise NO_TRANSPORT
    if token is None:
        return context.open(await _let_in(context, handshake), handshake)
    connection = await find_connection(context, handshake, token, anywhere=True)
    # Looked at after the wait: two upgrades with one token must not both attach.
    if connection.closed:
        await turn_away(context, handshake)
    if connection.pipe is not None:
        same = connection.transport == WEB_SOCKETS
        raise IN_USE if same else OTHER_TRANSPORT
    return connection
