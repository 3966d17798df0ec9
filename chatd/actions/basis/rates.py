"""How often one person may do what: token buckets that no second connection refills.

Both doors spend from the same buckets, kept by tenant and user; a bucket that has
filled up again is forgotten, so memory follows who is active.
"""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final

from chatd import metrics
from chatd.bus.leases import Leases, Rate
from chatd.clock import Clock
from chatd.errors import Refused
from chatd.limits import Limits

SWEEP_S: Final = 60.0
HOUR_S: Final = 3600.0


class Cost(Enum):
    """Which bucket pays. A deed that nobody counts costs nothing."""

    READ = "read"
    WRITE = "write"
    SEND = "send"
    START = "start"
    REPORT = "report"
    NOTHING = "nothing"


@dataclass(slots=True)
class _Bucket:
    level: float
    at_s: float


class Rates:
    """All buckets of this process, and by leases those of the others."""

    def __init__(self, limits: Limits, clock: Clock, leases: Leases) -> None:
        self._clock = clock
        self._leases = leases
        leases.on_settled(self._settled)
        sends = Rate(limits.sends_per_second, limits.sends_burst)
        starts = limits.new_conversations_per_hour
        reports = limits.reports_per_hour
        self._rates = {
            Cost.READ: Rate(limits.reads_per_second, limits.reads_burst),
            Cost.WRITE: sends,
            Cost.SEND: sends,
            Cost.START: Rate(starts / HOUR_S, starts),
            Cost.REPORT: Rate(reports / HOUR_S, reports),
        }
        self._at_once_max = limits.http_requests_at_once
        self._at_once: Counter[tuple[str, str]] = Counter()
        self._buckets: dict[tuple[str, str, Cost], _Bucket] = {}
        self._swept_s = clock.monotonic()

    def __len__(self) -> int:
        return len(self._buckets)

    def spend(self, tenant: str, user_id: str, cost: Cost) -> None:
        """Take one token.

        Raises:
            Refused: `rate_limited`, with `retryAfter` in whole seconds.
        """
        rate = self._rates.get(cost)
        if rate is None:
            return
        now_s = self._clock.monotonic()
        if now_s - self._swept_s >= SWEEP_S:
            self._sweep(now_s)
        key = (tenant, user_id, cost)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(rate.burst, now_s)
        filled = bucket.level + (now_s - bucket.at_s) * rate.per_second
        level = min(rate.burst, filled)
        bucket.at_s = now_s
        if level < 1:
            bucket.level = level
            wait_s = math.ceil((1 - level) / rate.per_second)
            metrics.RATE_LIMITED.labels(cost.value).inc()
            raise Refused("rate_limited", retryAfter=max(1, wait_s))
        bucket.level = level - 1
        self._leases.spend((tenant, user_id), cost.value, rate)

    def _settled(self, person: tuple[str, str], cost: str, level: float) -> None:
        """So much is left by what was spent at all gateways."""
        bucket = self._buckets.get((*person, Cost(cost)))
        if bucket is not None and level < bucket.level:
            bucket.level, bucket.at_s = level, self._clock.monotonic()

    @contextmanager
    def one_at_once(self, tenant: str, user_id: str) -> Iterator[None]:
        """One HTTP request of a person: each may bring a whole body, and take its time.

        Raises:
            Refused: `rate_limited`, when too many are under way.
        """
        key = (tenant, user_id)
        if self._at_once[key] >= self._at_once_max:
            raise Refused("rate_limited", retryAfter=1)
        self._at_once[key] += 1
        try:
            yield
        finally:
            self._at_once[key] -= 1
            if not self._at_once[key]:
                del self._at_once[key]

    def _sweep(self, now_s: float) -> None:
        self._swept_s = now_s
        full = [
            key
            for key, bucket in self._buckets.items()
            if bucket.level + (now_s - bucket.at_s) * self._rates[key[2]].per_second
            >= self._rates[key[2]].burst
        ]
        for key in full:
            del self._buckets[key]
