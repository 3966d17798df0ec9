"""How connections begin and end, for whoever watches the server.

A client chooses the code that it closes with, so only codes that mean something are
labels: a stranger must not be able to make up time series.
"""

from collections.abc import Callable
from typing import Final

from chatd import metrics
from chatd.clock import Clock
from chatd.signalr.connections.connection import Connection
from chatd.signalr.connections.results import ConnectionEnded
from chatd.signalr.hub import Observer
from chatd.telemetry import log
from chatd_protocol.signalr.errors import RemoteProtocolError

CODES: Final = frozenset(
    {1000, 1001, 1002, 1003, 1006, 1007, 1008, 1009, 1011, 1012, 1013}
)
"""Of RFC 6455, 7.4, and its registry: those that a server or a browser really uses."""

TIMEOUTS: Final = frozenset({"away", "silent", "slow_consumer"})
"""Endings that OpenTelemetry's SignalR conventions call `timeout`."""


def observer(clock: Clock, draining: Callable[[], bool]) -> Observer:
    """Counts openings and endings; `draining` tells whether the process goes down."""

    def ended(connection: Connection) -> None:
        reason = _reason(connection.error)
        if reason == "slow_consumer":
            metrics.SLOW_CONSUMER_CLOSES.inc()
        status = "timeout" if reason in TIMEOUTS else "normal_closure"
        if draining():
            status = "app_shutdown"
        lived_s = clock.monotonic() - connection.began_s
        transport = connection.transport or "none"
        metrics.CONNECTION_SECONDS.labels(transport, status).observe(lived_s)
        metrics.CLOSES.labels(_code(connection), reason).inc()
        log.debug(
            "connection ended",
            connection=connection.label,
            transport=transport,
            reason=reason,
            seconds=round(lived_s, 3),
        )

    return Observer(opening=_opening, ended=ended)


def _opening(result: str) -> None:
    metrics.HANDSHAKES.labels(result).inc()


def _reason(error: Exception | None) -> str:
    match error:
        case None:
            return "good"
        case ConnectionEnded():
            return error.reason
        case RemoteProtocolError():
            return "protocol"
        case _:
            return "error"


def _code(connection: Connection) -> str:
    code = None if connection.pipe is None else connection.pipe.close_code
    if code is None:
        return "none"
    return str(int(code)) if code in CODES else "other"
