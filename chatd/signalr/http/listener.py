"""The bounds on a request that uvicorn does not set, and the hand-over of upgrades.

Without it (measured with uvicorn 0.54): a TCP connection that stays silent or sends one
header a second stays open for ever; a header line over 8 KB or a 129th header on an
upgrade is never answered at all; there is no bound on a head that does not end, nor on
how slowly a body comes that nobody reads, nor on how slowly an answer is taken, nor on
how many requests are sent ahead. Here a head has ten seconds, lines 16 KB, 128 headers,
and the answer 431 comes at once; bodies and answers keep to a least speed; a few
requests may wait behind another.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from chatd.signalr.crowds.addresses import subscriber
from chatd.signalr.http.upgrade import Upgrade
from chatd.signalr.ticks import Wheel

HEAD_S: Final = 10.0
LINE_BYTES_MAX: Final = 16 * 1024
HEADERS_MAX: Final = 128
HEAD_BYTES_MAX: Final = 64 * 1024
"""A read may hold this much anyway; a head is two or three KB."""

PIPELINE_MAX: Final = 16
"""Requests that wait behind one that is not answered. Browsers send none ahead; each
costs 4 KB and some 30 µs, and one read can hold 9,000 of the smallest."""

BODY_S: Final = 20.0
BODY_BYTES_PER_S: Final = 4_000
"""A body has `BODY_S` and a second more for this many bytes, as Apache's mod_reqtimeout
counts: less than a phone manages on GPRS is nobody's honest upload."""

WRITE_S: Final = 30.0
"""How long a full buffer may take to become nearly empty: between asyncio's marks are
48 KB, so this is less than half the speed that a body has to keep. Event streams have a
deadline of their own, which is shorter."""

ABORT: Final = "chatd.abort"
"""Of a request's ASGI extensions: `{"now": a function that drops the socket}`. ASGI has
no way to end an answer whose client takes nothing."""

SILENT_MAX: Final = 4_096
"""Sockets of one address on which no request has come yet: twice what the kernel keeps
for us to accept (uvicorn's backlog). A trusted proxy may have as many as it likes."""

LINGER_S: Final = 1.0
"""How long a client that was refused may take to notice."""

TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)
TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: 29\r\n"
    b"connection: close\r\n\r\n"
    b"The request head is too large"
)


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """How much a request may say before it comes to the point."""

    line_bytes: int = LINE_BYTES_MAX
    headers: int = HEADERS_MAX


