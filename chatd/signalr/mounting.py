"""A SignalR server: several hubs at their paths in one application and one process.

It gives Starlette its routes and uvicorn two classes: one that hands WebSocket upgrades
to the hubs, and one that bounds request heads. uvicorn's seam is not a documented API;
`tests/signalr/test_mounting.py` is its contract.
"""

import asyncio
from collections import Counter
from typing import Final

import uvicorn
from starlette.routing import Route
from starlette.types import ASGIApp

from chatd.clock import Clock
from chatd.signalr.connections.sides import State
from chatd.signalr.http.endpoints import Endpoints
from chatd.signalr.http.listener import Listener
from chatd.signalr.http.upgrade import Upgrade, proxy_view
from chatd.signalr.hub import Hub
from chatd.signalr.registry import HubContext
from chatd.signalr.ticks import Flusher, Wheel

TRUSTED_PROXIES: Final = "127.0.0.1"
METHODS: Final = ("GET", "POST", "DELETE", "OPTIONS")
SHUTDOWN_S: Final = 10
"""How long uvicorn waits for sockets and requests when it goes down."""


class SignalRServer:
    """All hubs of a process, with the timers and the flushing that they share."""

    def __init__(self, clock: Clock, trusted_proxies: str = TRUSTED_PROXIES) -> None:
        self._hubs: dict[str, HubContext] = {}
        self._wheel = Wheel(clock)
        self._flusher = Flusher()
        self._tasks: set[asyncio.Task[None]] = set()
        self._trusted_proxies = trusted_proxies

    def mount(self, path: str, hub: Hub) -> HubContext:
        """Serve `hub` at `path`; what it returns is for sending to the hub's clients.

        Raises:
            ValueError: the path is taken, or does not begin with a slash.
        """
        if path in self._hubs or not path.startswith("/"):
            raise ValueError(f"no hub can be mounted at {path!r}")
        context = HubContext(path, hub, self._wheel, self._flusher)
        self._hubs[path] = context
        return context

    @property
    def routes(self) -> list[Route]:
        """Routes of everything but WebSocket upgrades, for a Starlette application."""
        found = []
        for path, context in self._hubs.items():
            endpoints = Endpoints(context)
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
        listener = type("HubListener", (Listener,), {"wheel": self._wheel})
        return uvicorn.Config(
            app,
            host=host,
            port=port,
            http=listener,
            ws=upgrade,
            forwarded_allow_ips=self._trusted_proxies,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )

    def census(self) -> tuple[Counter[str], int]:
        """How many connections are in each state, and how many bytes wait for them."""
        everyone = [
            one for context in self._hubs.values() for one in context.everyone()
        ]
        states = Counter({state.name.lower(): 0 for state in State})
        states.update(one.state.name.lower() for one in everyone)
        return states, sum(one.pending_bytes for one in everyone)

    def drain(self) -> None:
        """Let no one in any more, and send everybody away to reconnect elsewhere.

        Never waits: uvicorn's own shutdown then waits for the sockets to close.
        """
        for context in self._hubs.values():
            context.draining = True
            for connection in context.everyone():
                connection.close(allow_reconnect=True)

    async def stop(self) -> None:
        """Drop who is still there, and wait for hooks and methods that run."""
        self.drain()
        for context in self._hubs.values():
            for connection in context.everyone():
                if connection.pipe is not None:
                    connection.pipe.abort()
            await context.finish()
        for task in tuple(self._tasks):
            task.cancel()
        self._wheel.stop()
