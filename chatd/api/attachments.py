"""The routes that carry bytes: a file comes in, goes out, or is linked to.

Whatever a file holds, a browser gets it in a form in which nothing in it runs: as a
download, of the type that we found and no other, in a sandbox without an origin. Only
pictures that were decoded whole are shown in place, and only by a link.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from chatd import metrics
from chatd.actions.content import attachments, uploading
from chatd.actions.content.attachments import SMALL, SMALL_TYPE
from chatd.actions.content.uploading import Received
from chatd.api.deeds import DEEDS
from chatd.api.door import Door, Endpoint, admit, answered, json, within_time
from chatd.api.multipart import Form
from chatd.api.problems import HEADERS, HttpRefusal
from chatd.domain.content.attachments import PICTURES, AttachmentRecord
from chatd.domain.people import Caller
from chatd.errors import Refused, invalid
from chatd_protocol.chat.base import ID_CHARS_MAX
from chatd_protocol.chat.files import ALT_CHARS_MAX, GetAttachment, LinkAttachment
from chatd_protocol.chat.http.rows import RouteRow
from chatd_protocol.chat.objects import Attachment

UPLOAD_SECONDS_MAX: Final = 600.0
"""For a file of the largest size that is still 35 kB a second."""

FORM_BYTES: Final = 64 * 1024
"""What a form may hold besides its file."""

_RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")

_SAFE: Final[Mapping[str, str]] = {
    **HEADERS,
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Accept-Ranges": "bytes",
    "Referrer-Policy": "no-referrer",
}


def _upload(door: Door, row: RouteRow) -> Endpoint:
    async def answer(http: HttpRequest) -> Response:
        caller = await admit(door, http, row)
        form = Form(http)
        most = door.context.limits.attachment_bytes
        try:
            async with asyncio.timeout(UPLOAD_SECONDS_MAX):
                try:
                    key = _request_id(http)
                    return json(await _received(door, caller, form, key))
                except Refused as refused:
                    metrics.ATTACHMENTS_REJECTED.labels(refused.code).inc()
                    await form.pass_over(most + FORM_BYTES)
                    raise
        except TimeoutError:
            raise HttpRefusal(HTTPStatus.REQUEST_TIMEOUT) from None

    return answered(door.context.clock, answer, row.name)


def _request_id(http: HttpRequest) -> str | None:
    key = http.headers.get("idempotency-key")
    if not key:
        return None
    if len(key) > ID_CHARS_MAX:
        raise invalid("/clientRequestId", "too_long")
    return key


async def _received(
    door: Door, caller: Caller, form: Form, key: str | None
) -> Attachment:
    received: Received | None = None
    alt: str | None = None
    async for part in form.parts():
        if part.name == "file" and part.filename is not None:
            if received is not None:
                raise invalid("/file", "repeated")
            received = await uploading.receive(
                door.context, door.files, caller, part.filename, form.content(), key
            )
        elif part.name == "alt":
            alt = await form.text(4 * ALT_CHARS_MAX)
        elif part.name == "file":
            raise invalid("/file", "wrong_type")
        else:
            raise invalid(f"/{part.name[:100]}", "unknown_field")
    if received is None:
        raise invalid("/file", "required")
    async with door.context.shares.one_of(caller.tenant):
        return await uploading.keep(door.context, caller, received, alt, key)


def _link(door: Door, row: RouteRow) -> Endpoint:
    async def answer(http: HttpRequest) -> Response:
        caller = await admit(door, http, row)
        with door.rates.one_at_once(caller.tenant, caller.user_id):
            request = await within_time(http, row, door.context.limits)
            assert isinstance(request, LinkAttachment)
            async with door.context.shares.one_of(caller.tenant):
                made = await attachments.link(
                    door.context,
                    door.files,
                    caller,
                    request.attachment_id,
                    thumbnail=bool(request.thumbnail),
                )
        return json(made)

    return answered(door.context.clock, answer, row.name)


def _download(door: Door, row: RouteRow) -> Endpoint:
    async def answer(http: HttpRequest) -> Response:
        caller: Caller | None = None
        if "link" not in http.query_params:
            caller = await admit(door, http, row)
        request = await within_time(http, row, door.context.limits)
        assert isinstance(request, GetAttachment)
        thumbnail = bool(request.thumbnail)
        if caller is None:
            link = await attachments.follow(
                door.context, door.files, request.attachment_id, request.link or ""
            )
            caller, thumbnail = Caller(link.tenant, link.user_id), link.thumbnail
            cost = DEEDS[row.name].cost
            door.rates.spend(caller.tenant, caller.user_id, cost)
        id_ = request.attachment_id
        async with door.context.shares.one_of(caller.tenant):
            record = await attachments.find(door.context, caller, id_)
        linked = request.link is not None
        if thumbnail:
            return await _small(door, record, linked=linked)
        return await whole(door, record, http, linked=linked)

    return answered(door.context.clock, answer, row.name)


async def _small(door: Door, record: AttachmentRecord, *, linked: bool) -> Response:
    if not record.thumbnail:
        raise Refused("not_found")
    chunks = door.files.depot.read(record.blob + SMALL)
    content = b"".join([chunk async for chunk in chunks])
    headers = _headers(record, inline=linked, shared=linked)
    return Response(content, headers=headers, media_type=SMALL_TYPE)


async def whole(
    door: Door, record: AttachmentRecord, http: HttpRequest, *, linked: bool
) -> Response:
    """The bytes of a file, or the part of them that is asked for."""
    picture = record.media_type in PICTURES and record.width is not None
    headers = _headers(record, inline=linked and picture, shared=linked)
    headers["Content-Type"] = record.media_type
    headers["ETag"] = tag = f'"{record.id}"'
    asked = http.headers.get("range", "")
    if http.headers.get("if-range", tag) != tag:
        asked = ""
    span = _span(asked, record.size)
    if span is None:
        headers["Content-Range"] = f"bytes */{record.size}"
        headers["Content-Length"] = "0"
        return Response(
            status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers
        )
    first, end = span
    status = HTTPStatus.OK
    if end - first < record.size:
        status = HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{record.size}"
    headers["Content-Length"] = str(end - first)
    if http.method == "HEAD" or first == end:
        return Response(status_code=status, headers=headers)
    chunks = door.files.depot.read(record.blob, first, end)
    # Asked for before the head is sent: bytes that are gone are still a 404.
    begin = await anext(chunks)
    return StreamingResponse(_from(begin, chunks), status, headers)


async def _from(begin: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield begin
    async for chunk in chunks:
        yield chunk


def _headers(record: AttachmentRecord, *, inline: bool, shared: bool) -> dict[str, str]:
    """Headers of every answer with bytes in it (RFC 6266 for the name).

    Who has a link may show it on another site's page: embedding is what it is for.
    """
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", record.name)
    named = f"filename=\"{plain}\"; filename*=UTF-8''{quote(record.name, safe='')}"
    return {
        **_SAFE,
        "Content-Disposition": f"{'inline' if inline else 'attachment'}; {named}",
        "Cross-Origin-Resource-Policy": "cross-origin" if shared else "same-origin",
    }


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """The bytes `[first, end)` that a `Range` asks for; all of them for none or many.

    `None` when there is no such part (RFC 9110, section 14).
    """
    match = _RANGE.fullmatch(asked.strip())
    if match is None or match[0] == "bytes=-":
        return 0, size
    first, last = match.groups()
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1 if last else size)
    return (begin, end) if begin < end else None


BYTES: Final[Mapping[str, Callable[[Door, RouteRow], Endpoint]]] = MappingProxyType(
    {
        "uploadAttachment": _upload,
        "getAttachment": _download,
        "linkAttachment": _link,
    }
)
"""The rows whose request or answer is no JSON object, or needs what bytes need."""
