"""A hub that uses every feature of the SignalR server, and the real server around it.

It runs under uvicorn and uvloop as chatd does, but in a thread of the test's process,
so that a test can look at its connections.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatd.clock import SystemClock
from chatd.signalr.connections.connection import Connection
from chatd.signalr.crowds.gate import AT_ONCE, WAITING
from chatd.signalr.hub import Hub, HubException, Method, Observer
from chatd.signalr.mounting import SignalRServer
from chatd.signalr.registry import HubContext
from chatd.signalr.requests import (
    Anonymous,
    Forbidden,
    Handshake,
    HubLimits,
    Identity,
    Unauthenticated,
)
from chatd.signalr.tickets import Siblings
from tests.support.waiting import DEADLINE_S

T = TypeVar("T")

FLOOD_BYTES = 32 * 2**20


class Point(msgspec.Struct, frozen=True):
    """An argument with a type of its own."""

    x: int
    y: int


class SampleHub:
    """The methods, and what the hub noted of its clients."""

    def __init__(self) -> None:
        self.context: HubContext
        self.noted: list[object] = []
        self.arrivals: list[str] = []
        self.newcomers: list[str] = []
        """Arrivals that had negotiated with a sibling."""
        self.departures: list[tuple[str, str | None]] = []
        self.stopped_streams = 0
        self.openings: list[str] = []
        self.ended: list[Connection] = []
        self.at_the_door = 0
        self.slow_door: asyncio.Event | None = None
        """While it is there and not set, nobody is let in or refused."""
        self.may_go_on = asyncio.Event()
        """What `Wait` waits for: a test decides how slow it is, and no clock."""

    # ----------------------------------------------------------- plain methods

    async def echo(self, _connection: Connection, value: object) -> object:
        return value

    async def add(self, _connection: Connection, left: Point, right: Point) -> Point:
        return Point(left.x + right.x, left.y + right.y)

    async def nothing(self, _connection: Connection) -> None:
        return None

    async def catch_up(self, _connection: Connection) -> str:
        return "caught up"

    async def note(self, _connection: Connection, value: object) -> None:
        self.noted.append(value)

    async def slow(self, _connection: Connection, seconds: float) -> str:
        await asyncio.sleep(seconds)
        self.noted.append("slow")
        return "slow"

    async def wait(self, _connection: Connection) -> str:
        await self.may_go_on.wait()
        self.noted.append("waited")
        return "waited"

    async def stubborn(self, _connection: Connection) -> str:
        self.noted.append("stubborn begins")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "done"

    async def who(self, connection: Connection) -> dict[str, object]:
        shake = connection.handshake
        return {
            "id": connection.id,
            "user": connection.user_id,
            "transport": connection.transport,
            "query": dict(shake.query),
            "agent": shake.headers.get("x-sample", ""),
            "client": shake.client,
        }

    async def refuse(self, _connection: Connection) -> None:
        raise HubException("not today")

    async def break_down(self, _connection: Connection) -> None:
        raise ValueError("a secret")

    async def staff_only(self, _connection: Connection) -> str:
        return "welcome"

    # ------------------------------------------------------------ to the clients

    async def to_all(self, _connection: Connection, text: str) -> None:
        self.context.clients.all().send("news", text)

    async def to_user(self, _connection: Connection, user: str, text: str) -> None:
        self.context.clients.user(user).send("news", text)

    async def to_connection(self, _connection: Connection, one: str, text: str) -> None:
        self.context.clients.connection(one).send("news", text)

    async def join(self, connection: Connection, group: str) -> None:
        self.context.groups.add(connection.id, group)

    async def leave(self, connection: Connection, group: str) -> None:
        self.context.groups.remove(connection.id, group)

    async def to_group(self, _connection: Connection, group: str, text: str) -> None:
        self.context.clients.group(group).send("news", text)

    async def ask_back(self, connection: Connection, value: int) -> None:
        """The client's answer comes as news: a method cannot wait for its own client
        behind itself without holding up the queue, but it may wait for an answer."""
        answer = await connection.invoke(
            "twice", value, result_type=int, timeout_s=60.0
        )
        connection.send("news", f"answer {answer}")

    async def close(
        self, connection: Connection, error: str | None, back: bool
    ) -> None:
        connection.close(error, allow_reconnect=back)

    # ------------------------------------------------------------------- streams

    async def count(self, _connection: Connection, until: int) -> AsyncIterator[int]:
        for number in range(until):
            yield number

    async def forever(self, _connection: Connection) -> AsyncIterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
                await asyncio.sleep(0.001)
        finally:
            self.stopped_streams += 1

    async def tidy(self, _connection: Connection) -> AsyncIterator[int]:
        try:
            yield 0
            await asyncio.Event().wait()
        finally:
            self.noted.append("tidying")
            # Time in which it would be cancelled again: that it is not has no sign.
            await asyncio.sleep(0.2)
            self.noted.append("tidy")

    async def failing_stream(self, _connection: Connection) -> AsyncIterator[int]:
        yield 1
        raise HubException("the well is dry")

    async def total(self, _connection: Connection, items: AsyncIterator[int]) -> int:
        return sum([item async for item in items])

    async def doubled(
        self, _connection: Connection, items: AsyncIterator[int]
    ) -> AsyncIterator[int]:
        async for item in items:
            yield item * 2

    # --------------------------------------------------------------------- hooks

    async def authenticate(self, handshake: Handshake) -> Identity | None:
        if self.slow_door is not None:
            self.at_the_door += 1
            await self.slow_door.wait()
        match handshake.bearer:
            case None:
                return None
            case "wrong":
                raise Unauthenticated
            case "banned":
                raise Forbidden
            case name:
                return Anonymous(name)

    async def connected(self, connection: Connection) -> None:
        if connection.handshake.query.get("unwelcome"):
            raise HubException("unwelcome")
        self.arrivals.append(connection.id)
        siblings = self.context.siblings
        if siblings is not None:
            ticket = siblings.read(connection.token, "/sample")
            if ticket is not None and not siblings.is_home(ticket):
                self.newcomers.append(connection.id)
        connection.send("greeting", connection.id)

    async def disconnected(
        self, connection: Connection, error: Exception | None
    ) -> None:
        self.departures.append((connection.id, None if error is None else str(error)))

    def hub(self, limits: HubLimits, origins: tuple[str, ...] = ()) -> Hub:
        def is_staff(connection: Connection) -> bool:
            return connection.user_id == "staff"

        rows = (
            Method("Echo", self.echo, (object,)),
            Method("Add", self.add, (Point, Point)),
            Method("Nothing", self.nothing),
            Method("CatchUp", self.catch_up, catches_up=True),
            Method("Note", self.note, (object,)),
            Method("Slow", self.slow, (float,)),
            Method("Wait", self.wait),
            Method("Stubborn", self.stubborn),
            Method("Who", self.who),
            Method("Refuse", self.refuse),
            Method("BreakDown", self.break_down),
            Method("StaffOnly", self.staff_only, authorize=is_staff),
            Method("ToAll", self.to_all, (str,)),
            Method("ToUser", self.to_user, (str, str)),
            Method("ToConnection", self.to_connection, (str, str)),
            Method("Join", self.join, (str,)),
            Method("Leave", self.leave, (str,)),
            Method("ToGroup", self.to_group, (str, str)),
            Method("AskBack", self.ask_back, (int,)),
            Method("Close", self.close, (str | None, bool)),
            Method("Count", self.count, (int,), streaming=True),
            Method("Forever", self.forever, streaming=True),
            Method("Tidy", self.tidy, streaming=True),
            Method("FailingStream", self.failing_stream, streaming=True),
            Method("Total", self.total, uploads=1),
            Method("Doubled", self.doubled, uploads=1, streaming=True),
        )
        return Hub(
            methods={row.name: row for row in rows},
            authenticate=self.authenticate,
            connected=self.connected,
            disconnected=self.disconnected,
            observer=Observer(self.openings.append, self.ended.append),
            limits=limits,
            allowed_origins=origins,
            kept_headers=("x-sample",),
        )


@dataclass
class Sample:
    """The running server with two hubs: `/sample`, and `/detailed/errors`."""

    hub: SampleHub
    server: SignalRServer = field(init=False)
    siblings: Siblings | None = None
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    """Sockets of the test's own clients, closed before the server is stopped."""
    loop: asyncio.AbstractEventLoop = field(default_factory=uvloop.new_event_loop)
    http: uvicorn.Server = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/sample"

    @property
    def detailed_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/detailed/errors"

    def ask(self, look: Callable[[], T]) -> T:
        """`look()` on the server's loop."""

        async def there() -> T:
            return look()

        return asyncio.run_coroutine_threadsafe(there(), self.loop).result(DEADLINE_S)

    def requested(self) -> int:
        """How many sockets are those of HTTP requests."""
        return self.ask(lambda: len(self.http.server_state.connections))

    def polled(self) -> list[bool]:
        """Whether a request waits for what is said next, for each connection."""
        pipes = self.ask(lambda: [one.pipe for one in self.hub.context.everyone()])
        return [pipe is not None and pipe.writable for pipe in pipes]


