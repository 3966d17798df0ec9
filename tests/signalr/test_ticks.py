"""The timer wheel and the flusher that all connections share."""

import asyncio
import gc
import weakref
from dataclasses import dataclass, field

from chatd.clock import SystemClock
from chatd.signalr.ticks import Flusher, Wheel
from tests.support.waiting import wait_until

TICK_S = 0.01


@dataclass(eq=False)
class Item:
    """Something on the wheel, which notes when it was called."""

    wheel: Wheel
    due_tick: int = -1
    calls: list[float] = field(default_factory=list)

    def on_timer(self, now_s: float) -> None:
        self.calls.append(now_s)


def wheel() -> Wheel:
    return Wheel(SystemClock(), TICK_S)


async def test_things_are_called_back_in_time() -> None:
    """Pings would come too early, or never."""
    clock = wheel()
    item, began_s = Item(clock), clock.now()
    clock.schedule(item, 0.05)
    await wait_until(lambda: item.calls)
    assert item.calls[0] - began_s >= 0.05
    clock.stop()


async def test_only_the_last_wish_counts() -> None:
    """A connection that pinged would be taken for silent."""
    clock = wheel()
    moved, forgotten, last = Item(clock), Item(clock), Item(clock)
    clock.schedule(moved, 0.01)
    clock.schedule(moved, 0.08)
    clock.schedule(forgotten, 0.01)
    clock.forget(forgotten)
    clock.schedule(last, 0.12)
    await wait_until(lambda: last.calls)
    assert len(moved.calls) == 1
    assert forgotten.calls == []
    clock.stop()


async def test_nothing_is_kept_of_what_is_gone() -> None:
    """In a storm of reconnects every socket of the last half minute would be kept."""
    clock = wheel()
    item = Item(clock)
    kept = weakref.ref(item)
    clock.schedule(item, 60)
    clock.schedule(item, 30)
    clock.forget(item)
    del item
    gc.collect()
    assert kept() is None
    clock.stop()


async def test_one_failure_costs_nobody_else_the_time() -> None:
    """After one bug no client would be pinged or timed out any more."""
    clock = wheel()
    bad, good = Item(clock), Item(clock)
    bad.calls = None  # type: ignore[assignment]  # any bug will do
    clock.schedule(bad, 0.02)
    clock.schedule(good, 0.02)
    await wait_until(lambda: good.calls)
    clock.stop()


async def test_earlier_never_means_later() -> None:
    """A short deadline would be lost behind a long one."""
    clock = wheel()
    item = Item(clock)
    clock.schedule(item, 0.02)
    clock.schedule_earlier(item, 60)
    await wait_until(lambda: item.calls)
    clock.stop()


async def test_a_stopped_wheel_calls_nobody() -> None:
    """Connections would be timed out while the server goes down."""
    clock, other = wheel(), wheel()
    item, mark = Item(clock), Item(other)
    clock.schedule(item, 0.01)
    clock.stop()
    other.schedule(mark, 0.05)
    await wait_until(lambda: mark.calls)
    assert item.calls == []
    other.stop()


async def test_one_flush_a_turn() -> None:
    """Ten messages would be ten writes."""
    flusher, flushed = Flusher(), []

    class Output:
        def flush(self) -> None:
            flushed.append(self)

    outputs = [Output(), Output()]
    for output in outputs:
        flusher.add(output)
    assert flushed == []
    await asyncio.sleep(0)
    assert flushed == outputs


async def test_one_failure_costs_nobody_else_the_flush() -> None:
    """What waits for others would wait for ever: they are flushed once and no more."""
    flusher, flushed = Flusher(), []

    class Bad:
        def flush(self) -> None:
            raise RuntimeError("a bug")

    class Good:
        def flush(self) -> None:
            flushed.append(self)

    good = Good()
    flusher.add(Bad())
    flusher.add(good)
    await asyncio.sleep(0)
    assert flushed == [good]
