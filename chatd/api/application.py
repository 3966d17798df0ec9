"""The Starlette routes made from the table, with the probes and the descriptions.

Routing goes by the path as it was sent, still quoted: a platform's id may hold a slash,
and nothing but the routed path decides what a request is allowed to do.
"""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chatd.actions.sessions import OPERATOR
from chatd.api.attachments import BYTES
from chatd.api.bulk import line_by_line
from chatd.api.door import Door, Endpoint, answered, bearer, endpoint, json
from chatd.api.events import STREAMED, or_stream
from chatd.api.keeping.export import EXPORT, export
from chatd.api.keeping.files import KEPT_FILE, kept_file
from chatd.api.probes import Probes, Scrapes, is_neighbour
from chatd.api.problems import HEADERS, problem
from chatd.errors import Refused
from chatd.ids import new_id
from chatd.limits import describe
from chatd_protocol.chat.http.rows import RouteRow
from chatd_protocol.chat.routes import BASE, OPEN_ROUTES, ROUTES

CORS_SECONDS = 600

WELCOME = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>chatd</title>
<h1>chatd is running</h1>
<p>This version has no web client yet. SignalR clients connect to <code>/hub</code>;
the HTTP API is described at <a href="/v1/openapi.json">/v1/openapi.json</a>.</p>"""

STAFF = {EXPORT: export, KEPT_FILE: kept_file}


def routes(door: Door) -> list[BaseRoute]:
    """All that this package serves, ready to be put into an application."""
    endpoints, clock = _open_endpoints(door), door.context.clock
    open_routes = [
        (row.path, answered(clock, endpoints[row.name], row.name))
        for row in OPEN_ROUTES
    ]
    application: ASGIApp = Starlette(
        routes=[
            *(
                Route(path.removeprefix(BASE), work)
                for path, work in open_routes
                if path.startswith(BASE)
            ),
            *(
                Route(
                    row.path.removeprefix(BASE),
                    _behind(door, row),
                    methods=[row.method],
                )
                for row in ROUTES
            ),
        ],
        middleware=_cors(door.allowed_origins),
        exception_handlers={HTTPException: _not_routed},
    )
    outside = [row for row in open_routes if not row[0].startswith(BASE)]
    return [
        Mount(BASE, _AsSent(application)),
        *(Route(path, work) for path, work in outside),
        Route("/", _welcome),
        Route("/metrics", answered(clock, _guarded(door), "getMetrics")),
    ]


def _behind(door: Door, row: RouteRow) -> Endpoint:
    if row.name in STAFF:
        return STAFF[row.name](door, row)
    if row.lines:
        return line_by_line(door, row)
    if row.name in BYTES:
        return BYTES[row.name](door, row)
    page = endpoint(door, row)
    return or_stream(door, row, page) if row.name == STREAMED else page


def operators_routes(probes: Probes) -> list[BaseRoute]:
    """What a port of its own serves to whoever can reach it."""
    return [
        Route("/livez", probes.alive),
        Route("/startupz", probes.started),
        Route("/readyz", probes.ready),
        Route("/metrics", probes.metrics),
    ]


def _guarded(door: Door) -> Endpoint:
    """`/metrics` on the main port."""

    async def answer(http: HttpRequest) -> Response:
        if door.scrapes is Scrapes.BY_NOBODY:
            raise Refused("not_found")
        neighbourly = door.scrapes is Scrapes.BY_NEIGHBOURS and is_neighbour(http)
        if not neighbourly:
            identity = await door.authenticate(bearer(http), None)
            if not {OPERATOR, "admin"} <= identity.caller.scopes:
                raise Refused("forbidden")
        return await door.probes.metrics(http)

    return answer


class _AsSent:
    """Hands the path on as it came over the wire."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path")
        if raw is not None:
            scope = {**scope, "path": raw.decode("latin-1")}
        await self._application(scope, receive, send)


def _cors(origins: tuple[str, ...]) -> list[Middleware]:
    """Pages of these origins may call; tokens travel in a header, never a cookie."""
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "Chatd-Act-As",
            ],
            expose_headers=["Retry-After", "Content-Disposition", "Content-Range"],
            max_age=CORS_SECONDS,
        )
    ]


async def _not_routed(http: HttpRequest, error: Exception) -> Response:
    """No such path, or not with this method."""
    if not isinstance(error, HTTPException):
        raise error
    asked = http.headers.get("accept-language")
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem("not_found", {}, new_id(), asked=asked)
    return problem(
        "invalid_request", {}, new_id(), error.status_code, error.headers, asked
    )


def _open_endpoints(door: Door) -> Mapping[str, Endpoint]:
    async def limits(_http: HttpRequest) -> Response:
        return json(describe(door.context.limits))

    return {
        "getLivez": door.probes.alive,
        "getStartupz": door.probes.started,
        "getReadyz": door.probes.ready,
        "getLimits": limits,
        "getOpenapi": _document("openapi.json"),
        "getAsyncapi": _document("asyncapi.json"),
    }


def _document(name: str) -> Endpoint:
    async def answer(_http: HttpRequest) -> Response:
        return Response(_packaged(name), headers=HEADERS, media_type="application/json")

    return answer


@cache
def _packaged(name: str) -> bytes:
    """A published description, made once from the committed file, without spaces."""
    raw = files("chatd_protocol").joinpath("schema", name).read_bytes()
    return bytes(msgspec.json.format(raw, indent=-1))


async def _welcome(_http: HttpRequest) -> Response:
    return Response(
        WELCOME,
        media_type="text/html",
        headers={"content-security-policy": "default-src 'none'"},
    )
