"""A gateway that is cut off from the database alone sends its clients elsewhere.

That others still reach it is known without asking them: they announce what was
committed, and their announcements come over the bus. Where the database is down for
everybody nothing is announced, and nobody is sent from one bad place to another.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from chatd.clock import Clock
from chatd.domain.announcements import Announcement, Logged
from chatd.operating.health import STORE, Health
from chatd.telemetry import log, spawn

CHECK_S: Final = 2.0
"""Between questions whether the store answers; as often as the heads are compared."""

PATIENCE_S: Final = 8.0
"""A database that restarts or changes its primary is back within this; a move of all
clients would cost more than the wait (fault row 11)."""


class Isolation:
    """The watch of one process that has siblings."""

    def __init__(
        self,
        clock: Clock,
        health: Health,
        send_away: Callable[[], Awaitable[None]],
    ) -> None:
        """`send_away` closes all connections, with `allowReconnect`."""
        self._clock = clock
        self._health = health
        self._send_away = send_away
        self._blind_s: float | None = None
        self._heard_s = -PATIENCE_S
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Watch from now on."""
        spawn(self._tasks, self._watch(), "isolation")

    async def stop(self) -> None:
        """Watch no more."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def listen(self, announcements: Sequence[Announcement]) -> None:
        """Take what the bus brings. Never waits."""
        if self._blind_s is not None and any(
            isinstance(one, Logged) for one in announcements
        ):
            self._heard_s = self._clock.monotonic()

    async def _watch(self) -> None:
        while True:
            await self.check()
            await asyncio.sleep(CHECK_S)

    async def check(self) -> None:
        """Ask once; send everybody away if it is we who are cut off, and for long."""
        asked_s = self._clock.monotonic()
        if (await self._health.report()).checks[STORE]:
            self._blind_s = None
            return
        if self._blind_s is None:
            self._blind_s = asked_s
        # What was heard early may have been committed before the cut, by ourselves too.
        if self._heard_s - self._blind_s >= PATIENCE_S:
            log.error("cut off from the database; clients are sent elsewhere")
            self._blind_s = None
            await self._send_away()
