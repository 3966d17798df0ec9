"""A `multipart/form-data` body, part by part, as it arrives: nothing is collected."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request as HttpRequest

from chatd.api.problems import HttpRefusal

MEDIA_TYPE: Final = b"multipart/form-data"
PARTS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Part:
    """The head of a part. A file has a `filename`, as its sender calls it."""

    name: str
    filename: str | None


_Event = Part | bytes | None
"""A part begins, has these bytes, or has ended."""


class Form:
    """The parts of one request's body, in order, each read or passed over."""

    def __init__(self, http: HttpRequest) -> None:
        """Raises `HttpRefusal` for a body of another kind."""
        kind, options = parse_options_header(http.headers.get("content-type"))
        boundary = options.get(b"boundary")
        if kind != MEDIA_TYPE or not boundary:
            raise HttpRefusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, expected=MEDIA_TYPE.decode()
            )
        self._body = http.stream()
        self._events: deque[_Event] = deque()
        self._field = self._value = b""
        self._head: dict[bytes, bytes] = {}
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._on_field,
                    "on_header_value": self._on_value,
                    "on_header_end": self._on_header,
                    "on_headers_finished": self._on_head,
                    "on_part_data": self._on_data,
                    "on_part_end": self._end,
                    "on_end": self._finish,
                },
            )
        except FormParserError:
            raise HttpRefusal(HTTPStatus.BAD_REQUEST) from None

    async def parts(self) -> AsyncIterator[Part]:
        """The heads; what is not read of a part by then is passed over.

        Raises:
            HttpRefusal: the body is no form, is cut off, or has too many parts.
        """
        for _ in range(PARTS_MAX):
            while not isinstance(event := await self._next(), Part):
                if event is None and self._ended and not self._events:
                    return
            yield event
        raise HttpRefusal(HTTPStatus.BAD_REQUEST)

    async def content(self) -> AsyncIterator[bytes]:
        """The bytes of the part whose head came last."""
        while (event := await self._next()) is not None:
            assert isinstance(event, bytes)
            yield event

    async def text(self, bytes_max: int) -> str:
        """The content of a part that is no file.

        Raises:
            HttpRefusal: it is too long or not UTF-8.
        """
        content = bytearray()
        async for chunk in self.content():
            content += chunk
            if len(content) > bytes_max:
                raise HttpRefusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit=bytes_max)
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise HttpRefusal(HTTPStatus.BAD_REQUEST) from None

    async def pass_over(self, bytes_max: int) -> None:
        """Let the rest of the body go by, so that its sender reads the answer."""
        async for chunk in self._body:
            bytes_max -= len(chunk)
            if bytes_max < 0:
                return

    async def _next(self) -> _Event:
        while not self._events:
            if self._ended:
                return None
            chunk = await anext(self._body, b"")
            if not chunk:
                raise HttpRefusal(HTTPStatus.BAD_REQUEST)
            try:
                self._parser.write(chunk)
            except FormParserError:
                raise HttpRefusal(HTTPStatus.BAD_REQUEST) from None
        return self._events.popleft()

    def _begin(self) -> None:
        self._head = {}

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._head[self._field.lower()] = self._value
        self._field = self._value = b""

    def _on_head(self) -> None:
        kind, options = parse_options_header(self._head.get(b"content-disposition"))
        name, filename = options.get(b"name"), options.get(b"filename")
        if filename is not None:
            # How browsers write the one character that would end the name.
            filename = filename.replace(b"%22", b'"')
        if kind != b"form-data" or name is None:
            raise HttpRefusal(HTTPStatus.BAD_REQUEST)
        self._events.append(
            Part(
                name.decode(errors="replace"),
                None if filename is None else filename.decode(errors="replace"),
            )
        )

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _end(self) -> None:
        self._events.append(None)

    def _finish(self) -> None:
        self._ended = True
