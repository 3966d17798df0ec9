"""From a hub's URL to a WebSocket URL with an id in it, over HTTP.

Follows redirects to other servers, and turns every way to be turned away into
`CannotConnect` with what it means for coming back.
"""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx2

from chatd_client.signalr.errors import CannotConnect
from chatd_protocol.signalr import ProtocolError
from chatd_protocol.signalr.negotiate import (
    WEB_SOCKETS,
    NegotiateRedirect,
    NegotiateRefusal,
    NegotiateResponse,
    parse_negotiate,
)

REDIRECTS_MAX: Final = 100
TIMEOUT_S: Final = 15.0
_NEVER: Final = frozenset({400, 401, 403, 405})
"""Statuses that trying again with the same request cannot change."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect and as whom."""

    url: str
    token: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that say who calls."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}


async def negotiate(http: httpx2.AsyncClient, hub: Address) -> Address:
    """Where to open the WebSocket for `hub`.

    Raises CannotConnect.
    """
    for _ in range(REDIRECTS_MAX):
        answer = await _ask(http, hub)
        match answer:
            case NegotiateRefusal(error):
                raise CannotConnect(f"The server refuses: {error}")
            case NegotiateRedirect(url, token):
                hub = Address(url, hub.token if token is None else token)
            case NegotiateResponse():
                if WEB_SOCKETS not in [row.name for row in answer.transports]:
                    raise CannotConnect("No WebSockets here.", permanent=True)
                return replace(hub, url=_web_socket_url(hub.url, answer.attach_id))
    raise CannotConnect("The server redirects without end.", permanent=True)


async def _ask(
    http: httpx2.AsyncClient, hub: Address
) -> NegotiateResponse | NegotiateRedirect | NegotiateRefusal:
    url = _extended(hub.url, "/negotiate", negotiateVersion="1")
    try:
        response = await http.post(url, headers=hub.headers, timeout=TIMEOUT_S)
    except (httpx2.HTTPError, OSError) as error:
        raise CannotConnect(f"Negotiate failed: {error}") from error
    except httpx2.InvalidURL as error:
        raise CannotConnect(f"Not a URL: {error}", permanent=True) from error
    if response.status_code != httpx2.codes.OK:
        raise turned_away(response.status_code, response.headers.get("Retry-After"))
    try:
        return parse_negotiate(response.content)
    except ProtocolError as error:
        raise CannotConnect(f"This is no SignalR hub: {error}") from error


def turned_away(status: int, retry_after: str | None) -> CannotConnect:
    """What an HTTP status in place of a connection means."""
    seconds = (retry_after or "").strip()
    return CannotConnect(
        f"The server answered {status}.",
        permanent=status in _NEVER,
        retry_after_s=float(seconds) if seconds.isdecimal() else None,
    )


def _extended(url: str, path: str = "", **query: str) -> str:
    """`url` with more path and query, keeping the query that it has."""
    parts = urlsplit(url)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *query.items()]
    joined = parts.path.rstrip("/") + path
    return urlunsplit((parts.scheme, parts.netloc, joined, urlencode(pairs), ""))


def _web_socket_url(url: str, attach_id: str) -> str:
    parts = urlsplit(_extended(url, id=attach_id))
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    return urlunsplit((scheme, *parts[1:]))
