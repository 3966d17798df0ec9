"""If these fail, somebody gets a mass message twice, never, or at others' expense."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from chatd.actions import recovery
from chatd.actions.basis.facts import Facts
from chatd.actions.mass import delivering
from chatd.actions.mass.delivering import HELD_MS, Delivery
from chatd.domain.announcements import Announcement, PersonalMoved
from chatd.store.change import Moved
from chatd.store.engine.opening import open_store
from chatd.store.mass import jobs
from chatd.store.mass.jobs import MassRecord
from chatd.store.messages import RemoveMessage
from chatd.store.people import PutPerson
from chatd.store.tenants import PutPolicy
from chatd_protocol.chat import requests
from chatd_protocol.chat.events import MassProgress
from tests.actions.deeds import who
from tests.actions.mass.schools import (
    cancel,
    deliver,
    furnish,
    listed,
    send,
    sent,
)
from tests.support.house import TENANT, House


@pytest.fixture
async def units(school: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Parts of one person, without a rest."""
    await furnish(school)
    monkeypatch.setitem(delivering.AT_ONCE, "none", 1)
    monkeypatch.setattr(delivering, "REST_S", 0.0)
    return school


def told(school: House) -> list[str]:
    """Who was told, in order, but for the sender."""
    moved = [one for one in school.announced if isinstance(one, PersonalMoved)]
    return [one.user_id for one in moved if one.user_id != "anna"]


async def due(school: House) -> tuple[str, MassRecord]:
    (job,) = await school.context.store.read(jobs.due, school.clock.at_ms, 9)
    return job


async def test_everybody_once_and_the_sender_sees_how_far(units: House) -> None:
    """The sender would wait without a sign (`mass.progress`)."""
    since, _ = await recovery.memberships(units.context, TENANT, "anna")
    await send(units, "anna", "unit:north")
    steps: list[int] = []

    async def look() -> None:
        events = await recovery.personal_events(units.context, TENANT, "anna", since)
        latest = [one for one in events if isinstance(one, MassProgress)]
        steps.append(latest[-1].mass_message.delivered)

    units.announced.clear()
    units.clock.at_ms += 5_000
    worker = Delivery(units.context)
    job = await due(units)
    await worker.take(*job)
    await look()
    for _ in range(4):
        await worker.part(*job)
        await look()
    assert steps == [0, 1, 2, 3, 4]
    assert told(units) == ["adam", "gail", "sue", "tom"]
    asked = requests.Sync(personal_seq=since)
    rows = (await recovery.sync(units.context, who("anna"), asked)).personal
    last = rows[-1].mass_message  # type: ignore[union-attr]
    assert (last.state, last.delivered) == ("delivered", 4)


async def test_two_gateways_share_nothing(units: House) -> None:
    """Two gateways would both deliver, and each person be told twice."""
    await send(units, "anna", "unit:north")
    units.clock.at_ms += 5_000
    units.announced.clear()
    workers = [Delivery(units.context) for _ in range(3)]
    await asyncio.gather(*(worker.work() for worker in workers))
    assert sorted(told(units)) == ["adam", "gail", "sue", "tom"]
    for reader in ("adam", "gail", "sue", "tom"):
        assert len(await listed(units, reader)) == 1


@pytest.mark.engines("postgres")
async def test_two_gateways_on_one_database(units: House, database: str) -> None:
    """Transactions of two processes would both strike the same people off."""
    made = await send(units, "anna", "unit:north")
    units.announced.clear()
    units.clock.at_ms += 5_000
    heard: list[Announcement] = []
    store = await open_store(
        database, clock=units.clock, on_committed=heard.extend, unsafe_durability=True
    )
    try:
        there = replace(units.context, store=store, facts=Facts(store))
        workers = [Delivery(units.context), Delivery(there), Delivery(there)]
        await asyncio.gather(*(worker.work() for worker in workers))
    finally:
        await store.close()
    both = [*units.announced, *heard]
    moved = [one.user_id for one in both if isinstance(one, PersonalMoved)]
    assert sorted(one for one in moved if one != "anna") == [
        "adam",
        "gail",
        "sue",
        "tom",
    ]
    (entry,) = await sent(units, "anna")
    assert (entry.id, entry.delivered) == (made.id, 4)


