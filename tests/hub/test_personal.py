"""A person's own events: each once and in order, on every device."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from chatd.domain.announcements import PersonalMoved
from chatd.hub.personal import FAILURES_MAX, PersonalEvents
from chatd_protocol.chat.events import PersonalEvent, PreferencesChanged
from tests.hub.listeners import AT, RETRY_S, TENANT, Ear, Stage, unavailable
from tests.support.waiting import wait_until


def changed(seq: int) -> PreferencesChanged:
    return PreferencesChanged(personal_seq=seq, at=AT)


@dataclass
class Rows:
    """The changed rows of one person; a page holds two."""

    present: list[PersonalEvent] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)

    async def read(
        self, tenant: str, user_id: str, after: int
    ) -> Sequence[PersonalEvent]:
        assert (tenant, user_id) == (TENANT, "anna")
        self.reads.append(after)
        if self.failures:
            raise self.failures.pop(0)
        return [one for one in self.present if one.personal_seq > after][:2]


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
async def personal(stage: Stage, rows: Rows) -> AsyncIterator[PersonalEvents]:
    made = PersonalEvents(stage.rooms, stage.fanout, rows.read, RETRY_S)
    yield made
    await made.stop()


def moved(seq: int, user_id: str = "anna") -> PersonalMoved:
    return PersonalMoved(TENANT, user_id, seq)


async def heard(ear: Ear, *seqs: int) -> None:
    await wait_until(lambda: len(ear.events) >= len(seqs))
    assert [event["personalSeq"] for event in ear.events] == list(seqs)


async def test_all_devices_in_order(
    stage: Stage, personal: PersonalEvents, rows: Rows
) -> None:
    """One device would miss what was done on another."""
    anna, second, ben = stage.seat("anna", 3), stage.ear("anna"), stage.seat("ben", 3)
    stage.rooms.add(stage.rooms.people[anna.key], second.connection)
    rows.present = [changed(seq) for seq in range(1, 6)]
    personal.offer(moved(5))
    personal.offer(moved(3))
    await heard(anna, 1, 2, 3, 4, 5)
    await heard(second, 1, 2, 3, 4, 5)
    assert ben.events == []
    personal.offer(moved(5))
    rows.present.append(changed(6))
    personal.offer(moved(6))
    await heard(anna, 1, 2, 3, 4, 5, 6)


async def test_nobody_is_there(personal: PersonalEvents, rows: Rows) -> None:
    """Everybody who is not connected would cost a read."""
    personal.offer(moved(5))
    await asyncio.sleep(0)
    assert rows.reads == []


async def test_what_moves_while_memberships_are_read(
    stage: Stage, personal: PersonalEvents, rows: Rows
) -> None:
    """A change in the moment of connecting would be lost, or told before its time."""
    anna = stage.ear("anna")
    presence = stage.loading(anna)
    rows.present = [changed(4), changed(5)]
    personal.offer(moved(5))
    await asyncio.sleep(0)
    assert rows.reads == []
    stage.rooms.load_ends(presence, 4, [])
    personal.advance(presence)
    await heard(anna, 5)


async def test_a_row_that_changed_again_closes_the_gap(
    stage: Stage, personal: PersonalEvents, rows: Rows
) -> None:
    """A position that a later change took along would be waited for for ever."""
    anna = stage.seat("anna", 3)
    personal.offer(moved(2))
    await wait_until(lambda: rows.reads)
    await wait_until(lambda: not stage.rooms.people[anna.key].pumping)
    rows.present = [changed(3)]
    personal.offer(moved(3))
    await heard(anna, 3)


async def test_a_store_that_fails_is_asked_again(
    stage: Stage, personal: PersonalEvents, rows: Rows
) -> None:
    """One refusal of the store would silence a person's devices."""
    anna = stage.seat("anna", 3)
    rows.present = [changed(1)]
    rows.failures = [unavailable(), unavailable()]
    personal.offer(moved(1))
    await heard(anna, 1)


async def test_a_bug_costs_one_attempt(
    stage: Stage, personal: PersonalEvents, rows: Rows
) -> None:
    """One failed reading would silence a person's devices for good."""
    anna = stage.seat("anna", 3)
    rows.present = [changed(1), changed(2)]
    rows.failures = [ValueError("broken")]
    personal.offer(moved(1))
    await wait_until(lambda: rows.reads)
    await wait_until(lambda: not stage.rooms.people[anna.key].pumping)
    personal.offer(moved(2))
    await heard(anna, 1, 2)


async def test_an_event_that_cannot_be_encoded_is_passed_over(
    stage: Stage, personal: PersonalEvents, rows: Rows
) -> None:
    """One text that no encoding can carry would silence a person's devices."""
    anna = stage.seat("anna", 3)
    bad = PreferencesChanged(personal_seq=1, at=AT, draft="\ud800")
    rows.present = [bad, changed(2)]
    personal.offer(moved(2))
    await heard(anna, 2)


async def test_stop_ends_the_work(
    stage: Stage, personal: PersonalEvents, rows: Rows
) -> None:
    """The server would not go down while the store is away."""
    stage.seat("anna", 3)
    rows.failures = [unavailable() for _ in range(10_000)]
    personal.offer(moved(1))
    await wait_until(lambda: rows.reads)
    await asyncio.wait_for(personal.stop(), 60)
    assert rows.failures


async def test_one_bad_read_costs_nobody_an_event(
    stage: Stage, personal: PersonalEvents, rows: Rows
) -> None:
    """The last thing that happened would come only with the next one, if ever."""
    anna = stage.seat("anna", 3)
    rows.present = [changed(1), changed(2)]
    rows.failures = [RuntimeError("a bug")]
    personal.offer(moved(2))
    await heard(anna, 1, 2)


async def test_what_cannot_be_read_waits_for_the_next_change(
    stage: Stage, personal: PersonalEvents, rows: Rows
) -> None:
    """A bug would fill the log and busy the store for as long as somebody is there."""
    anna = stage.seat("anna", 3)
    rows.failures = [RuntimeError("a bug")] * FAILURES_MAX
    personal.offer(moved(2))
    await wait_until(lambda: not stage.rooms.people[anna.key].pumping)
    assert len(rows.reads) == FAILURES_MAX
    rows.present = [changed(2), changed(3)]
    personal.offer(moved(3))
    await heard(anna, 2, 3)
