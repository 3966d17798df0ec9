"""Whole gateways in a simulated process each, and the bus between them.

A gateway is the production `Installation` on another foundation: virtual time, a shared
database in memory, and a bus that loses, doubles, delays and reorders.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from chatd.app import HUB_PATH, Foundation, Installation
from chatd.bus.interface import Doubt, Kind, Listener
from chatd.bus.local import LocalBus
from chatd.config import Config
from chatd.domain.announcements import (
    Announcement,
    Hinted,
    Logged,
    PersonalMoved,
    SessionsEnded,
)
from chatd.store.engine.interface import Store
from chatd_client.signalr import Address, CannotConnect
from tests.simulation.disk import Disk, SimulatedStore
from tests.simulation.loop import Process, SimulatedLoop
from tests.simulation.network import Link, admitted
from tests.support.house import START_MS
from tests.support.tokens import SECRET

LIMITS: Final = {
    "sends_per_second": 10_000,
    "sends_burst": 10_000,
    "reads_per_second": 10_000,
    "reads_burst": 10_000,
    "outbound_queue_seconds": 2,
}
CONFIG: Final = Config(
    data_dir=Path("nowhere"),
    secret=SECRET,
    deployment_secret=SECRET,
    limit=LIMITS,
    drain_notice=1,
    grace=4,
)


class SimulatedClock:
    """The loop's time, and a wall clock that may be wrong by so much."""

    def __init__(self, loop: SimulatedLoop, wrong_by_ms: int = 0) -> None:
        self._loop = loop
        self._wrong_by_ms = wrong_by_ms

    def now_ms(self) -> int:
        return START_MS + self._wrong_by_ms + int(self._loop.time() * 1000)

    def monotonic(self) -> float:
        return self._loop.time()


class Weather:
    """How hints fare between gateways."""

    def __init__(self, draw: random.Random) -> None:
        self.down = False
        self.lost = 0.0
        self.doubled = 0.0
        self.late_s = 0.02
        self._draw = draw

    def subscribing_s(self) -> float:
        """How long it takes until something more is heard."""
        return self._draw.random() * 0.05

    def arrivals(self) -> list[float]:
        """After how many seconds each copy of a batch arrives."""
        if self.down or self._draw.random() < self.lost:
            return []
        copies = 2 if self._draw.random() < self.doubled else 1
        return [self._draw.random() * self.late_s for _ in range(copies)]


class SimulatedBus:
    """One gateway's end: local delivery first, and from others what is followed."""

    def __init__(
        self, process: Process, others: Callable[[], list["Gateway"]], weather: Weather
    ) -> None:
        self._process = process
        self._others = others
        self._weather = weather
        self._here = LocalBus()
        self.leases = self._here.leases
        self._followed: dict[tuple[Kind, str, str], None] = {}
        self._doubts: list[Doubt] = []

    def subscribe(self, listener: Listener) -> None:
        self._here.subscribe(listener)

    def publish(self, announcements: Sequence[Announcement]) -> None:
        self._here.publish(announcements)
        for gateway in self._others():
            for delay_s in self._weather.arrivals():
                gateway.process.later(delay_s, gateway.bus.arrive, announcements)

    def arrive(self, announcements: Sequence[Announcement]) -> None:
        """Another gateway's hints."""
        wanted = [one for one in announcements if self._wants(one)]
        if wanted:
            self._here.publish(wanted)

    def _wants(self, announcement: Announcement) -> bool:
        match announcement:
            case Logged(tenant, id_) | Hinted(tenant, id_):
                return ("conversation", tenant, id_) in self._followed
            case PersonalMoved(tenant, id_) | SessionsEnded(tenant, id_):
                return ("person", tenant, id_) in self._followed
            case _:
                return True

    def follow(self, kind: Kind, tenant: str, id_: str) -> None:
        delay_s = self._weather.subscribing_s()
        self._process.later(delay_s, self._subscribed, (kind, tenant, id_))

    def _subscribed(self, key: tuple[Kind, str, str]) -> None:
        self._followed[key] = None
        self.doubt("subscribed")

    def unfollow(self, kind: Kind, tenant: str, id_: str) -> None:
        self._followed.pop((kind, tenant, id_), None)

    def on_doubt(self, doubt: Doubt) -> None:
        self._doubts.append(doubt)

    def doubt(self, why: str) -> None:
        """Hints may have been lost."""
        for one in self._doubts:
            one(why)

    async def start(self) -> None:
        """Nothing goes on by itself."""

    async def stop(self) -> None:
        """Nothing has to be ended."""


class Gateway:
    """One `chatd serve`."""

    def __init__(
        self,
        loop: SimulatedLoop,
        name: str,
        foundation: Callable[["Gateway"], tuple[Foundation, Store]],
    ) -> None:
        self.process = Process(loop, name)
        self.bus: SimulatedBus
        self.installation: Installation = self.process.context.run(
            Installation, CONFIG, *foundation(self)
        )
        self.hub = self.installation.signalr._hubs[HUB_PATH]
        self.process.task(self.installation.start())

    @property
    def accepts(self) -> bool:
        """Whether a balancer would send somebody here: a paused one still listens."""
        return self.process.alive and not self.installation.health.draining

    async def admit(
        self, link: Link, address: Address, told: asyncio.Future[Exception | None]
    ) -> None:
        """Answer who knocks."""
        error: Exception | None = None
        try:
            await admitted(self, link, address)
        except CannotConnect as refusal:
            error = refusal
        if not told.done():
            told.set_result(error)

    async def drain(self, gone: Callable[["Gateway"], None]) -> None:
        """What SIGTERM does; the process and its sockets are `gone` afterwards."""
        await self.installation.drain()
        await self.installation.stop()
        self.process.kill()
        gone(self)


def foundation(
    loop: SimulatedLoop, disk: Disk, bus: SimulatedBus, wrong_by_ms: int
) -> tuple[Foundation, Store]:
    """What a simulated installation stands on."""
    clock = SimulatedClock(loop, wrong_by_ms)
    store = SimulatedStore(disk, bus.publish, clock)
    return Foundation(clock=clock, bus=bus), store
