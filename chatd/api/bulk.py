"""`POST /v1/directory`: a whole directory in one request, and a result for each line.

Each line is carried out by the very deed of its route. All lines are taken in before
the first is worked on: a client that reads nothing until everything is sent would
otherwise wait for a server that waits for it. What was done stays done when a client
goes; the same file can be sent again, because every deed says how things shall be.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from types import MappingProxyType
from typing import IO, Final, TypeAlias

import msgspec
import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from chatd.actions.directory.kinds import ROSTERS
from chatd.api.deeds import DEEDS
from chatd.api.door import BODY_SECONDS_MAX, Door, Endpoint, answered, entered
from chatd.api.problems import HEADERS, HttpRefusal
from chatd.domain.people import Caller
from chatd.errors import Refused, invalid
from chatd.ids import new_id
from chatd.telemetry import log
from chatd_protocol.chat.base import Request
from chatd_protocol.chat.binding import InvalidRequestError, bind
from chatd_protocol.chat.directory import (
    DirectoryLine,
    LineError,
    LineResult,
    PutCourseMember,
    PutGroupMember,
    PutProjectMember,
    PutUnitMember,
)
from chatd_protocol.chat.errors import ERRORS
from chatd_protocol.chat.http.rows import RouteRow
from chatd_protocol.chat.routes import ROUTES

MEDIA_TYPE: Final = "application/x-ndjson"

LINE_BYTES_MAX: Final = 64 * 1024
"""A person with every field at its longest takes a quarter of it."""

AT_ONCE: Final = 100
"""Lines under way; an event names as many people (SPEC, Events)."""

KEPT_IN_MEMORY_BYTES: Final = 1024 * 1024

_ROUTES: Final[Mapping[str, RouteRow]] = MappingProxyType(
    {row.name: row for row in ROUTES}
)
_TOGETHER: Final = MappingProxyType(
    {f"put{kind.capitalize()}Member": one.put_members for kind, one in ROSTERS.items()}
)
"""Deeds of which one Change does many: a course is told of once, not 300 times."""

_Seat: TypeAlias = PutCourseMember | PutProjectMember | PutGroupMember | PutUnitMember

_Line: TypeAlias = tuple[int, DirectoryLine | LineResult]


def line_by_line(door: Door, row: RouteRow) -> Endpoint:
    """The endpoint of a bulk import."""

    async def answer(http: HttpRequest) -> Response:
        caller = (await entered(door, http, row)).caller
        if _media_type(http) != MEDIA_TYPE:
            raise HttpRefusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, expected=MEDIA_TYPE)
        file: IO[bytes] = SpooledTemporaryFile(KEPT_IN_MEMORY_BYTES)  # noqa: SIM115
        try:
            await _take_in(http, file, door.context.limits.directory_import_bytes)
        except BaseException:
            file.close()
            raise
        return StreamingResponse(
            _results(door, caller, file), headers=HEADERS, media_type=MEDIA_TYPE
        )

    return answered(door.context.clock, answer, row.name)


def _media_type(http: HttpRequest) -> str:
    if http.headers.get("content-encoding"):
        return ""
    return http.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _take_in(http: HttpRequest, file: IO[bytes], bytes_max: int) -> None:
    size = 0
    parts = http.stream()
    while True:
        try:
            # Of each part and not of the whole: a large file may take its time.
            async with asyncio.timeout(BODY_SECONDS_MAX):
                part = await anext(parts, None)
        except TimeoutError:
            raise HttpRefusal(HTTPStatus.REQUEST_TIMEOUT) from None
        if part is None:
            break
        size += len(part)
        if size > bytes_max:
            raise HttpRefusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit=bytes_max)
        await asyncio.to_thread(file.write, part)
    file.seek(0)


async def _results(door: Door, caller: Caller, file: IO[bytes]) -> AsyncIterator[bytes]:
    """The results as lines, in the order of the deeds."""
    with file:
        together: list[_Line] = []
        reached: set[tuple[object, ...]] = set()
        kind, number = "", 0
        while line := await asyncio.to_thread(file.readline, LINE_BYTES_MAX + 1):
            number += 1
            if len(line) > LINE_BYTES_MAX:
                yield msgspec.json.encode(_refused(number, "", "too_long")) + b"\n"
                while line and not line.endswith(b"\n"):
                    line = await asyncio.to_thread(file.readline, LINE_BYTES_MAX)
                continue
            if not line.strip():
                continue
            deed = _read(number, line)
            about = _about(deed)
            # A later line may build on an earlier one (a member on a course and a
            # person) or be about the same thing: then it has to win.
            if len(together) == AT_ONCE or _kind(deed) != kind or about in reached:
                yield await _carried_out(door, caller, together)
                together, reached, kind = [], set(), _kind(deed)
            reached.add(about)
            together.append((number, deed))
        yield await _carried_out(door, caller, together)


def _kind(line: DirectoryLine | LineResult) -> str:
    return line.do if isinstance(line, DirectoryLine) else ""


def _about(line: DirectoryLine | LineResult) -> tuple[str, ...]:
    """The ids that a line is about, or its number if it is about nothing."""
    if isinstance(line, LineResult):
        return (str(line.line),)
    places = _ROUTES[line.do].places()
    return tuple(
        str(line.request.get(n)) for n, where in places.items() if where == "path"
    )


def _read(number: int, line: bytes) -> DirectoryLine | LineResult:
    try:
        return bind(DirectoryLine, orjson.loads(line))
    except orjson.JSONDecodeError:
        return _refused(number, "", "not_json")
    except InvalidRequestError as error:
        return _refused(number, error.pointer, error.code)


async def _carried_out(door: Door, caller: Caller, lines: list[_Line]) -> bytes:
    """The results of lines that may go at the same time."""
    done: dict[int, LineResult] = {}
    parties: dict[tuple[object, ...], dict[int, Request]] = {}
    for number, line in lines:
        if isinstance(line, LineResult):
            done[number] = line
            continue
        try:
            request = bind(_ROUTES[line.do].request, line.request)
        except InvalidRequestError as error:
            done[number] = _refused(number, f"/request{error.pointer}", error.code)
            continue
        # Members of one roster go together, anything else by itself.
        party = _about(line)[:1] if line.do in _TOGETHER else _about(line)
        parties.setdefault((line.do, *party), {})[number] = request
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_done(door, caller, str(party[0]), requests))
            for party, requests in parties.items()
        ]
    for task in tasks:
        done |= task.result()
    return b"".join(msgspec.json.encode(done[number]) + b"\n" for number, _ in lines)


async def _done(
    door: Door, caller: Caller, do: str, requests: Mapping[int, Request]
) -> dict[int, LineResult]:
    refused: dict[int, Refused] = {}
    try:
        if do in _TOGETHER:
            asked = list(requests.values())
            unknown = await _TOGETHER[do](door.context, caller, asked)
            nobody = Refused("not_found")
            refused = {
                number: nobody
                for number, one in requests.items()
                if isinstance(one, _Seat) and one.user_id in unknown
            }
        else:
            for request in requests.values():
                await DEEDS[do].action(door.context, caller, request)
    except Refused as refusal:
        refused = dict.fromkeys(requests, refusal)
    except Exception:  # noqa: BLE001 - a bug of ours harms these lines alone
        log.exception("lines of an import failed", do=do, request=new_id())
        refused = dict.fromkeys(requests, Refused("internal"))
    status = _ROUTES[do].status
    return {
        number: _result(number, refused[number])
        if number in refused
        else LineResult(line=number, status=status)
        for number in requests
    }


def _refused(number: int, pointer: str, code: str) -> LineResult:
    return _result(number, invalid(pointer, code))


def _result(number: int, refused: Refused) -> LineResult:
    return LineResult(
        line=number,
        status=ERRORS[refused.code].status,
        code=refused.code,
        errors=msgspec.convert(
            refused.facts.get("errors"), tuple[LineError, ...] | None
        ),
    )
