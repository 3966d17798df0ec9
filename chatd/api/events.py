"""`GET /v1/events` as a stream: Server-Sent Events for embedding applications.

The hub's `WatchEvents` for those who have no SignalR client: an event's `id` is its
cursor, so that a browser's or a library's own reconnect (`Last-Event-ID`) goes on where
it was. Without `Accept: text/event-stream` the route answers pages.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from chatd.actions.basis.rates import Cost
from chatd.api.door import Door, Endpoint, answered, entered
from chatd.api.problems import HEADERS
from chatd.api.reading import read
from chatd.errors import Refused
from chatd_protocol.chat.events import event_type
from chatd_protocol.chat.http.rows import RouteRow
from chatd_protocol.chat.requests import ListEvents, WatchEvents
from chatd_protocol.chat.results import WatchedEvent

STREAMED: Final = "listEvents"
"""The route that can also be a stream."""

MEDIA_TYPE: Final = "text/event-stream"
LOOK_AGAIN_S: Final = 2.0
"""Between looks whether the reader may still read: sessions that are ended end streams
within 5 s (faults, row 27)."""

QUIET: Final = b":\n\n"
"""A comment: keeps proxies from closing a stream in which nothing happens."""


def or_stream(door: Door, row: RouteRow, page: Endpoint) -> Endpoint:
    """The endpoint that answers a page, or a stream to who accepts one."""
    open_here: Counter[tuple[str, str]] = Counter()

    async def stream(http: HttpRequest) -> Response:
        identity = await entered(door, http, row)
        door.rates.spend(*identity.key, Cost.READ)
        limits = door.context.limits
        most = limits.connections_per_user
        if open_here[identity.key] >= most:
            raise Refused("rate_limited", connections=most)
        asked = await read(http, row, limits.http_body_bytes)
        assert isinstance(asked, ListEvents)
        # What a reconnect says is newer than what the address says.
        cursor = http.headers.get("last-event-id") or asked.cursor
        batches = door.batches(identity.caller, WatchEvents(cursor=cursor))
        # What is wrong with the request must come out before the answer has begun.
        first = await anext(batches, ())

        async def body() -> AsyncIterator[bytes]:
            open_here[identity.key] += 1
            clock = door.context.clock
            looked_s = clock.monotonic()
            try:
                yield _written(first)
                async for batch in batches:
                    if clock.now_ms() >= identity.expires_at_ms:
                        return
                    if clock.monotonic() - looked_s >= LOOK_AGAIN_S:
                        looked_s = clock.monotonic()
                        if not await _may_stay(door, http, row):
                            return
                    yield _written(batch)
            finally:
                open_here[identity.key] -= 1
                if not open_here[identity.key]:
                    del open_here[identity.key]

        headers = {**HEADERS, "X-Accel-Buffering": "no"}
        return StreamingResponse(body(), headers=headers, media_type=MEDIA_TYPE)

    streaming = answered(door.context.clock, stream, row.name)

    async def answer(http: HttpRequest) -> Response:
        wanted = MEDIA_TYPE in http.headers.get("accept", "")
        return await (streaming if wanted else page)(http)

    return answer


async def _may_stay(door: Door, http: HttpRequest, row: RouteRow) -> bool:
    try:
        await entered(door, http, row)
    except Refused as refusal:
        # A store that does not answer says nothing about anybody.
        return refusal.code not in ("unauthenticated", "forbidden", "not_found")
    return True


def _written(batch: Sequence[WatchedEvent]) -> bytes:
    return b"".join(map(_record, batch)) or QUIET


def _record(watched: WatchedEvent) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (
        watched.cursor.encode(),
        event_type(watched.event).encode(),
        msgspec.json.encode(watched.event),
    )
