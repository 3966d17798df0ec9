"""Counting calls, the same for both doors: how long, how answered, and a line of log.

What is said of a call are its method and its code; never what was asked or answered.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from chatd import metrics
from chatd.clock import Clock
from chatd.errors import Refused
from chatd.telemetry import labels, log, spans

SENDS: Final = frozenset({("hub", "SendMessage"), ("http", "sendMessage")})

FAILURES: Final = frozenset({"internal", "overloaded", "storage_unavailable"})
"""Codes that are ours to mend; all others are answers like any."""


class Counted:
    """The calls of one method through one door."""

    def __init__(self, clock: Clock, door: str, method: str) -> None:
        self._clock = clock
        self._door = door
        self._method = method
        self._span = f"{door}.{method}"
        self._timers = [metrics.CALL_SECONDS.labels(door, method)]
        if (door, method) in SENDS:
            self._timers.append(metrics.SEND_ACK_SECONDS)

    @contextmanager
    def call(self) -> Iterator[None]:
        """Counts what happens within; failures go on as they are."""
        began_s = self._clock.monotonic()
        recorded = spans.begin(self._span, labels())
        code = "ok"
        try:
            yield
        except Exception as error:
            code = error.code if isinstance(error, Refused) else "internal"
            metrics.REPLY_ERRORS.labels(self._door, code).inc()
            raise
        except BaseException:
            code = "cancelled"
            raise
        finally:
            if recorded is not None:
                spans.end(recorded, failed=code in FAILURES)
            took_s = self._clock.monotonic() - began_s
            for timer in self._timers:
                timer.observe(took_s)
            log.debug(
                "call",
                door=self._door,
                method=self._method,
                code=code,
                ms=round(took_s * 1000, 1),
            )
