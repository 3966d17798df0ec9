"""Time and turns, shared by every connection of a process.

One timer wheel instead of a timer per connection, and one flush per turn of the event
loop instead of a write per message. Both hold plain objects and call them back; neither
knows what a connection is. A task, coroutine or timer of its own would cost each idle
connection several kilobytes.
"""

import asyncio
from typing import Final, Protocol

from chatd.clock import Clock
from chatd.telemetry import log

TICK_S: Final = 0.25
"""How coarse timeouts are. All of them are counted in seconds, so a quarter is fine."""


class Timed(Protocol):
    """Something that wants to be called back; it is on the wheel once at most."""

    due_tick: int
    """The wheel's own mark; -1 while not on the wheel."""

    def on_timer(self, now_s: float) -> None:
        """The time has come; `now_s` is the monotonic clock's. May schedule itself."""


class Wheel:
    """Calls things back after a number of seconds, a tick late at most.

    Scheduling something again moves it. What is moved or forgotten leaves its slot at
    once: in a storm of connections, those of half a minute would be kept otherwise.
    """

    def __init__(self, clock: Clock, tick_s: float = TICK_S) -> None:
        self._clock = clock
        self._tick_s = tick_s
        self._slots: dict[int, dict[Timed, None]] = {}
        self._done = self._tick_of(clock.monotonic())
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic()

    def schedule(self, item: Timed, delay_s: float) -> None:
        """Call `item.on_timer` in `delay_s` seconds, instead of any earlier wish."""
        tick = max(self._tick_of(self.now() + delay_s), self._done) + 1
        if tick == item.due_tick:
            return
        self.forget(item)
        item.due_tick = tick
        self._slots.setdefault(tick, {})[item] = None
        if self._timer is None:
            self._start_timer()

    def schedule_earlier(self, item: Timed, delay_s: float) -> None:
        """As `schedule`, but never later than already planned."""
        tick = max(self._tick_of(self.now() + delay_s), self._done) + 1
        if item.due_tick < 0 or tick < item.due_tick:
            self.schedule(item, delay_s)

    def forget(self, item: Timed) -> None:
        """Never mind."""
        if (slot := self._slots.get(item.due_tick)) is not None:
            slot.pop(item, None)
        item.due_tick = -1

    def stop(self) -> None:
        """Call nobody back any more."""
        self._slots.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @staticmethod
    def _call(item: Timed, now_s: float) -> None:
        try:
            item.on_timer(now_s)
        except Exception:  # noqa: BLE001 - nobody else's time must be lost by it
            log.exception("timer failed")

    def _tick_of(self, at_s: float) -> int:
        return int(at_s / self._tick_s)

    def _start_timer(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._tick_s, self._turn)

    def _turn(self) -> None:
        now_s = self.now()
        self._timer = None
        current = self._tick_of(now_s)
        # After a pause (a suspended machine) most ticks in between hold nothing.
        due = sorted(tick for tick in self._slots if tick <= current)
        self._done = current
        for tick in due:
            for item in self._slots.pop(tick):
                # Another one's turn may have moved it.
                if item.due_tick == tick:
                    item.due_tick = -1
                    self._call(item, now_s)
        if self._slots and self._timer is None:
            self._start_timer()


class Flushable(Protocol):
    """Something that collects output."""

    def flush(self) -> None:
        """Write what was collected."""


class Flusher:
    """Flushes whatever collected output, once per turn of the event loop.

    Ten messages for one connection in one turn become one write, which is most of the
    cost of a delivery (the kernel's part of `send` is ten times Python's).
    """

    def __init__(self) -> None:
        self._waiting: list[Flushable] = []

    def add(self, item: Flushable) -> None:
        """Flush `item` before the next turn. Call once per item and turn."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(item)

    def _flush(self) -> None:
        # A flush may make others wait again (a closing connection tells somebody):
        # they go into the new list and have their own turn.
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            try:
                item.flush()
            except Exception:  # noqa: BLE001 - what waits for others must leave
                log.exception("flush failed")
