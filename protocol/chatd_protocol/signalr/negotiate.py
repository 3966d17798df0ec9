"""The HTTP exchange before a connection: ids, transports, redirects, refusals.

Versions 0 and 1 are both alive: in version 0 the connection id is also the secret that
attaches a transport, in version 1 that is the connection token. Answers never hold a
null, which crashes one shipped client, nor a member called ProtocolVersion, which
others take for the SignalR of 2013.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

import orjson

from chatd_protocol.signalr.errors import RemoteProtocolError

VERSION_MAX: Final = 1
WEB_SOCKETS: Final = "WebSockets"
SERVER_SENT_EVENTS: Final = "ServerSentEvents"
LONG_POLLING: Final = "LongPolling"
TEXT: Final = "Text"
BINARY: Final = "Binary"
_INTEGER_CHARS_MAX: Final = 9


@dataclass(frozen=True, slots=True)
class NegotiateRequest:
    """What the query of a negotiate request says."""

    version: int = 0
    stateful_reconnect: bool = False


@dataclass(frozen=True, slots=True)
class Transport:
    """One way to connect, by its exact name, and what it can carry."""

    name: str
    formats: tuple[str, ...]


TRANSPORTS: Final = (
    Transport(WEB_SOCKETS, (TEXT, BINARY)),
    Transport(SERVER_SENT_EVENTS, (TEXT,)),
    Transport(LONG_POLLING, (TEXT, BINARY)),
)
"""The three transports in the order in which clients should try them."""


@dataclass(frozen=True, slots=True)
class NegotiateResponse:
    """A connection that waits for its transport.

    `connection_id` is public. `connection_token` is the secret that goes into `?id=`;
    in version 0 there is none and the id serves as both.
    """

    connection_id: str
    connection_token: str | None = None
    transports: tuple[Transport, ...] = TRANSPORTS
    stateful_reconnect: bool = False
    token_lifetime_s: int | None = None

    @property
    def version(self) -> int:
        """0 or 1, which is the same as whether there is a token."""
        return 0 if self.connection_token is None else 1

    @property
    def attach_id(self) -> str:
        """The value of `?id=` that attaches a transport to this connection."""
        return self.connection_token or self.connection_id


@dataclass(frozen=True, slots=True)
class NegotiateRedirect:
    """Negotiate again at `url`, with `access_token` when there is one."""

    url: str
    access_token: str | None = None


@dataclass(frozen=True, slots=True)
class NegotiateRefusal:
    """No connection, with a text for the caller; the HTTP status is still 200."""

    error: str


NegotiateAnswer: TypeAlias = NegotiateResponse | NegotiateRedirect | NegotiateRefusal


def parse_negotiate_query(pairs: Iterable[tuple[str, str]]) -> NegotiateRequest:
    """The request in a query string's decoded pairs; names match in any case.

    A version above ours is answered with ours. An `id` left over from an earlier
    connection is not looked at.

    Raises RemoteProtocolError for a version that is not an integer; its text is meant
    for a `NegotiateRefusal`.
    """
    version, stateful = 0, False
    for name, value in pairs:
        match name.lower():
            case "negotiateversion":
                version = _version(value)
            case "usestatefulreconnect":
                stateful = value.lower() == "true"
    return NegotiateRequest(version, stateful)


def _version(value: str) -> int:
    digits = value.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _INTEGER_CHARS_MAX:
        raise RemoteProtocolError("The negotiateVersion is not an integer.")
    return min(int(digits), VERSION_MAX)


def encode_negotiate(answer: NegotiateAnswer) -> bytes:
    """The JSON body of an answer, absent members left out."""
    match answer:
        case NegotiateRefusal(error):
            return orjson.dumps({"error": error})
        case NegotiateRedirect(url, access_token):
            members: dict[str, object] = {"url": url}
            if access_token is not None:
                members["accessToken"] = access_token
        case NegotiateResponse():
            members = _response_members(answer)
    return orjson.dumps(members)


def _response_members(answer: NegotiateResponse) -> dict[str, object]:
    members: dict[str, object] = {
        "negotiateVersion": answer.version,
        "connectionId": answer.connection_id,
    }
    if answer.connection_token is not None:
        members["connectionToken"] = answer.connection_token
    if answer.stateful_reconnect:
        members["useStatefulReconnect"] = True
    if answer.token_lifetime_s is not None:
        members["tokenLifetimeSeconds"] = answer.token_lifetime_s
    members["availableTransports"] = [
        {"transport": row.name, "transferFormats": row.formats}
        for row in answer.transports
    ]
    return members


def parse_negotiate(body: bytes) -> NegotiateAnswer:
    """The answer in the body of a negotiate response with status 200.

    Raises RemoteProtocolError for anything that is not one.
    """
    try:
        members = orjson.loads(body)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError("The negotiate answer is not JSON.") from error
    if not isinstance(members, dict):
        raise RemoteProtocolError("The negotiate answer is not a JSON object.")
    if "ProtocolVersion" in members:
        raise RemoteProtocolError("The server speaks the SignalR of ASP.NET, not Core.")
    if (refusal := _text(members, "error")) is not None:
        return NegotiateRefusal(refusal)
    if (url := _text(members, "url")) is not None:
        return NegotiateRedirect(url, _text(members, "accessToken"))
    return _parse_response(members)


def _parse_response(members: dict[str, object]) -> NegotiateResponse:
    connection_id = _text(members, "connectionId")
    token = _text(members, "connectionToken")
    version = members.get("negotiateVersion", 0)
    if not connection_id or not isinstance(version, int):
        raise RemoteProtocolError("The negotiate answer names no connection.")
    if version > 0 and not token:
        raise RemoteProtocolError("The negotiate answer has no connection token.")
    lifetime = members.get("tokenLifetimeSeconds")
    return NegotiateResponse(
        connection_id,
        token if version > 0 else None,
        _parse_transports(members.get("availableTransports")),
        stateful_reconnect=members.get("useStatefulReconnect") is True,
        token_lifetime_s=lifetime if isinstance(lifetime, int) else None,
    )


def _parse_transports(rows: object) -> tuple[Transport, ...]:
    """Rows of unknown shape are passed over, as a newer server may have others."""
    found = []
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and isinstance(row.get("transport"), str):
            formats = row.get("transferFormats")
            known = formats if isinstance(formats, list) else []
            found.append(Transport(row["transport"], tuple(map(str, known))))
    return tuple(found)


def _text(members: dict[str, object], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise RemoteProtocolError(f"The negotiate answer's {name} is not a string.")
    return value
