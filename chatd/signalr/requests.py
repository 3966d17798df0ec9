"""What the server knows of a client before there is a connection: its HTTP request.

Also who may come in: the hub's `authenticate` is given a `Handshake` and answers with
an identity or raises a `Denied`. And the bounds that hold from then on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import parse_qsl

BEARER: Final = "bearer "
SECRETS_IN_QUERY: Final = frozenset({"access_token", "id"})
SECRETS_IN_HEADERS: Final = frozenset({"authorization", "cookie"})
QUERY_FIELDS_MAX: Final = 64


class Denied(Exception):
    """The request gets this HTTP status and an empty body.

    The clients take their error text from the body, else from the reason phrase, and
    applications look for the word Unauthorized.
    """

    status = HTTPStatus.FORBIDDEN


class Unauthenticated(Denied):
    """No credentials, or credentials that do not hold: 401."""

    status = HTTPStatus.UNAUTHORIZED


class Forbidden(Denied):
    """Known, and not allowed here: 403."""


class Unavailable(Denied):
    """Nobody can tell for the moment who may come in: 503."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class Identity(Protocol):
    """Who a connection belongs to. Hubs bring their own frozen type."""

    @property
    def user_id(self) -> str:
        """One user of the hub; `clients.user(user_id)` finds all his connections."""


@dataclass(frozen=True, slots=True)
class Anonymous:
    """The identity of everybody on a hub that does not authenticate."""

    user_id: str = ""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The HTTP request that opens (or negotiates) a connection.

    `headers` have lower-case names, `query` keeps the client's spelling. Neither holds
    the access token, the connection token or cookies: what is kept for the life of a
    connection ends up in somebody's log one day. `bearer` is the access token, from the
    header, else from the query; it is None on the connection's own `handshake`.
    """

    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    bearer: str | None = None
    client: str = ""
    secure: bool = False


def read_handshake(
    path: str,
    raw_headers: Iterable[tuple[bytes, bytes]],
    query_string: bytes,
    *,
    client: str,
    secure: bool,
) -> tuple[Handshake, str | None]:
    """The request as the hub sees it, and the connection token that it named.

    A header that comes twice is joined with ", " (RFC 9110 5.2), so that a second
    Origin or Authorization never hides behind the first.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw_headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    try:
        fields = parse_qsl(
            query_string.decode("latin-1"),
            keep_blank_values=True,
            max_num_fields=QUERY_FIELDS_MAX,
        )
    except ValueError:
        fields = []
    secrets = {
        name.lower(): value
        for name, value in reversed(fields)
        if name.lower() in SECRETS_IN_QUERY
    }
    handshake = Handshake(
        path=path,
        headers={k: v for k, v in headers.items() if k not in SECRETS_IN_HEADERS},
        query={k: v for k, v in fields if k.lower() not in SECRETS_IN_QUERY},
        bearer=_bearer(headers.get("authorization")) or secrets.get("access_token"),
        client=client,
        secure=secure,
    )
    return handshake, secrets.get("id")


def _bearer(header: str | None) -> str | None:
    if header is None or header[: len(BEARER)].lower() != BEARER:
        return None
    return header[len(BEARER) :].strip() or None


@dataclass(frozen=True, slots=True)
class HubLimits:
    """Every bound and timeout of a hub. Sizes in bytes, times in seconds (`_s`)."""

    message_bytes: int = 32 * 1024
    """One inbound hub message with its framing; SignalR's own default."""
    websocket_message_bytes: int = 1024 * 1024
    """Clients glue many hub messages into one WebSocket message."""
    websocket_fragments: int = 1024
    websocket_control_frames_per_second: int = 64
    """Pings, pongs and empty frames. A browser sends none at all."""
    body_bytes: int = 1024 * 1024
    body_s: float = 10.0
    waiting_posts: int = 32
    invocation_queue: int = 64
    invocation_queue_bytes: int = 1024 * 1024
    """Beyond either the connection is not read for a while; nobody is closed for it."""
    connections_per_address: int = 20_000
    """Twice what a process is measured with; a whole school may be one address."""
    openings_per_address: int = 2_000
    """Negotiated or upgraded, and not a word of SignalR yet: `handshake_s` is all the
    time they have, so this is a hundred and more new clients a second."""
    streams: int = 32
    uploads: int = 16
    upload_items: int = 64
    client_results: int = 32
    outbound_bytes: int = 1024 * 1024
    outbound_s: float = 10.0
    authenticate_s: float = 10.0
    handshake_s: float = 15.0
    ping_s: float = 15.0
    client_timeout_s: float = 30.0
    poll_s: float = 90.0
    """Below 100 s, when the JavaScript and Java clients give up."""
    idle_s: float = 15.0
    """A negotiated id that nobody attaches to, or a long poller between two polls."""
    close_s: float = 5.0
    """How long the other side may take to answer a WebSocket close."""
