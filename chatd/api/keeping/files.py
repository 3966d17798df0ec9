"""`GET /v1/vault/files/{id}`: the bytes of a file whose message was removed."""

from typing import Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from chatd.actions.keeping import vault
from chatd.api.attachments import whole
from chatd.api.door import Door, Endpoint, admit, answered, within_time
from chatd_protocol.chat.http.keeping import GetKeptFile
from chatd_protocol.chat.http.rows import RouteRow

KEPT_FILE: Final = "getKeptFile"
"""The route that this module answers."""


def kept_file(door: Door, row: RouteRow) -> Endpoint:
    """The endpoint of a look at a file of the vault; always a download."""

    async def answer(http: HttpRequest) -> Response:
        caller = await admit(door, http, row)
        asked = await within_time(http, row, door.context.limits)
        assert isinstance(asked, GetKeptFile)
        record = await vault.file(door.context, caller, asked)
        return await whole(door, record, http, linked=False)

    return answered(door.context.clock, answer, row.name)
