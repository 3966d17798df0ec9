"""From an HTTP request to an open WebSocket: the class that uvicorn knows as `ws=`.

It lives for one upgrade. When the hub has let the client in, the socket goes to a
`WebSocketPipe`; everybody else gets a plain HTTP answer, which is what clients look at
(an unknown id must be 404: they negotiate anew then).
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar, NoReturn, cast

from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope
from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from chatd.signalr.admission import Refusal, admit_websocket
from chatd.signalr.connections.results import ConnectionEnded
from chatd.signalr.registry import HubContext
from chatd.signalr.requests import read_handshake
from chatd.signalr.ticks import Wheel
from chatd.signalr.websocket import WebSocketPipe
from chatd.telemetry import spawn


async def _no_application(
    scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """What uvicorn's middleware wraps here: all we want is what it does to `scope`."""


def proxy_view(trusted: list[str] | str) -> ProxyHeadersMiddleware:
    """uvicorn's own reading of the headers of trusted proxies, for upgrades too."""
    return ProxyHeadersMiddleware(_no_application, trusted_hosts=trusted)


async def _never(*_event: object) -> NoReturn:
    raise AssertionError("nobody reads or answers here")


class Upgrade(asyncio.Protocol):
    """One upgrade request. A server binds a subclass to its hubs."""

    hubs: ClassVar[Mapping[str, HubContext]]
    wheel: ClassVar[Wheel]
    tasks: ClassVar[set[asyncio.Task[None]]]
    proxies: ClassVar[ProxyHeadersMiddleware]

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, object]
    ) -> None:
        """uvicorn makes it with these names."""
        del config, app_state
        self._sockets: set[asyncio.Protocol] = server_state.connections  # type: ignore[assignment]  # uvicorn lists its own classes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket that the request came on."""
        # uvloop's transports have this type's methods but are not of this type.
        self._transport = cast("asyncio.Transport", transport)
        self._sockets.add(self)

    def data_received(self, data: bytes) -> None:
        """Frames before our 101, which RFC 6455 4.1 makes the client wait for."""
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client could not wait."""
        self._sockets.discard(self)

    def shutdown(self) -> None:
        """uvicorn goes down."""
        self._transport.close()

    def answer(self, scope: HTTPScope) -> None:
        """Let the client in or not; the listener has parsed the request."""
        headers = Headers()
        for name, value in scope["headers"]:
            headers[name.decode("latin-1")] = value.decode("latin-1")
        request = Request(
            scope["path"], headers, scope["method"], f"HTTP/{scope['http_version']}"
        )
        response = ServerProtocol().accept(request)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._deny(response)
        else:
            spawn(self.tasks, self._admit(scope, response), "signalr upgrade")

    async def _admit(self, scope: HTTPScope, response: Response) -> None:
        await self.proxies(scope, _never, _never)
        client = scope["client"]
        handshake, token = read_handshake(
            scope["path"],
            scope["headers"],
            scope["query_string"],
            client=client[0] if client else "",
            secure=scope["scheme"] in ("https", "wss"),
        )
        context = self.hubs.get(scope["path"])
        try:
            connection = await admit_websocket(context, handshake, token)
        except Refusal as refusal:
            if context is not None:
                context.hub.observer.opening(refusal.words)
            self._deny(_plain(refusal))
            return
        if self._transport.is_closing():
            connection.lost(ConnectionEnded("the client left during the upgrade"))
            return
        assert context is not None
        self._sockets.discard(self)
        self._transport.write(response.serialize())
        pipe = WebSocketPipe(
            self._transport, connection, context.limits, self.wheel, self._sockets
        )
        self._transport.set_protocol(pipe)
        connection.attach(pipe)

    def _deny(self, response: Response) -> None:
        if not self._transport.is_closing():
            self._transport.write(response.serialize())
            self._transport.close()


def _plain(refusal: Refusal) -> Response:
    # Made by hand: in a storm there are as many of these as there are openings.
    body = refusal.text.encode()
    headers = Headers(
        {
            "Connection": "close",
            "Content-Length": str(len(body)),
            "Content-Type": "text/plain; charset=utf-8",
            **refusal.headers,
        }
    )
    return Response(refusal.status.value, refusal.status.phrase, headers, body)
