"""Who is connected, as told to those who may watch them."""

from collections.abc import Collection, Mapping

import pytest

from chatd.bus.leases import Alone, Key
from chatd.bus.local import LocalBus
from chatd.domain.announcements import Announcement, PresenceMoved
from chatd.hub.online import GRACE_S, Online
from tests.hub.listeners import TENANT, Ear, Stage
from tests.hub.peers import House
from tests.support.house import HandClock
from tests.support.waiting import wait_until

ANNA, BEN = (TENANT, "anna"), (TENANT, "ben")


class Elsewhere(Alone):
    """What other gateways have; a person that is not listed is not known."""

    def __init__(self) -> None:
        self.counts: dict[Key, int] = {ANNA: 0, BEN: 0}

    async def elsewhere(self, people: Collection[Key]) -> Mapping[Key, int]:
        return {one: self.counts[one] for one in people if one in self.counts}


@pytest.fixture
def bus() -> LocalBus:
    made = LocalBus()
    made.leases = Elsewhere()
    return made


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def online(stage: Stage, bus: LocalBus, clock: HandClock) -> Online:
    made = Online(stage.rooms, bus, clock)

    def listen(news: object) -> None:
        assert isinstance(news, list)
        for one in news:
            assert isinstance(one, PresenceMoved)
            made.take(one)

    bus.subscribe(listen)
    return made


def counts(bus: LocalBus) -> dict[Key, int]:
    assert isinstance(bus.leases, Elsewhere)
    return bus.leases.counts


async def told(ear: Ear, *states: tuple[str, bool]) -> None:
    await wait_until(lambda: len(ear.events) >= len(states))
    assert [(one["userId"], one["online"]) for one in ear.events] == list(states)


async def test_coming_and_going(stage: Stage, online: Online, clock: HandClock) -> None:
    """A list of people would show who was there, not who is."""
    watcher = stage.ear("carl")
    assert await online.watch(watcher.connection, [ANNA, BEN]) == {
        ANNA: False,
        BEN: False,
    }
    anna = stage.seat("anna", 3)
    online.came(ANNA)
    await told(watcher, ("anna", True))
    assert await online.watch(watcher.connection, [ANNA]) == {ANNA: True}
    stage.rooms.remove(ANNA, anna.connection)
    online.went(ANNA)
    await online._tell_goings()
    await told(watcher, ("anna", True))
    clock.at_ms += int(GRACE_S * 1000)
    await online._tell_goings()
    await told(watcher, ("anna", True), ("anna", False))


async def test_a_page_loaded_again(
    stage: Stage, online: Online, clock: HandClock
) -> None:
    """Each click on a link would make a person blink in everybody's list."""
    watcher = stage.ear("carl")
    first = stage.seat("anna", 3)
    online.came(ANNA)
    await online.watch(watcher.connection, [ANNA])
    stage.rooms.remove(ANNA, first.connection)
    online.went(ANNA)
    stage.seat("anna", 3)
    online.came(ANNA)
    clock.at_ms += int(GRACE_S * 1000)
    await online._tell_goings()
    await stage.quiet()
    assert watcher.events == []


async def test_who_comes_back_while_others_are_asked(
    stage: Stage, online: Online, bus: LocalBus, clock: HandClock
) -> None:
    """Other gateways would show as gone who came back in that very moment."""
    said: list[Announcement] = []
    bus.subscribe(said.extend)
    asking = bus.leases.elsewhere

    async def meanwhile(people: Collection[Key]) -> Mapping[Key, int]:
        stage.seat("anna", 3)
        online.came(ANNA)
        return await asking(people)

    bus.leases.elsewhere = meanwhile  # type: ignore[method-assign]
    online.went(ANNA)
    clock.at_ms += int(GRACE_S * 1000)
    await online._tell_goings()
    assert said == [PresenceMoved(*ANNA, online=True)]


async def test_gone_here_and_still_there(
    stage: Stage, online: Online, bus: LocalBus, clock: HandClock
) -> None:
    """Who closes one of two windows at two gateways would seem to be gone."""
    watcher = stage.ear("carl")
    counts(bus)[ANNA] = 1
    assert await online.watch(watcher.connection, [ANNA]) == {ANNA: True}
    online.went(ANNA)
    clock.at_ms += int(GRACE_S * 1000)
    await online._tell_goings()
    # The other gateway is wrong about who is here.
    stage.seat("anna", 3)
    online.take(PresenceMoved(*ANNA, online=False))
    await stage.quiet()
    assert watcher.events == []


async def test_a_gateway_that_was_killed(
    stage: Stage, online: Online, bus: LocalBus
) -> None:
    """Its people would seem to be there until each watcher loads the page again."""
    watcher = stage.ear("carl")
    counts(bus)[ANNA] = 1
    await online.watch(watcher.connection, [ANNA])
    counts(bus)[ANNA] = 0
    await online._ask_again()
    await told(watcher, ("anna", False))
    # When nobody can say, nothing is said.
    del counts(bus)[ANNA]
    await online._ask_again()
    counts(bus)[ANNA] = 2
    await online._ask_again()
    await told(watcher, ("anna", False), ("anna", True))


async def test_nothing_is_left_of_a_watcher(stage: Stage, online: Online) -> None:
    """A server that runs for a term would remember everybody who ever watched."""
    first, second = stage.ear("carl"), stage.ear("dora")
    await online.watch(first.connection, [ANNA, BEN])
    await online.watch(second.connection, [BEN])
    online.forget(first.connection)
    online.forget(first.connection)
    online.take(PresenceMoved(*ANNA, online=True))
    online.take(PresenceMoved(*BEN, online=True))
    await told(second, ("ben", True))
    assert first.events == []
    online.forget(second.connection)
    assert online._watched == {}


async def test_watching_over_the_wire(school: House) -> None:
    """`WatchPresence` would not work, or let strangers be followed around."""
    await school.group("physics", "anna", "ben")
    ben = await school.join("ben")
    watched = await ben.call("WatchPresence", userIds=["anna", "carl", "ben", "nobody"])
    assert watched == {"people": [{"userId": "anna", "online": False}]}
    carl = await school.join("carl")
    anna = await school.join("anna")
    changed = await ben.event("presence.changed")
    assert (changed["userId"], changed["online"]) == ("anna", True)
    assert "seq" not in changed
    assert (await carl.call("WatchPresence", userIds=["anna"])) == {"people": []}
    await anna.leave()
    gone = await ben.event("presence.changed", 2)
    assert (gone["userId"], gone["online"]) == ("anna", False)
    await ben.call("WatchPresence", userIds=[])
    await school.join("anna")
    assert len(ben.events("presence.changed")) == 2
    too_many = {"userIds": [f"p{number}" for number in range(51)]}
    assert (await ben.refusal("WatchPresence", too_many)).code == "invalid_request"
