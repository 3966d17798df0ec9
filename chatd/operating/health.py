"""Three questions of an orchestrator: does it live, has it started, may it have work.

Alive is about this process alone, because the answer "no" gets it killed: a database
that is down must not. Ready is about what it depends on, because "no" sends the work
elsewhere until the next "yes". Nothing here raises: a check that fails or hangs is a
check that says no.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatd import metrics
from chatd.clock import Clock
from chatd.telemetry import log

BEAT_S: Final = 0.1
"""How often the loop is measured; a beat costs some ten microseconds."""

LAG_MAX_S: Final = 1.0
"""A loop that runs its timers later than this answers nobody in time."""

CHECK_S: Final = 2.0
"""How long a check may take: as long as a send may wait for the database."""

KEPT_S: Final = 1.0
"""Reports are kept this long: whoever asks in a loop must not busy the disk."""

DISK_FREE_MIN: Final = 0.05
"""Of the volume; below it a database is about to fail in the middle of something."""

PROBED_S: Final = 30.0
"""Who has asked for readiness in this time is expected to ask again."""

SERVING: Final = "serving"
STORE: Final = "store"


class LoopWatch:
    """How late the event loop is, measured by a timer that ought to be punctual."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lag_s = 0.0
        self._due_s = clock.monotonic() + BEAT_S
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lag_s(self) -> float:
        """Seconds that the last beat was late, or that the next one is already."""
        return max(self._lag_s, self._clock.monotonic() - self._due_s, 0.0)

    def start(self) -> None:
        """Measure from now on; called on the loop."""
        self._due_s = self._clock.monotonic() + BEAT_S
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        self._lag_s = max(0.0, self._clock.monotonic() - self._due_s)
        metrics.EVENT_LOOP_LAG.observe(self._lag_s)
        self.start()


@dataclass(frozen=True, slots=True)
class Check:
    """Something that work depends on.

    One that is not `required` is reported and costs no readiness: without the bus
    everything still works, later by seconds.
    """

    name: str
    ask: Callable[[], Awaitable[bool]]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """What each check said, and whether that is enough to be sent work."""

    ready: bool
    checks: Mapping[str, bool]


class Health:
    """The state of one process."""

    def __init__(self, clock: Clock, checks: Sequence[Check]) -> None:
        self.loop = LoopWatch(clock)
        self.started = False
        self._clock = clock
        self._checks = tuple(checks)
        self._draining = False
        self._asking = asyncio.Lock()
        self._said: tuple[bool, ...] = ()
        self._asked_s: float | None = None
        self._probed_s: float | None = None

    @property
    def draining(self) -> bool:
        """Whether the process goes down."""
        return self._draining

    @property
    def alive(self) -> bool:
        """Whether the loop runs as it should; "no" asks to be killed."""
        return self.loop.lag_s < LAG_MAX_S

    async def drain(self, notice_s: float) -> None:
        """From now on no work is wanted: the very next answer says so.

        Returns when balancers had `notice_s` to hear it; at once if none asks, so that
        a server on somebody's desk ends when it is told to.
        """
        self._draining = True
        metrics.DRAIN_STATE.set(1)
        now_s = self._clock.monotonic()
        if self._probed_s is not None and now_s - self._probed_s < PROBED_S:
            await asyncio.sleep(notice_s)

    async def probe(self) -> Report:
        """`report`, for a balancer, who is given notice of the end."""
        self._probed_s = self._clock.monotonic()
        return await self.report()

    async def report(self) -> Report:
        """Whether work is wanted, check by check, at most `KEPT_S` old."""
        async with self._asking:
            now_s = self._clock.monotonic()
            if self._asked_s is None or now_s - self._asked_s >= KEPT_S:
                said = await asyncio.gather(*(map(_ask, self._checks)))
                self._said, self._asked_s = tuple(said), self._clock.monotonic()
        serving = self.started and not self._draining
        checks = {SERVING: serving}
        ready = serving
        for check, good in zip(self._checks, self._said, strict=True):
            checks[check.name] = good
            ready = ready and (good or not check.required)
        for name, good in checks.items():
            metrics.READY.labels(name).set(good)
        return Report(ready, checks)


async def _ask(check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_S):
            return await check.ask()
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is no
        log.warning("health check failed", check=check.name, why=type(error).__name__)
        return False


async def has_room(folder: Path) -> bool:
    """Whether the volume of a folder that exists has more than 5 % free."""
    found = await asyncio.to_thread(os.statvfs, folder)
    # What a process without root's reserve may use.
    return found.f_bavail > found.f_blocks * DISK_FREE_MIN
