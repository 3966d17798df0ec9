"""`GET /v1/users/{id}/export`: line after line of JSON, however many there are."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from chatd.actions.keeping import exporting
from chatd.api.bulk import MEDIA_TYPE
from chatd.api.door import Door, Endpoint, answered, entered, within_time
from chatd.api.problems import HEADERS
from chatd_protocol.chat.http.keeping import ExportLine, ExportUser
from chatd_protocol.chat.http.rows import RouteRow

EXPORT: Final = "exportUser"
"""The route that this module answers."""


def export(door: Door, row: RouteRow) -> Endpoint:
    """The endpoint of an export."""

    async def answer(http: HttpRequest) -> Response:
        caller = (await entered(door, http, row)).caller
        asked = await within_time(http, row, door.context.limits)
        assert isinstance(asked, ExportUser)
        lines = exporting.export(door.context, caller, asked)
        # What is wrong with the request must come out before the answer has begun.
        first = await anext(lines)
        return StreamingResponse(
            _written(first, lines), headers=HEADERS, media_type=MEDIA_TYPE
        )

    return answered(door.context.clock, answer, row.name)


async def _written(
    first: ExportLine, lines: AsyncIterator[ExportLine]
) -> AsyncIterator[bytes]:
    yield msgspec.json.encode(first) + b"\n"
    async for line in lines:
        yield msgspec.json.encode(line) + b"\n"
