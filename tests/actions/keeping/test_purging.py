"""If these fail, a school keeps what it must not, or loses what it wants to keep."""

import asyncio

import pytest

from chatd.actions import messages, paging
from chatd.actions.directory import policies
from chatd.actions.keeping import holds, purging
from chatd.actions.keeping.purging import DAY_MS, Purged, Purger
from chatd.actions.recovery import events_between
from chatd.store.keeping.lapsing import Claim
from chatd.store.saying import held
from chatd.store.saying.held import DropHeld
from chatd_protocol.chat.http.keeping import DeleteHold, PutHold
from chatd_protocol.chat.policy import PutPolicy
from chatd_protocol.chat.requests import DeleteMessage, ListMessages
from tests.actions.deeds import send, start, who
from tests.actions.keeping.trailing import LEAD
from tests.actions.meanwhile import just_before
from tests.actions.saying.rules import PHONE
from tests.support.counted import value
from tests.support.house import TENANT, House


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "PAUSE_S", 0)


async def keep(school: House, **policy: object) -> None:
    asked = PutPolicy(tenant_id=TENANT, policy=policy)
    await policies.put(school.context, school.platform, asked)


async def texts(school: House, conversation: str) -> list[str]:
    asked = ListMessages(conversation_id=conversation)
    page = await paging.page(school.context, who("anna"), asked)
    gone = [one.removed.notice for one in page.messages if one.removed is not None]
    assert set(gone) <= {"removed_without_trace"}
    return [one.text or gone[0] for one in page.messages]


async def test_each_kind_has_its_own_days(school: House) -> None:
    """A course's record would go with what two people said to each other."""
    direct = await start(school, "anna", "sue")
    course = await start(school, "anna", course="math")
    for talk in (direct, course):
        await send(school, "anna", talk.id, "old")
    await keep(school, retainDays={"direct": 10, "course": 0})
    school.clock.at_ms += 10 * DAY_MS
    purger = Purger(school.context)
    assert await purger.purge() == Purged()
    await send(school, "anna", direct.id, "new")
    school.clock.at_ms += 1
    assert await purger.purge() == Purged(messages=1)
    assert await texts(school, direct.id) == ["removed_without_trace", "new"]
    assert await texts(school, course.id) == ["old"]
    # Those who are connected, and those who come back, are told by the log.
    events = await events_between(school.context, TENANT, direct.id, 1, 9)
    assert [type(one).__name__ for one in events] == [
        "MessageCreated",
        "MessageCreated",
        "MessageRemoved",
    ]
    assert await purger.purge() == Purged()


async def test_many_in_batches(school: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes would wait until a school's whole past is gone, or some stays."""
    monkeypatch.setattr(purging, "AT_ONCE", 7)
    talks = [await start(school, "anna", "sue", "tom") for _ in range(9)]
    for talk in talks:
        for number in range(9):
            await send(school, "anna", talk.id, f"old {number}")
    await keep(school, retainDays={"group": 1})
    school.clock.at_ms += DAY_MS + 1
    before = len(school.announced)
    assert await Purger(school.context).purge() == Purged(messages=81)
    assert len(school.announced) > before
    for talk in talks:
        assert set(await texts(school, talk.id)) == {"removed_without_trace"}


async def test_a_hold_stops_it_until_it_is_lifted(school: House) -> None:
    """The evidence of an inquiry would fall due while the inquiry goes on."""
    talk = await start(school, "anna", "sue", "tom")
    for author in ("sue", "anna", "sue"):
        await send(school, author, talk.id, f"by {author}")
    await keep(school, retainDays={"group": 1})
    await holds.put(school.context, LEAD, PutHold(name="case", user_id="sue"))
    school.clock.at_ms += DAY_MS + 1
    purger = Purger(school.context)
    assert await purger.purge() == Purged(messages=1)
    gone = "removed_without_trace"
    assert await texts(school, talk.id) == ["by sue", gone, "by sue"]
    await holds.lift(school.context, LEAD, DeleteHold(name="case"))
    assert await purger.purge() == Purged(messages=2)
    assert await texts(school, talk.id) == [gone] * 3


async def test_the_vault_is_emptied(school: House) -> None:
    """Removed words would be kept for longer than the school says."""
    await keep(school, retainRemovedDays=30)
    talk = await start(school, "anna", "sue")
    sent = await send(school, "anna", talk.id, "secret")
    remove = DeleteMessage(message_id=sent.id)
    await messages.delete(school.context, who("anna"), remove)
    school.clock.at_ms += 30 * DAY_MS
    purger = Purger(school.context)
    assert await purger.purge() == Purged()
    school.clock.at_ms += 1
    assert await purger.purge() == Purged(kept=1)
    again = await send(school, "anna", talk.id, "secret")
    remove = DeleteMessage(message_id=again.id)
    await messages.delete(school.context, who("anna"), remove)
    # A policy that keeps nothing any more lets go of what was kept until now.
    await keep(school, retainRemovedDays=0)
    assert await purger.purge() == Purged(kept=1)


async def test_one_gateway_at_a_time(school: House) -> None:
    """Every gateway would purge, and clients be told as often."""
    talk = await start(school, "anna", "sue")
    await send(school, "anna", talk.id, "old")
    await keep(school, retainDays={"direct": 1})
    school.clock.at_ms += DAY_MS + 1
    await school.write(Claim(purging.WORK, "another gateway", 1000))
    assert await Purger(school.context).purge() == Purged()
    school.clock.at_ms += 1000
    done = await asyncio.gather(*(Purger(school.context).purge() for _ in range(3)))
    assert sum(one.messages for one in done) == 1


async def test_it_goes_on_by_itself(school: House) -> None:
    """Nothing would ever be purged unless somebody asked for it."""
    talk = await start(school, "anna", "sue")
    await send(school, "anna", talk.id, "old")
    await keep(school, retainDays={"direct": 1})
    school.clock.at_ms += DAY_MS + 1
    purger = Purger(school.context)
    gone = asyncio.Event()
    school.listeners.append(
        lambda told: gone.set() if "message.removed" in str(told) else None
    )
    purger.start()
    async with asyncio.timeout(60):
        await gone.wait()
    await purger.stop()
    assert await texts(school, talk.id) == ["removed_without_trace"]


async def test_how_late_it_is_can_be_watched(school: House) -> None:
    """Messages would be kept beyond their days, and nobody would know."""
    lag = "chatd_retention_lag_seconds"
    purger = Purger(school.context)
    purger.start()
    try:
        school.clock.at_ms += 7_200_000
        assert value(lag) == 7200
        await purger.purge()
        assert value(lag) == 0
    finally:
        await purger.stop()


async def test_a_hold_in_the_moment_of_a_purge(school: House) -> None:
    """What waits for a moderator would go although it was held in time."""
    talk = await start(school, "anna", "sue")
    await keep(school, pii={"phone": "hold"}, retainDays={"direct": 10})
    waits = await send(school, "sue", talk.id, PHONE)
    school.clock.at_ms += 11 * DAY_MS

    async def hold() -> None:
        asked = PutHold(name="case", conversation_id=talk.id)
        await holds.put(school.context, LEAD, asked)

    context = just_before(school.context, DropHeld, hold)
    assert await Purger(context).purge() == Purged()
    found = await school.context.store.read(held.by_id, TENANT, waits.id)
    assert found is not None
