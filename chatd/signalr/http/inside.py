"""The listener for siblings: they hand on requests whose connections are here.

It answers nothing but what a sibling vouches for, so it may be reached by strangers
without harm; what it carries is not encrypted, so it should not be.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chatd.signalr.http.listener import Listener
from chatd.signalr.http.relay import VOUCHED
from chatd.signalr.tickets import Relayed, Siblings
from chatd.telemetry import log, spawn


class OnlyVouched:
    """The application, for requests that a sibling vouches for and nobody else.

    The application sees the client's address and scheme, not the sibling's.
    """

    def __init__(self, app: ASGIApp, siblings: Siblings) -> None:
        self._app = app
        self._siblings = siblings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        assert scope["type"] == "http"
        told = self._told(scope)
        if told is None:
            log.warning("a request inside that no sibling vouches for")
            await Response(status_code=HTTPStatus.NOT_FOUND)(scope, receive, send)
            return
        scope["client"] = (told.client, 0)
        scope["scheme"] = "https" if told.secure else "http"
        await self._app(scope, receive, send)

    def _told(self, scope: Scope) -> Relayed | None:
        values = [value for name, value in scope["headers"] if name == VOUCHED]
        if len(values) != 1:
            return None
        word = values[0].decode("latin-1")
        return self._siblings.vouched(word, scope["method"], scope["path"])


class Inside(uvicorn.Server):
    """uvicorn's server on the inner socket; it ends when it is told, by nobody else."""

    def __init__(self, app: ASGIApp, listener: type[Listener]) -> None:
        config = uvicorn.Config(
            app,
            http=listener,
            ws="none",
            lifespan="off",
            proxy_headers=False,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The process's signals are the outer server's."""
        yield

    def start(self, opened: socket.socket) -> None:
        """Answer on a socket that listens already."""
        spawn(self._tasks, self.serve([opened]), "inner listener")

    async def stop(self) -> None:
        """Answer no more."""
        self.should_exit = True
        if self._tasks:
            await asyncio.wait(self._tasks)
