"""A SignalR server: several hubs at their paths in one application and one process.

It gives Starlette its routes and uvicorn two classes: one that hands WebSocket upgrades
to the hubs, and one that bounds request heads. uvicorn's seam is not a documented API;
`tests/signalr/test_mounting.py` is its contract.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Sequence
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from chatd.clock import Clock
from chatd.signalr.connections.connection import Connection
from chatd.signalr.connections.sides import State
from chatd.signalr.crowds.gate import AT_ONCE, WAITING, Gate
from chatd.signalr.draining import send_away
from chatd.signalr.http.endpoints import Endpoints
from chatd.signalr.http.inside import Inside, OnlyVouched
from chatd.signalr.http.listener import HeadLimits, Listener
from chatd.signalr.http.relay import Relay
from chatd.signalr.http.upgrade import Upgrade, proxy_view
from chatd.signalr.hub import Hub
from chatd.signalr.registry import HubContext
from chatd.signalr.tickets import Siblings
from chatd.signalr.ticks import Flusher, Wheel

TRUSTED_PROXIES: Final = ("127.0.0.1",)
METHODS: Final = ("GET", "POST", "DELETE", "OPTIONS")
SHUTDOWN_S: Final = 10
"""How long uvicorn waits for sockets and requests when it goes down."""


class SignalRServer:
    """All hubs of a process, with the timers and the flushing that they share.

    With `siblings` it is one of several that are a single server to their clients,
    behind a balancer that need not remember who went where.
    """

    def __init__(
        self,
        clock: Clock,
        trusted_proxies: Sequence[str] = TRUSTED_PROXIES,
        siblings: Siblings | None = None,
        *,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
        head: HeadLimits | None = None,
    ) -> None:
        """`at_once` and `waiting`: how many open a connection, and wait to."""
        self._hubs: dict[str, HubContext] = {}
        self._wheel = Wheel(clock)
        self._flusher = Flusher()
        self._gate = Gate(self._wheel, at_once, waiting)
        self._tasks: set[asyncio.Task[None]] = set()
        self._silent: Counter[str] = Counter()
        self._trusted_proxies = list(trusted_proxies)
        self._siblings = siblings
        self._head = head or HeadLimits()
        self._relay = None if siblings is None else Relay(siblings)
        self._inside: Inside | None = None

    def mount(self, path: str, hub: Hub) -> HubContext:
        """Serve `hub` at `path`; what it returns is for sending to the hub's clients.

        Raises:
            ValueError: the path is taken, or does not begin with a slash.
        """
        if path in self._hubs or not path.startswith("/"):
            raise ValueError(f"no hub can be mounted at {path!r}")
        context = HubContext(
            path, hub, self._wheel, self._flusher, self._siblings, self._gate
        )
        self._hubs[path] = context
        return context

    @property
    def routes(self) -> list[Route]:
        """Routes of everything but WebSocket upgrades, for a Starlette application."""
        found = []
        for path, context in self._hubs.items():
            endpoints = Endpoints(context, self._relay)
            found += [
                Route(f"{path}/negotiate", endpoints.negotiate, methods=METHODS),
                Route(path, endpoints.hub, methods=METHODS),
            ]
        return found

    def config(self, app: ASGIApp, host: str, port: int) -> uvicorn.Config:
        """uvicorn's settings for an application that has `routes` among its own."""
        upgrade = type(
            "HubUpgrade",
            (Upgrade,),
            {
                "hubs": self._hubs,
                "wheel": self._wheel,
                "tasks": self._tasks,
                "proxies": proxy_view(self._trusted_proxies),
            },
        )
        return uvicorn.Config(
            app,
            host=host,
            port=port,
            http=self._listener(),
            ws=upgrade,
            forwarded_allow_ips=self._trusted_proxies,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )

    def everyone(self) -> list[Connection]:
        """The connections of all hubs."""
        return [one for context in self._hubs.values() for one in context.everyone()]

    def census(self) -> tuple[Counter[str], int]:
        """How many connections are in each state, and how many bytes wait for them."""
        everyone = self.everyone()
        states = Counter({state.name.lower(): 0 for state in State})
        states.update(one.state.name.lower() for one in everyone)
        return states, sum(one.pending_bytes for one in everyone)

    @property
    def waiting(self) -> int:
        """How many are in line to open a connection."""
        return self._gate.waiting

    def listen_inside(self, opened: socket.socket) -> None:
        """Answer the siblings, on a socket that listens at our `home`."""
        assert self._siblings is not None
        routes = [
            Route(path, Endpoints(context).hub, methods=METHODS)
            for path, context in self._hubs.items()
        ]
        only_vouched = OnlyVouched(Starlette(routes=routes), self._siblings)
        self._inside = Inside(only_vouched, self._listener())
        self._inside.start(opened)

    def _listener(self) -> type[Listener]:
        bound = {
            "wheel": self._wheel,
            "head": self._head,
            "silent": self._silent,
            "proxies": proxy_view(self._trusted_proxies),
        }
        return type("HubListener", (Listener,), bound)

    async def drain(self, over_s: float = 0.0, finish_s: float = 0.0) -> None:
        """Let no one in any more, and send everybody away to reconnect elsewhere.

        Args:
            over_s: seconds over which to spread it; less where few are connected.
            finish_s: seconds more that methods which run may have.
        """
        for context in self._hubs.values():
            context.draining = True
        await self.send_away(over_s, finish_s)
        if self._relay is not None:
            self._relay.drain()
        for connection in self.everyone():
            # Somebody was just being let in when the door was closed.
            connection.close(allow_reconnect=True)

    async def send_away(self, over_s: float, finish_s: float) -> None:
        """As `drain`, but the door stays open for who comes meanwhile."""
        await send_away(list(self._hubs.values()), self._wheel, over_s, finish_s)

    async def stop(self) -> None:
        """Drop who is still there, and wait for hooks and methods that run."""
        await self.drain()
        for context in self._hubs.values():
            for connection in context.everyone():
                if connection.pipe is not None:
                    connection.pipe.abort()
            await context.finish()
        for task in tuple(self._tasks):
            task.cancel()
        if self._inside is not None:
            await self._inside.stop()
        if self._relay is not None:
            await self._relay.stop()
        self._wheel.stop()