class _Server(uvicorn.Server):
    """uvicorn's server, which tells when it listens and leaves signals alone."""

    listening: threading.Event

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _sink(request: Request) -> Response:
    """A route beside the hubs, which waits for a body as long as it takes."""
    await request.body()
    return Response()


async def _flood(_request: Request) -> Response:
    """More than the buffers on the way can hold."""
    return Response(bytes(FLOOD_BYTES))


@asynccontextmanager
async def sample_server(
    *,
    origins: tuple[str, ...] = (),
    secret: bytes | None = None,
    at_once: int = AT_ONCE,
    waiting: int = WAITING,
    **limits: Any,
) -> AsyncIterator[Sample]:
    """A server whose hubs have these limits, stopped at the end.

    All that have one `secret` are siblings.
    """
    sample, inside = Sample(SampleHub()), None
    if secret is not None:
        inside = socket.create_server(("127.0.0.1", 0))
        home = f"http://127.0.0.1:{inside.getsockname()[1]}"
        sample.siblings = Siblings(secret, home, SystemClock())
    server = sample.server = SignalRServer(
        SystemClock(), siblings=sample.siblings, at_once=at_once, waiting=waiting
    )
    # Raw clients answer no WebSocket close, so it is not waited for as long.
    hub = sample.hub.hub(HubLimits(**{"close_s": 0.5} | limits), origins)
    sample.hub.context = server.mount("/sample", hub)
    server.mount("/detailed/errors", replace(hub, detailed_errors=True))
    routes = [
        *server.routes,
        Route("/readyz", _ready),
        Route("/flood", _flood),
        Route("/sink", _sink, methods=["POST"]),
    ]
    config = server.config(Starlette(routes=routes), "127.0.0.1", 0)
    running = sample.http = _Server(config)
    running.listening = threading.Event()

    async def serve() -> None:
        if inside is not None:
            server.listen_inside(inside)
        await running.serve()
        await server.stop()

    thread = threading.Thread(target=lambda: _run(sample.loop, serve))
    thread.start()
    try:
        assert await asyncio.to_thread(running.listening.wait, DEADLINE_S)
        sample.port = running.servers[0].sockets[0].getsockname()[1]
        yield sample
    finally:
        for writer in sample.writers:
            writer.close()
        running.should_exit = True
        await asyncio.to_thread(thread.join, 2 * DEADLINE_S)
        assert not thread.is_alive()


async def _ready(_request: Request) -> Response:
    """What balancers ask."""
    return Response()


def _run(loop: asyncio.AbstractEventLoop, work: Callable[[], Any]) -> None:
    try:
        loop.run_until_complete(work())
    finally:
        loop.close()
