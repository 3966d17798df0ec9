"""An open WebSocket that speaks hub messages: handshake done, kept alive, read.

Everything asyncio about one connection is here, so that `connection.py` is only about
what the messages mean. A link never reconnects and ends exactly once.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from chatd_client.signalr.errors import (
    CannotConnect,
    ConnectionClosed,
    ConnectionLost,
    SentAway,
)
from chatd_client.signalr.negotiating import Address, negotiate, turned_away
from chatd_protocol.signalr import (
    CODECS,
    Close,
    HubMessage,
    Oversized,
    Ping,
    ProtocolError,
)
from chatd_protocol.signalr.handshake import HandshakeRequest, HandshakeResponse
from chatd_protocol.signalr.session import Event, Role, Session, State

OPEN_TIMEOUT_S: Final = 15.0
GOODBYE_S: Final = 2.0
"""How long a server that takes nothing may hold up the end."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to speak, apart from where and as whom.

    A Ping goes out when nothing else did for `ping_s`; a server that is silent for
    `server_timeout_s` is lost. Both are SignalR's own defaults.
    """

    protocol: str = "messagepack"
    ping_s: float = 15.0
    server_timeout_s: float = 30.0
    message_bytes_max: int = 4 * 1024 * 1024


class Link:
    """`async with Link(http, hub, options, on_event) as link: …`"""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        hub: Address,
        options: Options,
        on_event: Callable[[Event], None],
    ) -> None:
        """A link that is not open yet; `on_event` gets every message, in order."""
        self._http = http
        self._hub = hub
        self._options = options
        self._on_event = on_event
        self._codec = CODECS[options.protocol]
        self._session = Session(Role.CLIENT, options.message_bytes_max, self._codec)
        self._loop = asyncio.get_running_loop()
        self._stack = AsyncExitStack()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._sent_s = self._heard_s = self._loop.time()
        self._socket: ClientConnection
        self.ended: asyncio.Future[ConnectionLost] = self._loop.create_future()

    async def __aenter__(self) -> Self:
        """Negotiate, connect and shake hands.

        Raises CannotConnect.
        """
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(OPEN_TIMEOUT_S):
                    await self._open(stack)
            except TimeoutError as error:
                raise CannotConnect("The server does not answer.") from error
            self._stack = stack.pop_all()
        self.spawn(self._read())
        self.spawn(self._keep_alive())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye, close the socket, and end all work.

        Raises what a handler raised, if that is why the link ended.
        """
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self.send_if_open(Close())
        except TimeoutError:
            # Closing in good order would wait behind all that was not taken.
            self._socket.transport.abort()
        finally:
            self.end(ConnectionLost("The connection was closed here."))
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._stack.aclose()
        if self._failure is not None and error is None:
            raise self._failure

    async def send(self, message: HubMessage) -> None:
        """Send one message.

        Raises ConnectionLost, and LocalProtocolError for what cannot be sent.
        """
        if self._session.state is not State.OPEN:
            raise ConnectionLost("The connection is not open.")
        data = self._session.send(message)
        self._sent_s = self._loop.time()
        try:
            await self._socket.send(data, text=not self._codec.binary)
        except (WebSocketException, OSError) as error:
            lost = ConnectionLost(f"The socket failed: {error}")
            self.end(lost)
            raise lost from error

    def forget(self, invocation_id: str) -> None:
        """Nobody waits for the answer to this call any more."""
        self._session.forget(invocation_id)

    async def send_if_open(self, message: HubMessage) -> None:
        """Send one message that nobody will miss if the connection is over."""
        try:
            await self.send(message)
        except ConnectionLost:
            pass

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Run `work` for as long as the link lives; if it fails, the link ends."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def end(self, reason: ConnectionLost) -> None:
        """Tell everybody that it is over; only the first reason counts."""
        if not self.ended.done():
            self.ended.set_result(reason)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = self._failure or error
            self.end(ConnectionLost(f"A handler failed: {error!r}"))

    async def _open(self, stack: AsyncExitStack) -> None:
        address = await negotiate(self._http, self._hub)
        try:
            self._socket = await stack.enter_async_context(
                connect(
                    address.url,
                    additional_headers=address.headers,
                    compression=None,
                    ping_interval=None,
                    open_timeout=None,
                    close_timeout=2.0,
                    max_size=self._options.message_bytes_max,
                )
            )
            await self._shake_hands()
        except InvalidStatus as error:
            response = error.response
            retry_after = response.headers.get("Retry-After")
            raise turned_away(response.status_code, retry_after) from error
        except (WebSocketException, ConnectionLost, ProtocolError, OSError) as error:
            raise CannotConnect(f"The connection failed: {error}") from error

    async def _shake_hands(self) -> None:
        request = self._session.send(HandshakeRequest(self._codec.name, 1))
        await self._socket.send(request, text=True)
        while self._session.state is State.ASKED:
            self._take(await self._socket.recv())
        # Only after the first Ping does a server count on hearing from us.
        await self.send(Ping())

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                self._take(frame)
            self.end(ConnectionLost("The server closed the socket."))
        except (WebSocketException, OSError) as error:
            self.end(ConnectionLost(f"The socket failed: {error}"))
        except ProtocolError as error:
            self.end(ConnectionLost(f"The server broke the protocol: {error}"))

    def _take(self, frame: str | bytes) -> None:
        self._heard_s = self._loop.time()
        data = frame.encode() if isinstance(frame, str) else frame
        for event in self._session.feed(data):
            match event:
                case HandshakeResponse(str(reason)):
                    raise CannotConnect(f"Refused: {reason}", permanent=True)
                case Close(error, allow_reconnect):
                    kind = SentAway if allow_reconnect else ConnectionClosed
                    self.end(kind(error or "The server closed the connection."))
                case Oversized():
                    self.end(ConnectionLost("A message from the server is too long."))
                case _:
                    self._on_event(event)

    async def _keep_alive(self) -> None:
        while not self.ended.done():
            ping_s = self._sent_s + self._options.ping_s
            lost_s = self._heard_s + self._options.server_timeout_s
            now_s = self._loop.time()
            if now_s >= lost_s:
                self.end(ConnectionLost("The server is silent."))
            elif now_s >= ping_s:
                await self._ping(lost_s)
            else:
                pause_s = min(ping_s, lost_s) - now_s
                await asyncio.wait([self.ended], timeout=pause_s)

    async def _ping(self, until_s: float) -> None:
        """Send a Ping; one that the server does not take is given up in time."""
        try:
            async with asyncio.timeout_at(until_s):
                await self.send_if_open(Ping())
        except TimeoutError:
            pass
