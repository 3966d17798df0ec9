"""Listeners: uvicorn as this server uses it, and the operators' own small one.

uvicorn takes the process's signals for itself and dies of them when it is done, before
anything else could be put in order; here the signals are the application's.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from uvicorn.config import Config
from uvicorn.server import Server

from chatd.api.application import operators_routes
from chatd.api.probes import Probes
from chatd.operating.ports import open_port
from chatd.telemetry import log, spawn


class Listener(Server):
    """uvicorn's server; who wants it to end sets `should_exit`."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


class Monitor:
    """Probes and metrics on a port of their own.

    It outlives the main listener, so that the end can be watched too. Whoever reaches
    the port may read: it belongs on loopback or into a network of operators.
    """

    def __init__(self, probes: Probes, host: str, port: int) -> None:
        config = Config(
            Starlette(routes=operators_routes(probes)),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._listener = Listener(config)
        self._address = (host, port)
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Listen; the log says where.

        Raises:
            OSError: the address cannot be used.
        """
        host, port = self._address
        opened = open_port(host, port)
        port = opened.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{port}"
        log.info("metrics and probes", url=self.url)
        spawn(self._tasks, self._listener.serve([opened]), "metrics listener")

    async def stop(self) -> None:
        """Listen no more."""
        self._listener.should_exit = True
        if self._tasks:
            await asyncio.wait(self._tasks)
