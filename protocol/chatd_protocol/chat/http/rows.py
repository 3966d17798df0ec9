"""A row of the table of routes, and where each field of its request comes from.

That follows from the row: the names in the path, then `Idempotency-Key` for the row's
`key`, then the query for methods without a body and the JSON body for the others.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

import msgspec

from chatd_protocol.chat import results
from chatd_protocol.chat.base import Request, Shape

HttpMethod = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Scope = Literal[
    "directory", "messages", "events", "moderation", "safeguarding", "admin"
]
Place = Literal["path", "query", "body", "key"]


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One route. `name` is its operation id; `scope` absent: a person's own deed.

    `key` names the request's field that the header `Idempotency-Key` may carry. With
    `lines` body and answer are NDJSON: a request a line, a result a line.
    A `form` takes its fields from `multipart/form-data`, where files can be streamed.
    """

    name: str
    method: HttpMethod
    path: str
    request: type[Request]
    result: type[Shape]
    scope: Scope | None = None
    key: str | None = None
    lines: bool = False
    form: bool = False

    @property
    def status(self) -> int:
        """200, or 204 where there is nothing to answer."""
        return 204 if self.result is results.Empty else 200

    def places(self) -> Mapping[str, Place]:
        """Where each field of the request is found, by its JSON name."""
        return _places(self)


@cache
def _places(row: RouteRow) -> Mapping[str, Place]:
    # Reading the fields of a type takes 0.2 ms, which each request would pay.
    in_path = set(re.findall(r"{(\w+)}", row.path))
    rest: Place = "query" if row.method in ("GET", "DELETE") else "body"
    found: dict[str, Place] = {}
    for field in msgspec.structs.fields(row.request):
        name = field.encode_name
        if name in in_path:
            found[name] = "path"
        else:
            found[name] = "key" if name == row.key else rest
    return MappingProxyType(found)