class Listener(HttpToolsProtocol):
    """uvicorn's HTTP protocol with bounds. A server binds a subclass to its wheel."""

    wheel: ClassVar[Wheel]
    head: ClassVar[HeadLimits] = HeadLimits()
    silent: ClassVar[Counter[str]]
    proxies: ClassVar[ProxyHeadersMiddleware]
    due_tick = -1

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = True
        self._behind_body = False
        self._too_large = False
        self._refused = False
        self._line_bytes = 0
        self._head_bytes = 0
        self._in_body = False
        self._body_late_s = 0.0
        self._blocked_s: float | None = None
        self._silent_as = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Ten seconds for the first request head, silence included."""
        super().connection_made(transport)
        self.wheel.schedule(self, HEAD_S)
        host = self.client[0] if self.client else ""
        if not host or host in self.proxies.trusted_hosts:
            return
        who = subscriber(host)
        if self.silent[who] >= SILENT_MAX:
            transport.abort()
            return
        self._silent_as = who
        self.silent[who] += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self.wheel.forget(self)
        self._has_spoken()
        super().connection_lost(exc)

    def on_timer(self, now_s: float) -> None:
        """The head did not come, not enough of the body, or nobody reads the answer."""
        if self._in_head or self._refused:
            self.transport.abort()
        elif self._blocked_s is not None:
            left_s = self._blocked_s + WRITE_S - now_s
            if left_s > 0:
                self.wheel.schedule(self, left_s)
            else:
                self.transport.abort()
        elif not self._in_body:
            return
        elif self.flow.read_paused:
            # It is the application that takes its time.
            self._body_late_s = now_s + BODY_S
            self.wheel.schedule(self, BODY_S)
        elif now_s < self._body_late_s:
            self.wheel.schedule(self, self._body_late_s - now_s)
        elif self.cycle.response_started or self.pipeline:
            self.transport.abort()
        else:
            self._refuse(TOO_SLOW)
            # The application hears of it now, and answers no more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Parse, and look at what is left of an unfinished head."""
        if self._refused:
            return
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._count_head(data)

    # ------------------------------------------------------------ parser callbacks

    def on_message_begin(self) -> None:
        """A head begins; perhaps behind a body, in one read with it."""
        super().on_message_begin()
        if len(self.pipeline) >= PIPELINE_MAX:
            # No answer would be the one to this request.
            self.transport.abort()
            raise ValueError("too many requests are sent ahead")
        self.scope["extensions"] = {ABORT: {"now": self.transport.abort}}
        self._behind_body = self.cycle is not None
        self._in_head = True
        self._line_bytes = self._head_bytes = 0
        self.wheel.schedule_earlier(self, HEAD_S)

    def on_url(self, url: bytes) -> None:
        """The request line, or a part of it."""
        super().on_url(url)
        self._check(len(self.url) <= self.head.line_bytes)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One whole header."""
        super().on_header(name, value)
        self._check(len(name) + len(value) <= self.head.line_bytes)
        self._check(len(self.headers) <= self.head.headers)

    def on_headers_complete(self) -> None:
        """The head is there, and the body has its time from now."""
        self._has_spoken()
        self._in_head = False
        self._in_body = True
        self._body_late_s = self.wheel.now() + BODY_S
        self.wheel.schedule(self, BODY_S)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the body, which earns it some time."""
        super().on_body(body)
        self._body_late_s += len(body) / BODY_BYTES_PER_S

    def on_message_complete(self) -> None:
        """All of it: uvicorn's own time-outs hold from now on."""
        self._in_body = False
        if self._blocked_s is None:
            self.wheel.forget(self)
        super().on_message_complete()

    # ------------------------------------------------------------- flow of an answer

    def pause_writing(self) -> None:
        """The client takes less than there is to say."""
        super().pause_writing()
        self._blocked_s = self.wheel.now()
        self.wheel.schedule_earlier(self, WRITE_S)

    def resume_writing(self) -> None:
        """It has taken most of it."""
        super().resume_writing()
        self._blocked_s = None

    # ---------------------------------------------------------------------- inside

    def _has_spoken(self) -> None:
        who, self._silent_as = self._silent_as, ""
        if who:
            self.silent[who] -= 1
            if not self.silent[who]:
                del self.silent[who]

    def _check(self, within_bounds: bool) -> None:
        """Make the parser give up, which uvicorn turns into `send_400_response`."""
        if not within_bounds:
            self._too_large = True
            raise ValueError("the request head is too large")

    def _count_head(self, data: bytes) -> None:
        if self._behind_body:
            self._behind_body = False
            return
        self._head_bytes += len(data)
        line_start = data.rfind(b"\n") + 1
        self._line_bytes = (
            len(data) - line_start + (0 if line_start else self._line_bytes)
        )
        most = max(HEAD_BYTES_MAX, self.head.line_bytes)
        if self._line_bytes > self.head.line_bytes or self._head_bytes > most:
            self._too_large = True
            self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        """The same answer as for any malformed request, or 431."""
        if self._too_large:
            self._refuse(TOO_LARGE)
        elif not self.transport.is_closing():
            super().send_400_response(msg)

    def _refuse(self, answer: bytes) -> None:
        """Say why, and hear the client out for a moment.

        A socket that is closed while unread bytes wait is reset, and the reset would
        overtake the answer.
        """
        if self._refused:
            return
        self._refused = True
        self.transport.write(answer)
        self.transport.write_eof()
        self.wheel.schedule(self, LINGER_S)

    def handle_websocket_upgrade(self) -> None:
        """Give the socket and the parsed request to the `ws=` class."""
        try:
            url = httptools.parse_url(self.url)
        except httptools.HttpParserInvalidURLError:
            self.send_400_response("Invalid HTTP request received.")
            return
        self.scope["path"] = unquote(url.path.decode("ascii", "replace"))
        self.scope["query_string"] = url.query or b""
        self.connections.discard(self)
        self.wheel.forget(self)
        assert self.ws_protocol_class is not None
        upgrade = self.ws_protocol_class(  # type: ignore[call-arg]  # uvicorn's seam
            config=self.config,
            server_state=self.server_state,
            app_state=self.app_state,
        )
        assert isinstance(upgrade, Upgrade)
        upgrade.connection_made(self.transport)
        self.transport.set_protocol(upgrade)
        upgrade.answer(self.scope)
