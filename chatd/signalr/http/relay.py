"""Hands a request to the process that has its connection, and its answer back.

Only event streams, polls, posts and deletes come here: they belong to one connection in
one process. What a client sends is passed on as it is; a sealed header tells the owner
who the client was (`inside.py` reads it).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from http import HTTPStatus
from typing import Final, TypeVar

import httpx2
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from chatd.signalr.admission import NOT_FOUND, Refusal
from chatd.signalr.requests import Handshake
from chatd.signalr.tickets import Siblings, Ticket
from chatd.telemetry import log

VOUCHED: Final = b"x-signalr-vouched"

CONNECT_S: Final = 2.0
"""An owner that takes longer is as good as gone: its client negotiates anew."""

SILENCE_S: Final = 120.0
"""Polls last 90 s, and streams carry a ping every 15 s."""

KEPT_S: Final = 2.0
"""Less than the 5 s after which uvicorn closes an idle connection: a request must not
meet the close on its way."""

T = TypeVar("T")

LEFT: Final = Refusal(HTTPStatus.REQUEST_TIMEOUT, "The client has left")

DROPPED: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"content-length",
        b"date",
        VOUCHED,
    }
)
"""RFC 9110 7.6.1. Lengths and dates are written anew on each side; only we vouch."""


class Relay:
    """The way to the siblings, over connections that are kept for a while.

    It is the bare transport: a client would add headers, and keep cookies.
    """

    def __init__(self, siblings: Siblings) -> None:
        self._siblings = siblings
        self._going = False
        self._waiting: set[asyncio.Timeout] = set()
        self._timeout = httpx2.Timeout(SILENCE_S, connect=CONNECT_S).as_dict()
        self._transport = httpx2.AsyncHTTPTransport(
            trust_env=False,
            # A stream holds its connection for as long as its client stays.
            limits=httpx2.Limits(
                max_connections=None,
                max_keepalive_connections=64,
                keepalive_expiry=KEPT_S,
            ),
        )

    def drain(self) -> None:
        """End what would go on for as long as its client stays.

        Streams end, so that clients connect anew. A poll is answered as if nothing had
        come, and the next one goes another way; its owner keeps what comes meanwhile.
        """
        self._going = True
        now_s = asyncio.get_running_loop().time()
        for one in self._waiting:
            one.reschedule(now_s)

    async def stop(self) -> None:
        """Let go of the siblings."""
        await self._transport.aclose()

    async def __call__(
        self, request: Request, handshake: Handshake, ticket: Ticket, body: bytes
    ) -> Response:
        """The owner's answer.

        Raises:
            Refusal: 404 if there is no such process any more, which makes the client
                negotiate anew.
        """
        upstream = httpx2.Request(
            request.method,
            f"{ticket.home}{request.url.path}?{request.url.query}",
            headers=self._headers(request, handshake),
            content=body,
            extensions={"timeout": self._timeout},
        )
        try:
            if request.method == "GET":
                answer = await self._unless_going(self._ask(request, upstream))
            else:
                answer = await self._ask(request, upstream)
        except TimeoutError:
            return Response(media_type="text/plain")
        if answer is None:
            raise NOT_FOUND
        return self._answer(answer)

    async def _unless_going(self, work: Awaitable[T]) -> T:
        """What comes of it; TimeoutError as soon as this process goes down."""
        async with asyncio.timeout(0 if self._going else None) as waiting:
            self._waiting.add(waiting)
            try:
                return await work
            finally:
                self._waiting.discard(waiting)

    async def _ask(
        self, request: Request, upstream: httpx2.Request
    ) -> httpx2.Response | None:
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(self._send(upstream))
            leaving = group.create_task(_left(request))
            # The owner must notice who leaves: a poll's answer is kept for the next.
            leaving.add_done_callback(lambda _: sending.cancel())
            sending.add_done_callback(lambda _: leaving.cancel())
        if sending.cancelled():
            raise LEFT
        return sending.result()

    def _answer(self, upstream: httpx2.Response) -> Response:
        answer = StreamingResponse(self._chunks(upstream), upstream.status_code)
        answer.raw_headers = [
            (name.lower(), value)
            for name, value in upstream.headers.raw
            if name.lower() not in DROPPED
        ]
        return answer

    async def _chunks(self, upstream: httpx2.Response) -> AsyncGenerator[bytes]:
        chunks = upstream.aiter_raw()
        try:
            while (chunk := await self._unless_going(anext(chunks, None))) is not None:
                yield chunk
        except TimeoutError:
            # The stream ends, and its client connects anew.
            return
        except httpx2.HTTPError:
            # The owner went down in the middle: the same.
            log.warning("sibling left in the middle of an answer")
        finally:
            await upstream.aclose()

    async def _send(self, upstream: httpx2.Request) -> httpx2.Response | None:
        try:
            return await self._transport.handle_async_request(upstream)
        except httpx2.HTTPError as error:
            log.warning("sibling out of reach", error=type(error).__name__)
            return None

    def _headers(
        self, request: Request, handshake: Handshake
    ) -> list[tuple[bytes, bytes]]:
        kept = [pair for pair in request.headers.raw if pair[0] not in DROPPED]
        vouched = self._siblings.vouch(
            request.method,
            request.url.path,
            handshake.client,
            secure=handshake.secure,
        )
        return [*kept, (VOUCHED, vouched.encode())]


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
