"""Refusals as `application/problem+json` (RFC 9457), and the headers of every answer.

The same table of codes as on the hub; a status of HTTP's own (405, 413, 415) goes with
`invalid_request`. Nothing here tells a stranger more than the code does.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.responses import Response

from chatd.errors import Refused
from chatd_protocol.chat.errors import ERRORS, language_of, sentence

MEDIA_TYPE: Final = "application/problem+json"

# No cache between us and the caller may keep, or mix up, what one person may see.
HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store, private",
    "X-Content-Type-Options": "nosniff",
}


class HttpRefusal(Refused):
    """A request that is no good as HTTP, whatever it asks for."""

    def __init__(self, status: HTTPStatus, **facts: object) -> None:
        super().__init__("invalid_request", **facts)
        self.status = status


def problem(
    code: str,
    facts: Mapping[str, object],
    request_id: str,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    asked: str | None = None,
) -> Response:
    """The answer to a refused request.

    Args:
        code: a row of the table.
        facts: what the caller may know besides.
        request_id: by which the log is searched.
        status: instead of the row's.
        headers: to send along.
        asked: the request's `Accept-Language`.
    """
    row, language = ERRORS[code], language_of(asked)
    status = status or row.status
    body = {
        "type": f"urn:chatd:error:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": sentence(code, facts, language),
        "requestId": request_id,
        **facts,
    }
    sent = {
        **HEADERS,
        "Content-Language": language,
        "Vary": "Accept-Language",
        **(headers or {}),
    }
    if status == HTTPStatus.UNAUTHORIZED:
        sent["WWW-Authenticate"] = "Bearer"
    if isinstance(wait_s := facts.get("retryAfter"), int):
        sent["Retry-After"] = str(wait_s)
    return Response(msgspec.json.encode(body), status, sent, MEDIA_TYPE)
