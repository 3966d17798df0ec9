"""If these fail, a mass message is delivered by two, twice, or without an end."""

from dataclasses import replace

import pytest

from chatd.domain.announcements import PersonalMoved
from chatd.store import members, personal
from chatd.store.change import Moved
from chatd.store.effects import Effects
from chatd.store.mass import jobs
from chatd.store.mass.audience import Audience
from chatd.store.mass.jobs import CancelMass, DeliverMass, PutMass, TakeMass
from chatd.store.transaction import Row, SqlValue, Transaction
from tests.store.shelf import TENANT, Shelf

PART = DeliverMass("all", "ada", "gw1", 900, ("ben",), ("cleo",), True)


@pytest.fixture
async def job(shelf: Shelf) -> Shelf:
    """A message of ada's to the four others, due at 100 ms."""
    await shelf.talk("all", "ada", kind="mass")
    shelf.clock.at_ms = 100
    everybody = Audience("ada", everybody=True)
    await shelf.write(PutMass("all", "ada", None, "none", 100, everybody))
    return shelf


async def record(shelf: Shelf) -> jobs.MassRecord:
    return (await shelf.store.read(jobs.many, TENANT, ["all"]))["all"]


async def test_its_life(job: Shelf) -> None:
    """Somebody would get it twice, or the sender not be told how far it is."""
    assert (await record(job)).total == 4
    head = await job.store.read(personal.head, TENANT, "ada")
    assert await job.store.read(jobs.due, 99, 9) == []
    assert [one for one, _ in await job.store.read(jobs.due, 100, 9)] == [TENANT]
    await job.write(TakeMass("all", "gw1", 500))
    assert await job.store.read(jobs.due, 100, 9) == []
    assert await job.store.read(jobs.still, TENANT, "all", 2) == ("ben", "cleo")
    job.batches.clear()
    await job.write(PART)
    moved = {one.user_id for one in job.announced if isinstance(one, PersonalMoved)}
    assert moved == {"ada", "ben"}
    now = await record(job)
    assert (now.state, now.delivered, now.refused) == ("delivering", 1, 1)
    assert await job.store.read(jobs.still, TENANT, "all", 9) == ("dan", "eve")
    with pytest.raises(Moved):
        await job.write(PART)
    await job.write(replace(PART, reached=("dan", "eve"), refused=()))
    done = await record(job)
    assert (done.state, done.delivered, done.ended_at_ms) == ("delivered", 3, 100)
    changes = await job.store.read(personal.changes_since, TENANT, "ada", head, 9)
    assert [(one.kind, one.conversation_id) for one in changes] == [("mass", "all")]
    inside = await job.store.read(members.current_ids, TENANT, "all")
    assert inside == ("ada", "ben", "dan", "eve")
    (stay,) = await job.store.read(members.intervals, TENANT, "all", "dan")
    assert (stay.joined_seq, stay.left_seq) == (1, None)


async def test_one_at_a_time(job: Shelf) -> None:
    """Two gateways would deliver the same message."""
    await job.write(TakeMass("all", "gw1", 500))
    with pytest.raises(Moved):
        await job.write(TakeMass("all", "gw2", 600))
    with pytest.raises(Moved):
        await job.write(replace(PART, by="gw2"))
    await job.write(TakeMass("all", "gw1", 700))
    job.clock.at_ms = 701
    await job.write(TakeMass("all", "gw2", 900))
    with pytest.raises(Moved):
        await job.write(PART)
    assert await job.store.read(jobs.still, TENANT, "all", 9) == (
        "ben",
        "cleo",
        "dan",
        "eve",
    )


async def test_cancelled(job: Shelf) -> None:
    """It would go on behind the sender's back."""
    await job.write(TakeMass("all", "gw1", 500))
    await job.write(CancelMass("all", "ada"))
    for write in (PART, TakeMass("all", "gw1", 900), CancelMass("all", "ada")):
        with pytest.raises(Moved):
            await job.write(write)
    assert (await record(job)).state == "cancelled"
    assert await job.store.read(jobs.still, TENANT, "all", 9) == ()
    assert await job.store.read(jobs.due, 10_000, 9) == []


async def test_the_list_of_a_sender(job: Shelf) -> None:
    """Somebody would read what others have sent."""
    read = job.store.read
    (one,) = await read(jobs.page, TENANT, "ada", jobs.LATEST, 9)
    assert one.id == "all"
    assert await read(jobs.page, TENANT, "ada", one.id, 9) == []
    assert await read(jobs.page, TENANT, "ben", jobs.LATEST, 9) == []
    assert await read(jobs.many, "other", ["all"]) == {}
    assert await read(jobs.many, TENANT, []) == {}


class Counting:
    """A transaction whose statements are counted."""

    def __init__(self, tx: Transaction) -> None:
        self.engine = tx.engine
        self.statements = 0
        self._tx = tx

    async def all(self, sql: str, *parameters: SqlValue) -> list[Row]:
        self.statements += 1
        return await self._tx.all(sql, *parameters)

    async def one(self, sql: str, *parameters: SqlValue) -> Row | None:
        self.statements += 1
        return await self._tx.one(sql, *parameters)

    async def run(self, sql: str, *parameters: SqlValue) -> int:
        self.statements += 1
        return await self._tx.run(sql, *parameters)


async def test_a_parts_statements_do_not_grow_with_its_people(job: Shelf) -> None:
    """A school of ten thousand would be ten thousand times the work of the database."""
    await job.write(TakeMass("all", "gw1", 500))

    async def count(part: DeliverMass) -> int:
        async def work(tx: Transaction) -> int:
            counting = Counting(tx)
            await jobs.deliver(counting, Effects(TENANT, 100), part)
            return counting.statements

        return await job.tried(work)

    everybody = ("ben", "cleo", "dan", "eve")
    few = await count(PART)
    assert await count(replace(PART, reached=everybody, refused=())) == few <= 6
