"""Coming and going: one reading of the memberships for all devices of a person."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from chatd.bus.leases import Alone, Key
from chatd.bus.local import LocalBus
from chatd.errors import Refused
from chatd.hub.online import Online
from chatd.hub.personal import PersonalEvents
from chatd.hub.presences import Presences
from chatd_protocol.chat.events import PersonalEvent
from tests.hub.listeners import ROOM, Ear, Stage, said, unavailable
from tests.support.waiting import wait_until

CONNECTIONS_MAX = 3


@dataclass
class Memberships:
    """Everybody is in the one conversation, whose head this is."""

    head: int = 3
    reads: int = 0
    failures: list[Exception] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(
        self, tenant: str, user_id: str
    ) -> tuple[int, Sequence[tuple[str, int, int]]]:
        self.reads += 1
        found = (0, ((ROOM[1], 1, self.head),))
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return found


class Others(Alone):
    """What other gateways say."""

    def __init__(self) -> None:
        self.held: dict[Key, int] = {}
        self.theirs: dict[Key, int] = {}

    def hold(self, person: Key, connections: int) -> None:
        self.held[person] = connections

    async def elsewhere(self, people: Collection[Key]) -> Mapping[Key, int]:
        return {one: self.theirs[one] for one in people if one in self.theirs}


@pytest.fixture
def leases() -> Others:
    return Others()


@pytest.fixture
def memberships() -> Memberships:
    made = Memberships()
    made.gate.set()
    return made


@pytest.fixture
async def presences(
    stage: Stage, memberships: Memberships, leases: Others
) -> AsyncIterator[Presences]:
    async def nothing(*_of: object) -> Sequence[PersonalEvent]:
        return []

    personal = PersonalEvents(stage.rooms, stage.fanout, nothing)
    made = Presences(
        stage.rooms,
        stage.fanout,
        personal,
        memberships.read,
        leases,
        Online(stage.rooms, LocalBus(), stage.clock),
        connections_max=CONNECTIONS_MAX,
    )
    yield made
    await made.stop()
    await personal.stop()


async def arrive(presences: Presences, *ears: Ear) -> None:
    await asyncio.gather(*(presences.arrive(one.key, one.connection) for one in ears))


async def test_all_who_come_together_share_one_reading(
    stage: Stage, presences: Presences, memberships: Memberships
) -> None:
    """After a restart each person's memberships would be read once per window."""
    memberships.gate.clear()
    ears = [stage.ear("anna") for _ in range(CONNECTIONS_MAX)]
    coming = asyncio.gather(arrive(presences, *ears))
    await wait_until(lambda: memberships.reads)
    stage.tell(said(4))
    memberships.gate.set()
    await coming
    stage.tell(said(5))
    for ear in ears:
        await stage.heard(ear, 4, 5)
    assert memberships.reads == 1


async def test_one_more_later_needs_no_reading(
    stage: Stage, presences: Presences, memberships: Memberships
) -> None:
    """Every further window would cost a read, or miss what comes next."""
    first, second = stage.ear("anna"), stage.ear("anna")
    await arrive(presences, first)
    stage.tell(said(4))
    await arrive(presences, second)
    stage.tell(said(5))
    await stage.heard(first, 4, 5)
    await stage.heard(second, 5)
    assert memberships.reads == 1


async def test_too_many_connections_of_one_person(
    stage: Stage, presences: Presences
) -> None:
    """One broken page could open connections without end."""
    ears = [stage.ear("anna") for _ in range(CONNECTIONS_MAX)]
    await arrive(presences, *ears)
    extra = stage.ear("anna")
    with pytest.raises(Refused) as refused:
        await arrive(presences, extra)
    assert refused.value.code == "rate_limited"
    assert refused.value.facts == {"connections": CONNECTIONS_MAX}
    presences.depart(extra.key, extra.connection)
    await arrive(presences, stage.ear("ben"))
    presences.depart(ears[0].key, ears[0].connection)
    await arrive(presences, extra)
    stage.tell(said(4))
    await stage.heard(extra, 4)
    assert ears[0].events == []


@pytest.mark.parametrize(
    ("failure", "code"),
    [(unavailable(), "storage_unavailable"), (ValueError("broken"), "internal")],
)
async def test_memberships_that_cannot_be_read(
    stage: Stage,
    presences: Presences,
    memberships: Memberships,
    failure: Exception,
    code: str,
) -> None:
    """A connection without events would look like one where nothing happens."""
    memberships.failures = [failure]
    first, second = stage.ear("anna"), stage.ear("anna")
    coming = [presences.arrive(one.key, one.connection) for one in (first, second)]
    for refused in await asyncio.gather(*coming, return_exceptions=True):
        assert isinstance(refused, Refused)
        assert refused.code == code
    again = stage.ear("anna")
    await arrive(presences, again)
    stage.tell(said(4))
    await stage.heard(again, 4)
    assert first.events == []


async def test_gone_before_it_was_in(
    stage: Stage, presences: Presences, memberships: Memberships
) -> None:
    """A window that was closed at once would count against the limit for ever."""
    memberships.gate.clear()
    anna = stage.ear("anna")
    coming = asyncio.gather(arrive(presences, anna))
    await wait_until(lambda: memberships.reads)
    anna.connection.close()
    memberships.gate.set()
    await coming
    assert not stage.rooms.people
    assert not stage.rooms.rooms


async def test_the_first_is_gone_and_the_second_is_not(
    stage: Stage, presences: Presences, memberships: Memberships
) -> None:
    """Who comes second would wait for ever when the first one goes."""
    memberships.gate.clear()
    first, second = stage.ear("anna"), stage.ear("anna")
    coming = asyncio.gather(arrive(presences, first, second))
    await wait_until(lambda: memberships.reads)
    first.connection.close()
    presences.depart(first.key, first.connection)
    memberships.gate.set()
    await coming
    stage.tell(said(4))
    await stage.heard(second, 4)


async def test_stop_ends_the_work(
    stage: Stage, presences: Presences, memberships: Memberships
) -> None:
    """The server would not go down while the store hangs."""
    memberships.gate.clear()
    anna = stage.ear("anna")
    coming = asyncio.gather(arrive(presences, anna), return_exceptions=True)
    await wait_until(lambda: memberships.reads)
    await asyncio.wait_for(presences.stop(), 60)
    (refused,) = await asyncio.wait_for(coming, 60)
    assert isinstance(refused, Refused)


async def test_connections_at_other_gateways_count(
    stage: Stage, presences: Presences, leases: Others
) -> None:
    """The bound would be multiplied by the number of gateways."""
    ears = [stage.ear("anna") for _ in range(CONNECTIONS_MAX)]
    leases.theirs[ears[0].key] = CONNECTIONS_MAX - 1
    await arrive(presences, ears[0])
    with pytest.raises(Refused, match="rate_limited"):
        await arrive(presences, ears[1])
    assert leases.held == {ears[0].key: 1}
    assert ears[1].connection not in stage.rooms.people[ears[0].key].connections
    # Nobody can say: what is here is what counts.
    leases.theirs.clear()
    await arrive(presences, *ears[1:])
    assert leases.held == {ears[0].key: CONNECTIONS_MAX}
    for ear in ears:
        presences.depart(ear.key, ear.connection)
    assert leases.held == {ears[0].key: 0}
