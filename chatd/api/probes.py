"""What machines ask of a process: probes for orchestrators, metrics for Prometheus.

They stand on the main port, and all of them also on a port of their own when one is
set; `/metrics` then is there only. Metrics hold no ids, but they do tell how busy a
school is, so on the main port they are for operators: a token of an operator's issuer
with the scope `admin`. The one exception is a server that nobody but this machine can
reach: a caller on the loopback interface, no sign of a proxy in between, and no public
address configured. A proxy on the same machine is on the loopback interface too, and
nginx by default adds no header of its own, hence the three conditions and not one.
"""

import ipaddress
from collections.abc import Callable
from enum import Enum
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from chatd import metrics
from chatd.api.problems import HEADERS
from chatd.operating.health import Health

FORWARDED: Final = ("forwarded", "via", "x-forwarded-for", "x-real-ip")
"""Headers by which a proxy gives itself away."""


class Scrapes(Enum):
    """Who may read `/metrics` on the main port."""

    BY_NOBODY = "the metrics have a port of their own"
    BY_NEIGHBOURS = "programs on this machine, and operators"
    BY_OPERATORS = "operators"


class Probes:
    """The answers, for whichever listener asks."""

    def __init__(self, health: Health, measure: Callable[[], None]) -> None:
        """`measure` brings up to date what is not counted as it happens."""
        self._health = health
        self._measure = measure

    async def alive(self, _http: HttpRequest) -> Response:
        """`/livez`: 503 asks to be restarted."""
        good = self._health.alive
        return _said(good, {"status": "alive" if good else "stalled"})

    async def started(self, _http: HttpRequest) -> Response:
        """`/startupz`: 503 until the server listens."""
        good = self._health.started
        return _said(good, {"status": "started" if good else "starting"})

    async def ready(self, _http: HttpRequest) -> Response:
        """`/readyz`: 503 asks for no work, check by check."""
        report = await self._health.probe()
        word = "ready" if report.ready else "unready"
        return _said(report.ready, {"status": word, "checks": report.checks})

    async def metrics(self, _http: HttpRequest) -> Response:
        """`/metrics`, in Prometheus' text format."""
        await self._health.report()
        self._measure()
        sent = {**HEADERS, "Content-Type": metrics.MEDIA_TYPE}
        return Response(metrics.exposition(), headers=sent)


def is_neighbour(http: HttpRequest) -> bool:
    """Whether a program on this very machine asks, as far as one can tell."""
    if http.client is None or any(name in http.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(http.client.host).is_loopback
    except ValueError:
        return False


def _said(good: bool, what: object) -> Response:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(msgspec.json.encode(what), status, HEADERS, "application/json")
