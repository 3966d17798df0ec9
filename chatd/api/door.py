"""One route's way: who asks, may they, at what cost, what for, the deed, the answer.

Whatever goes wrong is answered here, once: a refusal by its code, a bug with a request
id under which the log has the rest.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from chatd.actions.basis.bounds import bounded
from chatd.actions.basis.context import Context
from chatd.actions.basis.counting import Counted
from chatd.actions.basis.rates import Rates
from chatd.actions.content.attachments import Files
from chatd.api.deeds import DEEDS
from chatd.api.probes import Probes, Scrapes
from chatd.api.problems import HEADERS, HttpRefusal, problem
from chatd.api.reading import read
from chatd.clock import Clock
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.identity.claims import Identity
from chatd.ids import new_id
from chatd.limits import Limits
from chatd.telemetry import about, log
from chatd_protocol.chat.base import Request
from chatd_protocol.chat.http.rows import RouteRow
from chatd_protocol.chat.requests import WatchEvents
from chatd_protocol.chat.results import Empty, WatchedEvent

BODY_SECONDS_MAX: Final = 30.0
"""For a body of the largest size that is still 35 kB a second."""

Authenticate = Callable[[str | None, str | None], Awaitable[Identity]]
"""Who comes with this token, acting for this person. Raises `Refused`."""


Batches = Callable[[Caller, WatchEvents], AsyncIterator[Sequence[WatchedEvent]]]
"""The events of a tenant and those to come; empty ones now and then. May refuse."""


@dataclass(frozen=True, slots=True)
class Door:
    """What the API needs from the rest of the house."""

    context: Context
    authenticate: Authenticate
    rates: Rates
    probes: Probes
    batches: Batches
    files: Files
    allowed_origins: tuple[str, ...] = ()
    scrapes: Scrapes = Scrapes.BY_OPERATORS


Endpoint = Callable[[HttpRequest], Awaitable[Response]]


def endpoint(door: Door, row: RouteRow) -> Endpoint:
    """The function behind a route.

    Raises:
        KeyError: the row has no deed.
    """
    deed = DEEDS[row.name]

    async def answer(http: HttpRequest) -> Response:
        caller = await admit(door, http, row)
        with door.rates.one_at_once(caller.tenant, caller.user_id):
            request = await within_time(http, row, door.context.limits)
            asked = bounded(request, door.context.limits)
            async with door.context.shares.one_of(caller.tenant):
                result = await deed.action(door.context, caller, asked)
        if row.result is Empty:
            return Response(status_code=row.status, headers=HEADERS)
        return json(result, row.status)

    return answered(door.context.clock, answer, row.name)


async def entered(door: Door, http: HttpRequest, row: RouteRow) -> Identity:
    """Who asks, if they may use this route at all.

    Raises:
        Refused: `unauthenticated`; `forbidden` to a service on a person's route, and to
            who has not the route's scope.
    """
    identity = await door.authenticate(bearer(http), acting_for(http))
    scopes = identity.caller.scopes
    if not identity.person if row.scope is None else row.scope not in scopes:
        raise Refused("forbidden")
    return identity


async def admit(door: Door, http: HttpRequest, row: RouteRow) -> Caller:
    """Who asks for a row's deed, once the caller may and has paid for it.

    Raises:
        Refused: `unauthenticated`, `forbidden`, `rate_limited`.
    """
    caller = (await entered(door, http, row)).caller
    door.rates.spend(caller.tenant, caller.user_id, DEEDS[row.name].cost)
    return caller


async def within_time(http: HttpRequest, row: RouteRow, limits: Limits) -> Request:
    """The request of a row, read before its sender's time is over.

    Raises:
        Refused: `invalid_request`, also as an `HttpRefusal`.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            return await read(http, row, limits.http_body_bytes)
    except TimeoutError:
        raise HttpRefusal(HTTPStatus.REQUEST_TIMEOUT) from None


def answered(clock: Clock, work: Endpoint, name: str) -> Endpoint:
    """The same endpoint, with every failure turned into its answer, and counted."""
    counted = Counted(clock, "http", name)

    async def answer(http: HttpRequest) -> Response:
        request_id = new_id()
        with about(http.headers.get("traceparent"), request=request_id):
            return await tried(http, request_id)

    async def tried(http: HttpRequest, request_id: str) -> Response:
        told = partial(problem, asked=http.headers.get("accept-language"))
        try:
            with counted.call():
                return await _present(work, http)
        except HttpRefusal as refusal:
            return told(refusal.code, refusal.facts, request_id, refusal.status)
        except Refused as refused:
            return told(refused.code, refused.facts, request_id)
        except Exception:  # noqa: BLE001 - a bug of ours: its place is the log
            log.exception("request failed", route=name)
            return told("internal", {}, request_id)

    return answer


async def _present(work: Endpoint, http: HttpRequest) -> Response:
    try:
        return await work(http)
    except ClientDisconnect:
        # Nobody is there to read it; the server wants an answer all the same.
        raise HttpRefusal(HTTPStatus.BAD_REQUEST) from None


def bearer(http: HttpRequest) -> str | None:
    """The token of the one `Authorization: Bearer` header; never of the query."""
    given = http.headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else None


def acting_for(http: HttpRequest) -> str | None:
    """The person that a service acts for; ids that are not ASCII come as UTF-8.

    Raises:
        Refused: `not_found`, as for any name that nobody has.
    """
    name = http.headers.get("chatd-act-as")
    if name is None:
        return None
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("not_found") from None


def json(value: object, status: int = HTTPStatus.OK) -> Response:
    """An answer in JSON that no cache keeps."""
    body = msgspec.json.encode(value)
    return Response(body, status, HEADERS, "application/json")
