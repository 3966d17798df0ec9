"""Hands a request to the process that has its connection, and its answer back.

Only event streams, polls, posts and deletes come here: they belong to one connection in
one process. What a client sends is passed on as it is; a sealed header tells the owner
who the client was (`inside.py` reads it).
"""

import asyncio
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Final

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
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(self._send(upstream))
            leaving = group.create_task(_left(request))
            # The owner must notice who leaves: a poll's answer is kept for the next.
            leaving.add_done_callback(lambda _: sending.cancel())
            sending.add_done_callback(lambda _: leaving.cancel())
        if sending.cancelled():
            raise LEFT
        answer = sending.result()
        if answer is None:
            raise NOT_FOUND
        return _answer(answer)

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


def _answer(upstream: httpx2.Response) -> Response:
    answer = StreamingResponse(_chunks(upstream), upstream.status_code)
    answer.raw_headers = [
        (name.lower(), value)
        for name, value in upstream.headers.raw
        if name.lower() not in DROPPED
    ]
    return answer


async def _chunks(upstream: httpx2.Response) -> AsyncGenerator[bytes]:
    try:
        async for chunk in upstream.aiter_raw():
            yield chunk
    except httpx2.HTTPError:
        # The owner went down in the middle. The stream ends, as it would have there.
        log.warning("sibling left in the middle of an answer")
    finally:
        await upstream.aclose()