async def test_what_a_dead_gateway_held_is_taken_over(units: House) -> None:
    """A crash would leave half a school without the message, or tell it twice."""
    await send(units, "anna", "unit:north")
    units.clock.at_ms += 5_000
    units.announced.clear()
    dead, heir = Delivery(units.context), Delivery(units.context)
    job = await due(units)
    await dead.take(*job)
    await dead.part(*job)
    await heir.work()
    assert told(units) == ["adam"]  # still in the other's hands
    units.clock.at_ms += HELD_MS + 1
    await heir.work()
    assert told(units) == ["adam", "gail", "sue", "tom"]
    with pytest.raises(Moved):
        await dead.part(*job)  # it was only slow, and comes back


async def test_undone_in_the_middle(units: House) -> None:
    """An undo would come too late for everybody, or not reach who has it already."""
    made = await send(units, "anna", "unit:north")
    units.clock.at_ms += 5_000
    worker = Delivery(units.context)
    job = await due(units)
    await worker.take(*job)
    await worker.part(*job)
    done = await cancel(units, "anna", made.id)
    assert (done.state, done.delivered) == ("cancelled", 1)
    with pytest.raises(Moved):
        await worker.part(*job)
    (had,) = await listed(units, "adam")
    assert had.last_message is not None
    assert (had.last_message.text, had.unread.count) == (None, 0)
    assert await listed(units, "sue") == ()


async def test_who_has_gone_meanwhile_is_refused(units: House) -> None:
    """A message would wait for ever for somebody who cannot get it."""
    await send(units, "anna", "unit:north")
    await units.write(PutPerson("sue", "Sue", ("student",), active=False))
    rules = '{"switchedOff":{"rosters":["unit:north-a"]}}'
    await units.write(PutPolicy("itslearning", rules))
    await deliver(units)
    (entry,) = await sent(units, "anna")
    assert (entry.state, entry.delivered, entry.refused) == ("delivered", 2, 2)
    assert await listed(units, "tom") == ()


def hearing(school: House, user: str) -> asyncio.Event:
    """Set once this person is told something."""
    told = asyncio.Event()

    def hear(announcements: Sequence[Announcement]) -> None:
        for one in announcements:
            if isinstance(one, PersonalMoved) and one.user_id == user:
                told.set()

    school.listeners.append(hear)
    return told


async def test_a_small_one_does_not_wait_for_a_large_one(units: House) -> None:
    """A class would hear from its teacher when the whole region has been told."""
    await send(units, "anna", "unit:north")
    units.clock.at_ms += 10
    await send(units, "anna", "unit:north-a")
    tom = hearing(units, "tom")

    class Endless(Delivery):
        async def part(self, tenant: str, record: MassRecord) -> bool:
            last = await super().part(tenant, record)
            if record.total > 1:  # the large one, and tom is its last
                await asyncio.wait_for(tom.wait(), 60)
            return last

    units.clock.at_ms += 5_000
    await Endless(units.context).work()
    assert [one.delivered for one in await sent(units, "anna")] == [1, 4]


async def test_what_was_removed_is_delivered_no_further(units: House) -> None:
    """A message that moderators took away would go on to the rest of the school."""
    made = await send(units, "anna", "unit:north")
    assert made.message is not None
    gone = RemoveMessage(made.message.id, made.id, None, None, "removed")
    await units.write(gone)
    await deliver(units)
    (entry,) = await sent(units, "anna")
    assert (entry.state, entry.delivered, entry.refused) == ("delivered", 0, 4)
    assert await listed(units, "sue") == ()


async def test_it_runs_by_itself(units: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would get anything, or the process not end."""
    monkeypatch.setattr(delivering, "LOOK_S", 0.01)
    tom = hearing(units, "tom")
    worker = Delivery(units.context)
    worker.start()
    try:
        await send(units, "anna", "unit:north")
        units.clock.at_ms += 5_000
        await asyncio.wait_for(tom.wait(), 60)
    finally:
        await worker.stop()
