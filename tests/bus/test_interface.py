"""What every bus must do, whatever carries it."""

from collections.abc import Callable, Sequence

import pytest

from chatd.bus.interface import Bus
from chatd.bus.local import LocalBus
from chatd.bus.redis.address import parse
from chatd.bus.redis.bus import RedisBus
from chatd.clock import SystemClock
from chatd.domain.announcements import Announcement, PersonalMoved

NEWS = (PersonalMoved("demo", "anna", 7),)

# Nobody listens on port 1: what must work here must work without Redis.
BUSES: dict[str, Callable[[], Bus]] = {
    "local": LocalBus,
    "redis": lambda: RedisBus(parse("redis://127.0.0.1:1"), b"secret", SystemClock()),
}


@pytest.fixture(params=BUSES)
async def bus(request: pytest.FixtureRequest) -> Bus:
    return BUSES[request.param]()


async def test_every_listener_hears_everything_in_order(bus: Bus) -> None:
    """An event would reach some of a gateway's clients and not others."""
    heard = []
    for name in ("first", "second"):

        def listen(news: Sequence[Announcement], name: str = name) -> None:
            heard.append((name, tuple(news)))

        bus.subscribe(listen)
    bus.publish(NEWS)
    assert heard == [("first", NEWS), ("second", NEWS)]


async def test_a_failing_listener_harms_nobody(
    bus: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    """One bug in a listener would cost an acknowledged send its event."""
    heard = []

    def fail(news: Sequence[Announcement]) -> None:
        raise LookupError("a bug")

    def listen(news: Sequence[Announcement]) -> None:
        heard.append(tuple(news))

    bus.subscribe(fail)
    bus.subscribe(listen)
    bus.publish(NEWS)
    assert heard == [NEWS]
    said = capsys.readouterr()
    assert "bus listener failed" in said.out + said.err


async def test_a_life_without_anybody_else(bus: Bus) -> None:
    """A gateway alone would not start, or not end."""
    doubts: list[str] = []
    heard: list[Announcement] = []
    bus.on_doubt(doubts.append)
    bus.subscribe(heard.extend)
    await bus.start()
    bus.follow("person", "demo", "anna")
    bus.follow("conversation", "demo", "c1")
    bus.publish(NEWS)
    bus.unfollow("conversation", "demo", "c1")
    bus.unfollow("person", "demo", "anna")
    await bus.stop()
    assert heard == list(NEWS)
    assert doubts == []
