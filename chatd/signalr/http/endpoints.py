"""The HTTP requests of a hub: negotiate, event streams, polls, posts and deletes.

Each follows the reference server's table of statuses and texts, which clients look at.
Rules about who may come in are in `admission.py`; here is only what HTTP adds.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from http import HTTPStatus
from typing import Final, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chatd.signalr.admission import (
    FOREIGN_ORIGIN,
    ID_REQUIRED,
    IN_USE,
    NO_TRANSPORT,
    OTHER_TRANSPORT,
    Elsewhere,
    Refusal,
    allows_origin,
    find_connection,
    negotiate_connection,
    turn_away,
)
from chatd.signalr.connections.connection import Connection
from chatd.signalr.http.events import EventStreamPipe
from chatd.signalr.http.listener import ABORT
from chatd.signalr.http.polling import LongPollingPipe
from chatd.signalr.http.relay import Relay
from chatd.signalr.registry import HubContext
from chatd.signalr.requests import Handshake, read_handshake
from chatd_protocol.signalr.errors import RemoteProtocolError
from chatd_protocol.signalr.negotiate import (
    LONG_POLLING,
    SERVER_SENT_EVENTS,
    TRANSPORTS,
    WEB_SOCKETS,
    NegotiateRefusal,
    NegotiateResponse,
    encode_negotiate,
    parse_negotiate_query,
)

NO_STORE: Final = {
    "Cache-Control": "no-cache, no-store",
    "Pragma": "no-cache",
    "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
}
EVENT_STREAM: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-store, no-transform",
    "Pragma": "no-cache",
    "X-Accel-Buffering": "no",
}
ONE_RECORD_AGENT: Final = "Python-urllib"
"""signalrcore looks at the first message of a poll's answer, and at the others only
when its next poll is answered: it gets them one by one."""

PREFLIGHT_S: Final = "600"

NOT_FOR_SOCKETS: Final = Refusal(
    HTTPStatus.METHOD_NOT_ALLOWED, "The connection uses WebSockets"
)
NOT_A_POLLER: Final = Refusal(
    HTTPStatus.BAD_REQUEST, "Only long polling connections are deleted"
)
TOO_LONG: Final = Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too long")
TOO_SLOW: Final = Refusal(HTTPStatus.REQUEST_TIMEOUT, "The body did not come in time")
TOO_MANY: Final = Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests are waiting")
WRONG_METHOD: Final = Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Method Not Allowed")

Handler: TypeAlias = Callable[[Request, Handshake, str | None], Awaitable[Response]]


class Endpoints:
    """What one hub answers to HTTP.

    With a `relay`, requests on connections of siblings are handed to these.
    """

    def __init__(self, context: HubContext, relay: Relay | None = None) -> None:
        self._context = context
        self._relay = relay
        self._posting: Counter[str] = Counter()
        self._hub: Mapping[str, Handler] = {
            "GET": self._get,
            "POST": self._post,
            "DELETE": self._delete,
        }
        self._negotiations: Mapping[str, Handler] = {"POST": self._negotiate}

    async def negotiate(self, request: Request) -> Response:
        """`{path}/negotiate`."""
        return await self._answer(request, self._negotiations)

    async def hub(self, request: Request) -> Response:
        """`{path}` itself, for everything that is no WebSocket upgrade."""
        return await self._answer(request, self._hub)

    async def _answer(
        self, request: Request, handlers: Mapping[str, Handler]
    ) -> Response:
        handshake, token = read_handshake(
            self._context.path,
            request.scope["headers"],
            request.scope["query_string"],
            client=request.client.host if request.client else "",
            secure=request.url.scheme == "https",
        )
        try:
            if not allows_origin(handshake, self._context.hub.allowed_origins):
                raise FOREIGN_ORIGIN
            if request.method == "OPTIONS":
                answer = _preflight(handshake, handlers)
            elif (handler := handlers.get(request.method)) is None:
                raise WRONG_METHOD
            else:
                answer = await self._handle(handler, request, handshake, token)
        except Refusal as refusal:
            self._context.hub.observer.opening(refusal.words)
            answer = Response(
                refusal.text, refusal.status, refusal.headers, "text/plain"
            )
            if refusal.status == FOREIGN_ORIGIN.status:
                return answer
        origin = handshake.headers.get("origin")
        if origin is not None:
            # Never a star: pages send credentials.
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Access-Control-Allow-Credentials"] = "true"
            answer.headers["Access-Control-Expose-Headers"] = "Retry-After"
            answer.headers.add_vary_header("Origin")
        return answer

    async def _handle(
        self,
        handler: Handler,
        request: Request,
        handshake: Handshake,
        token: str | None,
    ) -> Response:
        try:
            return await handler(request, handshake, token)
        except Elsewhere as elsewhere:
            if self._relay is None:
                await turn_away(self._context, handshake)
            with self._one_more_post(elsewhere.token):
                body = await self._body(request)
            return await self._relay(request, handshake, elsewhere.ticket, body)

    # ------------------------------------------------------------------- handlers

    async def _negotiate(
        self, request: Request, handshake: Handshake, _token: str | None
    ) -> Response:
        enabled = self._context.hub.transports
        try:
            asked = parse_negotiate_query(request.query_params.multi_items())
        except RemoteProtocolError as error:
            return _json(encode_negotiate(NegotiateRefusal(str(error))))
        connection_id, secret = await negotiate_connection(
            self._context, handshake, version=asked.version
        )
        answer = NegotiateResponse(
            connection_id,
            secret if asked.version else None,
            tuple(row for row in TRANSPORTS if row.name in enabled),
        )
        return _json(encode_negotiate(answer))

    async def _get(
        self, request: Request, handshake: Handshake, token: str | None
    ) -> Response:
        accept = handshake.headers.get("accept", "")
        streaming = "text/event-stream" in accept
        wanted = SERVER_SENT_EVENTS if streaming else LONG_POLLING
        if wanted not in self._context.hub.transports:
            raise NO_TRANSPORT
        connection = await self._find(handshake, token)
        if connection.pipe is not None and connection.transport != wanted:
            raise OTHER_TRANSPORT
        if streaming:
            return self._stream(connection, request)
        return await self._poll(connection, request)

    def _stream(self, connection: Connection, request: Request) -> Response:
        if connection.pipe is not None:
            raise IN_USE
        pipe = EventStreamPipe(connection, request.scope["extensions"][ABORT]["now"])
        connection.attach(pipe)
        return EventStreamResponse(pipe)

    async def _poll(self, connection: Connection, request: Request) -> Response:
        pipe = connection.pipe
        if pipe is None:
            agent = connection.handshake.headers.get("user-agent", "")
            one_record = agent.startswith(ONE_RECORD_AGENT)
            connection.attach(LongPollingPipe(connection, one_record=one_record))
            connection.deadlines.left()
            return _poll_answer(b"")
        assert isinstance(pipe, LongPollingPipe)
        async with asyncio.TaskGroup() as group:
            leaving = group.create_task(_release_when_left(request.receive, pipe))
            data = await pipe.poll(self._context.limits.poll_s)
            leaving.cancel()
        return _poll_answer(data)

    async def _post(
        self, request: Request, handshake: Handshake, token: str | None
    ) -> Response:
        connection = await self._find(handshake, token)
        if connection.closed:
            await turn_away(self._context, handshake)
        if connection.transport == WEB_SOCKETS:
            raise NOT_FOR_SOCKETS
        with self._one_more_post(connection.token):
            await self._take_body(request, connection)
        return Response(status_code=HTTPStatus.OK)

    @contextmanager
    def _one_more_post(self, token: str) -> Iterator[None]:
        if self._posting[token] >= self._context.limits.waiting_posts:
            raise TOO_MANY
        self._posting[token] += 1
        try:
            yield
        finally:
            self._posting[token] -= 1
            if not self._posting[token]:
                del self._posting[token]

    async def _take_body(self, request: Request, connection: Connection) -> None:
        """Hand a body over, behind those that came before it."""
        pipe = connection.pipe
        if pipe is None:
            connection.receive(await self._body(request))
            return
        assert isinstance(pipe, LongPollingPipe | EventStreamPipe)
        async with pipe.posting:
            body = await self._body(request)
            await pipe.readable.wait()
            connection.receive(body)

    async def _body(self, request: Request) -> bytes:
        limits, body = self._context.limits, bytearray()
        try:
            async with asyncio.timeout(limits.body_s):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > limits.body_bytes:
                        raise TOO_LONG
        except TimeoutError as error:
            raise TOO_SLOW from error
        except ClientDisconnect as error:
            raise TOO_SLOW from error
        return bytes(body)

    async def _delete(
        self, _request: Request, handshake: Handshake, token: str | None
    ) -> Response:
        connection = await self._find(handshake, token)
        pipe = connection.pipe
        if not isinstance(pipe, LongPollingPipe):
            raise NOT_A_POLLER
        connection.lost(None)
        pipe.abort()
        return Response(status_code=HTTPStatus.ACCEPTED)

    async def _find(self, handshake: Handshake, token: str | None) -> Connection:
        """The connection that a request names, if it may."""
        if token is None:
            raise ID_REQUIRED
        connection = await find_connection(self._context, handshake, token)
        if connection.closed and connection.pipe is None:
            await turn_away(self._context, handshake)
        return connection


class EventStreamResponse(Response):
    """A response that lasts as long as its pipe, or until the client leaves."""

    def __init__(self, pipe: EventStreamPipe) -> None:
        super().__init__(headers=EVENT_STREAM)
        del self.headers["content-length"]
        self._pipe = pipe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams; a client that leaves is noticed at once, not at the next event."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        async with asyncio.TaskGroup() as group:
            streaming = group.create_task(self._stream(send))
            leaving = group.create_task(_left(receive))
            leaving.add_done_callback(lambda _: streaming.cancel())
            streaming.add_done_callback(lambda _: leaving.cancel())

    async def _stream(self, send: Send) -> None:
        async with aclosing(self._pipe.events()) as events:
            async for data in events:
                await send(
                    {"type": "http.response.body", "body": data, "more_body": True}
                )
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    """Returns when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _release_when_left(receive: Receive, pipe: LongPollingPipe) -> None:
    await _left(receive)
    pipe.release()


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers=NO_STORE)


def _poll_answer(data: bytes | None) -> Response:
    if data is None:
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=NO_STORE)
    return Response(data, media_type="application/octet-stream", headers=NO_STORE)


def _preflight(handshake: Handshake, handlers: Mapping[str, Handler]) -> Response:
    wanted = handshake.headers.get("access-control-request-headers", "")
    return Response(
        status_code=HTTPStatus.NO_CONTENT,
        headers={
            "Access-Control-Allow-Methods": ", ".join(handlers),
            "Access-Control-Allow-Headers": wanted,
            "Access-Control-Max-Age": PREFLIGHT_S,
        },
    )
