"""A SignalR server whose every word a test decides, for what real servers rarely do.

Real sockets and HTTP: it stands on the protocol package's server role. What a client
does with the chat server itself is tested against that.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from chatd_protocol.signalr import HubMessage
from chatd_protocol.signalr.handshake import HandshakeRequest, HandshakeResponse
from chatd_protocol.signalr.negotiate import (
    NegotiateAnswer,
    NegotiateResponse,
    encode_negotiate,
)
from chatd_protocol.signalr.session import Event, Role, Session


class Peer:
    """The server's end of one connection, after the handshake."""

    def __init__(self, web_socket: WebSocket) -> None:
        self.web_socket = web_socket
        self._session = Session(Role.SERVER, 1_000_000)
        self._heard: list[Event] = []

    async def receive(self) -> Event:
        """The next message from the client, a Ping included."""
        while not self._heard:
            frame = await self.web_socket.receive()
            if frame["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(frame.get("code") or 1005)
            data = frame.get("bytes") or (frame.get("text") or "").encode()
            self._heard.extend(self._session.feed(data))
        return self._heard.pop(0)

    async def expect(self, kind: type) -> Event:
        """The next message of one kind; others are passed over."""
        while not isinstance(event := await self.receive(), kind):
            pass
        return event

    async def send(self, *messages: HubMessage | HandshakeResponse) -> None:
        """Send messages, all in one frame."""
        data = b"".join(self._session.send(message) for message in messages)
        await self.send_bytes(data)

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        if self._session.codec.binary:
            await self.web_socket.send_bytes(data)
        else:
            await self.web_socket.send_text(data.decode())

    async def idle(self) -> None:
        """Take whatever comes until the client goes."""
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await self.receive()


Script = Callable[[Peer], Awaitable[None]]


@dataclass
class Scripted:
    """A running server: what it answers to negotiate, and what it says then."""

    url: str
    script: Script
    negotiate: Callable[[Request], Response] | None = None
    handshake: HandshakeResponse = field(default_factory=HandshakeResponse)
    requests: list[Request] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)

    async def answer_negotiate(self, request: Request) -> Response:
        self.requests.append(request)
        if self.negotiate is not None:
            return self.negotiate(request)
        number = len(self.requests)
        return told(NegotiateResponse(f"public-{number}", f"secret-{number}"))

    async def connect(self, web_socket: WebSocket) -> None:
        await web_socket.accept()
        peer = Peer(web_socket)
        await peer.expect(HandshakeRequest)
        await peer.send(self.handshake)
        self.peers.append(peer)
        if self.handshake.error is None:
            with contextlib.suppress(WebSocketDisconnect):
                await self.script(peer)
        with contextlib.suppress(RuntimeError):
            await web_socket.close()


def told(answer: NegotiateAnswer) -> Response:
    return Response(encode_negotiate(answer), media_type="application/json")


async def idle(peer: Peer) -> None:
    """The script of a server that says nothing."""
    await peer.idle()


@asynccontextmanager
async def scripted(script: Script = idle) -> AsyncIterator[Scripted]:
    """A scripted server on a free port, until the end of the block."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}/hub", script)
    app = Starlette(
        routes=[
            Route("/hub/negotiate", server.answer_negotiate, methods=["POST"]),
            WebSocketRoute("/hub", server.connect),
        ]
    )
    config = uvicorn.Config(
        app,
        ws="websockets-sansio",
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    running = uvicorn.Server(config)
    task = asyncio.create_task(running.serve(sockets=[listener]))
    try:
        yield server
    finally:
        running.should_exit = True
        await task
        listener.close()
