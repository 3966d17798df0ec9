"""From an HTTP request to the contract's request type: path, key, query, body.

Every source is bounded before it is parsed, and a field may come only from the place
that its row gives it, so that no body can speak for the path.
"""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, unquote

import orjson
from starlette.requests import Request as HttpRequest

from chatd.api.problems import HttpRefusal
from chatd.errors import Refused, invalid
from chatd_protocol.chat.base import Request
from chatd_protocol.chat.binding import InvalidRequestError, bind
from chatd_protocol.chat.http.rows import RouteRow

MEDIA_TYPE: Final = "application/json"
QUERY_FIELDS_MAX: Final = 32
BODYLESS: Final = ("GET", "DELETE")


async def read(http: HttpRequest, row: RouteRow, body_bytes_max: int) -> Request:
    """The request of a row.

    Raises:
        Refused: `invalid_request`, with a pointer to what is wrong.
        HttpRefusal: the body is too large or no JSON object.
    """
    places = row.places()
    bodyless = row.method in BODYLESS
    values = _query(http) if bodyless else await _body(http, body_bytes_max)
    for name in values:
        if places.get(name) == "path":
            raise invalid(f"/{name}", "unknown_field")
    values |= _path(http)
    key = http.headers.get("idempotency-key") if row.key else None
    if row.key and key and values.setdefault(row.key, key) != key:
        raise invalid(f"/{row.key}", "differs_from_key")
    try:
        return bind(row.request, values, strict=not bodyless)
    except InvalidRequestError as error:
        raise invalid(error.pointer, error.code) from None


def _path(http: HttpRequest) -> dict[str, object]:
    """The names in the path: still quoted, because an id may hold a slash."""
    try:
        return {
            name: unquote(str(value), errors="strict")
            for name, value in http.path_params.items()
        }
    except UnicodeDecodeError:
        raise Refused("not_found") from None


def _query(http: HttpRequest) -> dict[str, object]:
    text = http.scope["query_string"].decode("latin-1")
    try:
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=QUERY_FIELDS_MAX,
        )
    except ValueError:
        raise HttpRefusal(HTTPStatus.BAD_REQUEST) from None
    values: dict[str, object] = {}
    for name, value in pairs:
        if name in values:
            raise invalid(f"/{name}", "repeated")
        values[name] = value
    return values


async def _body(http: HttpRequest, bytes_max: int) -> dict[str, object]:
    """The JSON object of the body; an absent body is an empty one."""
    raw = bytearray()
    async for part in http.stream():
        raw += part
        if len(raw) > bytes_max:
            raise HttpRefusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit=bytes_max)
    if not raw:
        return {}
    media_type = http.headers.get("content-type", "").partition(";")[0].strip()
    if media_type.lower() != MEDIA_TYPE or http.headers.get("content-encoding"):
        raise HttpRefusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, expected=MEDIA_TYPE)
    try:
        parsed = orjson.loads(bytes(raw))
    except orjson.JSONDecodeError:
        raise invalid("", "not_json") from None
    if not isinstance(parsed, dict):
        raise invalid("", "wrong_type")
    return parsed
