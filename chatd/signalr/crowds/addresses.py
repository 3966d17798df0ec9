"""How much one network address may ask for, whoever stands behind it.

A school is often one address, and so is a whole process behind a proxy that is not
trusted: the bounds keep one machine from taking everything, and no class from working.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

from chatd.signalr.requests import HubLimits
from chatd.signalr.ticks import Wheel

SUBSCRIBER_BITS: Final = 64
"""One IPv6 subscriber has at least a /64 to himself (RFC 6177, 2)."""

UNKNOWN_PER_S: Final = 20.0
UNKNOWN_BURST: Final = 200.0
"""Requests with ids that mean nothing. After a restart everybody has one such id and
negotiates anew; one shipped client polls its dead id 500 times a second instead."""

UNKNOWN_WAIT_S_MAX: Final = 5.0
"""Until then the answer is merely late, which slows a client that asks in a loop. It
bounds how many requests of an address wait, too: 20 a second, 100 in all."""

SWEEP_S: Final = 60.0


@dataclass(slots=True)
class _Bucket:
    level: float
    at_s: float


@lru_cache(maxsize=4096)
def subscriber(address: str) -> str:
    """Who counts as one: an IPv4 address, or an IPv6 network of `SUBSCRIBER_BITS`."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, SUBSCRIBER_BITS), strict=False))


class Addresses:
    """The addresses that one hub's clients come from. An empty one is not counted."""

    def __init__(self, wheel: Wheel, limits: HubLimits) -> None:
        self._wheel = wheel
        self._limits = limits
        self._opening: Counter[str] = Counter()
        self._open: Counter[str] = Counter()
        self._unknown: dict[str, _Bucket] = {}
        self._swept_s = wheel.now()

    def has_room(self, address: str) -> bool:
        """Whether one more connection may be opened from there."""
        who, limits = subscriber(address), self._limits
        return (
            self._opening[who] < limits.openings_per_address
            and self._open[who] < limits.connections_per_address
        )

    def opened(self, address: str) -> None:
        """A connection has its id."""
        _count(self._opening, address, 1)
        _count(self._open, address, 1)

    def settled(self, address: str) -> None:
        """Its handshake is done, or will never be."""
        _count(self._opening, address, -1)

    def released(self, address: str) -> None:
        """It is gone."""
        _count(self._open, address, -1)

    def unknown(self, address: str) -> float | None:
        """A request names what is not there: in how many seconds to say so.

        None: there are too many of them, and this one is turned down at once.
        """
        if not address:
            return 0.0
        now_s, who = self._wheel.now(), subscriber(address)
        if now_s - self._swept_s >= SWEEP_S:
            self._sweep(now_s)
        bucket = self._unknown.setdefault(who, _Bucket(UNKNOWN_BURST, now_s))
        level = bucket.level + (now_s - bucket.at_s) * UNKNOWN_PER_S
        bucket.level, bucket.at_s = min(UNKNOWN_BURST, level), now_s
        wait_s = max(0.0, (1 - bucket.level) / UNKNOWN_PER_S)
        if wait_s > UNKNOWN_WAIT_S_MAX:
            return None
        bucket.level -= 1
        return wait_s

    def _sweep(self, now_s: float) -> None:
        self._swept_s = now_s
        full = [
            who
            for who, bucket in self._unknown.items()
            if bucket.level + (now_s - bucket.at_s) * UNKNOWN_PER_S >= UNKNOWN_BURST
        ]
        for who in full:
            del self._unknown[who]


def _count(counter: Counter[str], address: str, change: int) -> None:
    if not address:
        return
    who = subscriber(address)
    counter[who] += change
    if not counter[who]:
        del counter[who]
