"""What no announcement told: found, delivered once, in order, and counted."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from chatd import metrics
from chatd.domain.announcements import PersonalMoved
from chatd.errors import Refused
from chatd.hub.heads import HeadChecks
from chatd.hub.personal import PersonalEvents
from chatd.hub.rooms import Presence
from chatd.store.upkeep.heads import Heads
from chatd_protocol.chat.events import PersonalEvent, PreferencesChanged
from tests.hub.listeners import AT, ROOM, TENANT, Stage, said, unavailable
from tests.support.house import House, house
from tests.support.waiting import wait_until


@dataclass
class Store:
    """What the store answers, and what it was asked."""

    heads: Heads = field(default_factory=lambda: Heads(1, 0))
    asked: list[int] = field(default_factory=list)
    rechecked: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def read(self, mark: int) -> Heads:
        self.asked.append(mark)
        if self.failures:
            raise self.failures.pop(0)
        return self.heads

    def was_asked(self, often: int) -> bool:
        return len(self.asked) >= often

    async def recheck(self, presence: Presence) -> None:
        self.rechecked.append(presence.key[1])

    async def personal(
        self, tenant: str, user_id: str, after: int
    ) -> list[PersonalEvent]:
        return [
            PreferencesChanged(personal_seq=seq, at=AT)
            for seq in range(after + 1, after + 3)
        ]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


@pytest.fixture
async def heads(stage: Stage, store: Store, school: House) -> AsyncIterator[HeadChecks]:
    personal = PersonalEvents(stage.rooms, stage.fanout, store.personal)
    made = HeadChecks(
        stage.rooms,
        stage.fanout,
        personal,
        school.context.facts,
        read=store.read,
        recheck=store.recheck,
    )
    yield made
    await made.stop()
    await personal.stop()


def fills() -> float:
    return float(metrics.GAP_FILLS.labels("head_check")._value.get())


async def test_a_lost_last_message(
    heads: HeadChecks, stage: Stage, store: Store
) -> None:
    """The last message before a silence would stay unseen (row 25)."""
    anna = stage.seat("anna", 3)
    stage.write(said(4), said(5))
    store.heads = Heads(7, 0, conversations=((*ROOM, 5, 1),))
    before = fills()
    await heads.check()
    await stage.heard(anna, 4, 5)
    assert fills() == before + 1
    # What is known is no gap, however often the store names it.
    await heads.check()
    await stage.quiet()
    assert fills() == before + 1
    assert anna.seqs == [4, 5]
    assert store.asked == [0, 7]


async def test_an_announcement_on_its_way(
    heads: HeadChecks, stage: Stage, store: Store
) -> None:
    """Each busy second would count silent losses that there were not."""
    anna = stage.seat("anna", 3)
    store.heads = Heads(7, 0, conversations=((*ROOM, 4, 1),))
    before = fills()
    checking = heads.check()
    stage.tell(said(4))
    await checking
    await stage.heard(anna, 4)
    assert fills() == before
    assert stage.book.reads == []


async def test_a_lost_word_to_a_person(
    heads: HeadChecks, stage: Stage, store: Store
) -> None:
    """A second device would show what was read as unread until it reconnects."""
    anna = stage.seat("anna", 3)
    store.heads = Heads(7, 0, people=((TENANT, "anna", 2, 1), (TENANT, "ben", 9, 1)))
    before = fills()
    await heads.check()
    await wait_until(lambda: len(anna.events) == 2)
    assert [event["personalSeq"] for event in anna.events] == [1, 2]
    assert fills() == before + 1


async def test_somebody_whose_rights_moved(
    heads: HeadChecks, stage: Stage, store: Store
) -> None:
    """An ended session would go on where the word of it got lost (row 27)."""
    stage.seat("anna", 3)
    for version in (1, 1, 2):
        store.heads = Heads(7, 0, people=((TENANT, "anna", 0, version),))
        await heads.check()
    assert store.rechecked == ["anna", "anna"]


async def test_facts_that_moved(heads: HeadChecks, store: Store, school: House) -> None:
    """A right would outlive its loss where the word of it got lost."""
    await school.people("sue", "tom")
    await school.conversation("c", "sue", "tom")
    facts = school.context.facts
    place = await facts.place(TENANT, "c", "sue")
    store.heads = Heads(7, 0, conversations=((TENANT, "c", 1, 1),))
    await heads.check()
    heads.doubt("subscribed")
    assert await facts.place(TENANT, "c", "sue") is place
    store.heads = Heads(7, 0, people=((TENANT, "sue", 1, 99),))
    await heads.check()
    fresh = await facts.place(TENANT, "c", "sue")
    assert fresh is not place
    store.heads = Heads(7, 0, tenants=((TENANT, 2),))
    await heads.check()
    newest = await facts.place(TENANT, "c", "sue")
    assert newest is not fresh
    heads.doubt("connected")
    assert await facts.place(TENANT, "c", "sue") is not newest


async def test_a_membership_being_read(
    heads: HeadChecks, stage: Stage, store: Store
) -> None:
    """What came between reading a membership and entering it would be lost."""
    anna = stage.ear("anna")
    presence = stage.loading(anna)
    stage.write(said(4))
    store.heads = Heads(7, 0, conversations=((*ROOM, 4, 1),))
    await heads.check()
    stage.loaded(presence, (ROOM[1], 1, 3))
    await stage.heard(anna, 4)


async def test_a_store_that_does_not_answer(heads: HeadChecks, store: Store) -> None:
    """One bad moment of the database would end the checks, or skip what it hid."""
    await heads.check()
    store.failures = [unavailable()]
    with pytest.raises(Refused):
        await heads.check()
    store.failures = [unavailable(), LookupError("a bug")]
    heads.start()
    for _ in range(2):
        seen = len(store.asked)
        heads.doubt("connected")
        await wait_until(partial(store.was_asked, seen + 1))
    await wait_until(lambda: len(store.asked) >= 5)
    assert set(store.asked[1:]) == {1}


async def test_checks_go_on_by_themselves(heads: HeadChecks, store: Store) -> None:
    """Without a doubt nothing would be found; with many, the store would drown."""
    heads.start()
    await wait_until(partial(store.was_asked, 2))
    asked = len(store.asked)
    for _ in range(1_000):
        heads.doubt("subscribed")
    await wait_until(partial(store.was_asked, asked + 1))
    assert len(store.asked) == asked + 1


async def test_personal_moves_are_offered_once(
    heads: HeadChecks, stage: Stage, store: Store
) -> None:
    """A person's events would come twice: by the word and by the check."""
    anna = stage.seat("anna", 3)
    heads._personal.offer(PersonalMoved(TENANT, "anna", 2))
    store.heads = Heads(7, 0, people=((TENANT, "anna", 2, 1),))
    await heads.check()
    await wait_until(lambda: len(anna.events) >= 2)
    assert [event["personalSeq"] for event in anna.events] == [1, 2]
