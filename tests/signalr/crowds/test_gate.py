"""How many are let in at a time, in which order, and when the rest may come again."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from chatd.signalr.crowds import gate
from chatd.signalr.crowds.gate import RETRY_S_MAX, Crowded, Gate
from chatd.signalr.ticks import Wheel
from tests.signalr.connections.parts import HandClock
from tests.signalr.raw import call, dial, dial_socket, upgrade
from tests.signalr.sample import sample_server
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Visitors keep their places however long the test takes."""
    monkeypatch.setattr(gate, "SLOW_S", 3600.0)


class Visitors:
    """People who come to a gate, each staying until he is told to go."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self.clock = HandClock()
        self.gate = Gate(Wheel(self.clock), at_once, waiting)
        self.inside: list[str] = []
        self._may_go = asyncio.Semaphore(0)
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, name: str, address: str = "", *, begun: bool = False) -> None:
        door = self.gate
        step = door.go_on(owed=False) if begun else door.begin(address)
        task = asyncio.ensure_future(self._visit(name, step))
        self.tasks.append(task)
        await asyncio.sleep(0)

    async def _visit(self, name: str, step: object) -> None:
        async with step:  # type: ignore[attr-defined]
            self.inside.append(name)
            await self._may_go.acquire()

    async def one_goes(self) -> None:
        self._may_go.release()
        for _ in range(5):
            await asyncio.sleep(0)

    def end(self) -> None:
        for task in self.tasks:
            task.cancel()


async def test_a_few_at_a_time_and_what_was_begun_first() -> None:
    """A storm would start everything and finish nothing."""
    visitors = Visitors(at_once=2, waiting=10)
    for name in "abcd":
        await visitors.come(name)
    await visitors.come("begun", begun=True)
    assert visitors.inside == ["a", "b"]
    assert visitors.gate.waiting == 3
    for _ in range(3):
        await visitors.one_goes()
    assert visitors.inside == ["a", "b", "begun", "c", "d"]
    visitors.end()


async def test_somebody_who_left_the_line_does_not_hold_it_up() -> None:
    """Each client that gave up would take a place for ever."""
    visitors = Visitors(at_once=1, waiting=10)
    for name in "abc":
        await visitors.come(name)
    visitors.tasks[1].cancel()
    await visitors.one_goes()
    assert visitors.inside == ["a", "c"]
    visitors.tasks[2].cancel()
    await asyncio.sleep(0)
    await visitors.come("d")
    assert visitors.inside == ["a", "c", "d"]
    visitors.end()


async def test_who_waits_for_somebody_else_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One school's dead sign-in would lock all the other schools out."""
    visitors = Visitors(at_once=1, waiting=10)
    # Of the first one alone: those behind him keep their places.
    monkeypatch.setattr(gate, "SLOW_S", 0.05)
    await visitors.come("a")
    monkeypatch.setattr(gate, "SLOW_S", 3600.0)
    await visitors.come("b")
    await wait_until(lambda: visitors.inside == ["a", "b"])
    # Its place was given on once already: its end makes no room.
    await visitors.one_goes()
    await visitors.come("c")
    assert visitors.inside == ["a", "b"]
    await visitors.one_goes()
    assert visitors.inside == ["a", "b", "c"]
    visitors.end()


async def refused_s(coming: Callable[[], Awaitable[None]], visitors: Visitors) -> int:
    await coming()
    with pytest.raises(Crowded) as refusal:
        await visitors.tasks[-1]
    return refusal.value.retry_after_s


async def test_the_rest_is_told_when_to_come_again() -> None:
    """All who were refused would come again at one moment."""
    visitors = Visitors(at_once=1, waiting=20)
    for number in range(21):
        await visitors.come(str(number), f"192.0.2.{number}")
    waits = [
        await refused_s(lambda: visitors.come("late"), visitors) for _ in range(5_000)
    ]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1, 11)
    # Evenly: as many each second as are let in each second.
    assert waits.count(3) == waits.count(7) == 500
    more = [
        await refused_s(lambda: visitors.come("later"), visitors) for _ in range(20_000)
    ]
    assert max(more) <= RETRY_S_MAX
    visitors.end()


async def test_the_pace_is_measured() -> None:
    """A slow machine would have everybody come again too early, again and again."""
    visitors = Visitors(at_once=1, waiting=399)
    for number in range(300):
        await visitors.come(str(number), f"192.0.{number}.1")
    for _ in range(200):
        visitors.clock.now_s += 0.1
        await visitors.one_goes()
    for number in range(300):
        await visitors.come(str(number), f"192.1.{number}.1")
    # 399 openings of three steps in line, at ten steps a second.
    assert await refused_s(lambda: visitors.come("late"), visitors) > 20
    visitors.end()


async def test_a_flood_of_arrivals_does_not_say_how_fast_we_are() -> None:
    """The server would be idle for most of the time that it tells everybody to wait."""
    visitors = Visitors(at_once=1, waiting=399)
    for number in range(400):
        await visitors.come(str(number), f"192.0.{number}.1")
    visitors.clock.now_s += 1
    await visitors.one_goes()
    await visitors.come("in the place that became free", "192.2.0.1")
    # 399 openings of three steps in line, at the pace that was assumed.
    assert await refused_s(lambda: visitors.come("late"), visitors) == 1
    visitors.end()


async def test_one_address_is_not_the_whole_line() -> None:
    """Somebody without any right to be here could keep everybody else out."""
    visitors = Visitors(at_once=1, waiting=10)
    for _ in range(6):
        await visitors.come("many", "192.0.2.1")
    assert await refused_s(lambda: visitors.come("x", "192.0.2.1"), visitors) >= 1
    await visitors.come("another", "192.0.2.2")
    assert visitors.gate.waiting == 6
    visitors.end()


async def test_a_crowded_server_says_so_and_goes_on() -> None:
    """Clients would hang in a storm instead of coming again a little later."""
    async with sample_server(waiting=2, at_once=1) as sample:
        inside = await dial_socket(sample)
        sample.hub.slow_door = asyncio.Event()
        crowd = [await dial(sample) for _ in range(4)]
        for raw in crowd:
            raw.send(upgrade())
        answers = asyncio.gather(*(raw.until(b"\r\n\r\n") for raw in crowd))
        await wait_until(lambda: sample.hub.openings.count("service_unavailable") == 2)
        # Whoever is in already is served all the while.
        inside.send(call(1, "Echo", "alive"))
        await inside.until(b"alive")
        inside.send(call(2, "CatchUp"))
        sample.ask(sample.hub.slow_door.set)
        heads = await answers
        refused = [head for head in heads if b" 503 " in head]
        assert len(refused) == 2
        assert all(b"Retry-After: 1\r\n" in head for head in refused)
        assert sum(b" 101 " in head for head in heads) == 2
        await inside.until(b'"caught up"')
