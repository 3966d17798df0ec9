"""Everybody comes at once, and is let in one after the other.

After a restart all clients open a connection at the same moment. Each opening has a few
steps that cost (credentials, the connect hook, the first call that catches up), and if
all were begun together, all would end late, together with the work of those who are in
already. So a few are under way at a time, some wait in line, and the rest is told when
to come again: each a little later than the one before, at the pace that is measured.
"""

import asyncio
import math
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from chatd.signalr.crowds.addresses import subscriber
from chatd.signalr.hub import HubException
from chatd.signalr.ticks import Wheel

AT_ONCE: Final = 32
"""Steps under way. More would only wait for the store's threads, and so would sends."""

WAITING: Final = 4_000
"""In line; at some 500 openings a second it moves up within seconds."""

SHARE: Final = 2
"""One address has at most this part of the line: strangers cannot fill it alone."""

STEPS: Final = 3
"""Of one opening: credentials, the connect hook, catching up."""

STEPS_PER_S: Final = 1_500.0
"""Until it is measured; `./dev bench storm` sees 2.1 ms of processor time an opening.
Too many who come too early wait in line, too few leave the server idle."""

SLOW_S: Final = 0.25
"""A step that takes longer waits for somebody else (an issuer's keys, say) and costs
nothing meanwhile: its place is given on, or a few of them would lock everybody out."""

MEASURE_S: Final = 0.5
RETRY_S_MAX: Final = 30


class Crowded(HubException):
    """Too many are waiting: come again in `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"The server is busy. Try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


class _Place:
    """What a step has, and gives on once."""

    __slots__ = ("_next",)

    def __init__(self, next_: Callable[[], None]) -> None:
        self._next: Callable[[], None] | None = next_

    def give_on(self) -> None:
        next_, self._next = self._next, None
        if next_ is not None:
            next_()


class Gate:
    """One for all hubs of a process."""

    def __init__(
        self, wheel: Wheel, at_once: int = AT_ONCE, waiting: int = WAITING
    ) -> None:
        self._wheel = wheel
        self._free = at_once
        self._waiting_max = waiting
        # What was begun goes first: half an opening has cost and is worth nothing.
        self._begun: deque[asyncio.Future[None]] = deque()
        self._newcomers: deque[asyncio.Future[None]] = deque()
        self._of: Counter[str] = Counter()
        self._per_s = STEPS_PER_S
        self._steps = 0
        self._arrived = 0
        self._since_s = 0.0
        self._next_s = 0.0

    @property
    def waiting(self) -> int:
        """How many are in line."""
        return len(self._begun) + len(self._newcomers)

    @asynccontextmanager
    async def begin(self, address: str) -> AsyncIterator[None]:
        """The first step of an opening, when it is its turn.

        Raises:
            Crowded: the line is too long, or too much of it is this address's.
        """
        self._arrived += 1
        who = subscriber(address)
        full = len(self._newcomers) >= self._waiting_max
        if full or (who and self._of[who] >= self._waiting_max // SHARE):
            raise Crowded(self._come_again_s())
        self._of[who] += 1
        try:
            await self._wait(self._newcomers)
        finally:
            self._of[who] -= 1
            if not self._of[who]:
                del self._of[who]
        with self._step():
            yield

    @asynccontextmanager
    async def go_on(self, *, owed: bool = True) -> AsyncIterator[None]:
        """A later step, when it is its turn. Who is `owed` it is never refused.

        Raises:
            Crowded: the line is too long.
        """
        if not owed and len(self._begun) >= self._waiting_max:
            raise Crowded(self._come_again_s())
        await self._wait(self._begun)
        with self._step():
            yield

    async def _wait(self, line: deque[asyncio.Future[None]]) -> None:
        if self._free > 0:
            self._free -= 1
            return
        if not self.waiting:
            self._begin_measuring()
        place = asyncio.get_running_loop().create_future()
        line.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._next()
            raise

    @contextmanager
    def _step(self) -> Iterator[None]:
        place = _Place(self._next)
        slow = asyncio.get_running_loop().call_later(SLOW_S, place.give_on)
        try:
            yield
        finally:
            slow.cancel()
            place.give_on()

    def _next(self) -> None:
        self._measure()
        while line := self._begun or self._newcomers:
            place = line.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1

    def _measure(self) -> None:
        """Only a line says how fast we are: without one, that is up to the clients.

        Nor does a time in which more came than went on: it was spent on reading their
        requests (ten thousand take a second), and everybody refused just then would be
        told to come at a third of the pace that we can keep.
        """
        if not self.waiting:
            return
        self._steps += 1
        spent_s = self._wheel.now() - self._since_s
        if spent_s >= MEASURE_S:
            if self._arrived <= self._steps:
                self._per_s = (self._per_s + self._steps / spent_s) / 2
            self._begin_measuring()

    def _begin_measuring(self) -> None:
        self._steps = self._arrived = 0
        self._since_s = self._wheel.now()

    def _come_again_s(self) -> int:
        """Whole seconds until there is room, if everybody comes when he was told to."""
        now_s = self._wheel.now()
        line_s = now_s + (len(self._begun) + STEPS * len(self._newcomers)) / self._per_s
        self._next_s = max(self._next_s, line_s) + STEPS / self._per_s
        if self._next_s - now_s > RETRY_S_MAX:
            # From the front again, rather than all of them at the very end.
            self._next_s = min(line_s, now_s + RETRY_S_MAX)
        return max(1, math.ceil(self._next_s - now_s))
