"""The only place that reads a clock, so that tests and simulations can bring another.

Order never depends on wall time (the log's `seq` gives it) and timeouts never do either
(the monotonic clock does): an hour's jump changes dates on messages and nothing else.
"""

import functools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

# Whole numbers throughout: a float of seconds loses milliseconds.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """Wall time in milliseconds since 1970 and monotonic time in seconds."""

    def now_ms(self) -> int:
        """Wall time, milliseconds since 1970-01-01 UTC."""

    def monotonic(self) -> float:
        """Seconds that only ever move forward."""


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        """Wall time, milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that only ever move forward."""
        return time.monotonic()


@functools.lru_cache(maxsize=1024)
def _whole_second(at_s: int) -> str:
    """Kept: a busy server says the same second thousands of times."""
    return (_EPOCH + timedelta(seconds=at_s)).isoformat().removesuffix("+00:00")


def rfc3339(at_ms: int) -> str:
    """The contract's form of a time: `2026-11-21T09:30:00.000Z`."""
    return f"{_whole_second(at_ms // 1000)}.{at_ms % 1000:03d}Z"


def from_rfc3339(text: str) -> int:
    """Milliseconds since 1970 of a contract time.

    Raises:
        ValueError: the text is not such a time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    return (moment - _EPOCH) // _MILLISECOND
