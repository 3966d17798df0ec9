import asyncio

import pytest

from chatd.domain.announcements import FactsMoved, Logged, PersonalMoved
from chatd.errors import Refused
from chatd.store import log, messages
from chatd.store.change import AlreadyDone, Change, Committed, Guard, Key, Moved
from chatd.store.conversations import Rename
from chatd.store.engine.applying import APPLY, request_result
from chatd.store.members import Join, NewMember, Part
from chatd.store.messages import RemoveMessage
from chatd.store.rosters import PutRoster, PutRosterMember
from chatd.store.tenants import PutTenant
from tests.store.shelf import TENANT, Shelf, said


def guarded(shelf: Shelf, *guards: Guard) -> Change:
    return Change(TENANT, shelf.clock.at_ms, (said("ada"),), guards)


async def test_guards_of_every_noun(shelf: Shelf) -> None:
    """A deed would be done on facts that are no longer true."""
    roster = PutRoster("course", "math:1", "Maths")
    await shelf.write(roster, PutRosterMember("course", "math:1", "eve", "student"))
    good = (
        Guard("conversation", "talk", 1),
        Guard("person", "ada", 1),
        Guard("person", "eve", 2),
        Guard("roster", "course:math:1", 2),
        Guard("tenant", TENANT, 1),
        Guard("conversation", "no such", 0),
        Guard("roster", "project:math:1", 0),
    )
    await shelf.store.commit(guarded(shelf, *good))
    for one in good:
        stale = Guard(one.noun, one.id, one.version + 1)
        with pytest.raises(Moved):
            await shelf.store.commit(guarded(shelf, *good, stale))


async def test_of_two_that_rest_on_one_version_one_wins(shelf: Shelf) -> None:
    """Two deeds that exclude each other would both be done."""
    guard = Guard("conversation", "talk", 1)
    at = shelf.clock.at_ms
    joins = (Join("talk", (NewMember("dan"),), "ada"), Part("talk", ("ben",), "ada"))
    done = await asyncio.gather(
        *(shelf.store.commit(Change(TENANT, at, (one,), (guard,))) for one in joins),
        return_exceptions=True,
    )
    assert [type(one) for one in done] == [Committed, Moved]


async def test_messages_and_titles_do_not_move_guards(shelf: Shelf) -> None:
    """Every message would make everybody else's deeds be decided anew."""
    await shelf.say("ada")
    await shelf.write(Rename("talk", "Other", "ada"))
    await shelf.store.commit(guarded(shelf, Guard("conversation", "talk", 1)))


async def test_a_request_is_carried_out_once(shelf: Shelf) -> None:
    """A repeated request would be done twice, or answered as something else."""
    key = Key("ada", "once", b"digest")
    change = Change(
        TENANT, 1, (Rename("talk", "Once", "ada"),), key=key, result={"id": "talk"}
    )
    done = await asyncio.gather(
        *(shelf.store.commit(change) for _ in range(5)), return_exceptions=True
    )
    assert [type(one) for one in done] == [Committed] + [AlreadyDone] * 4
    assert all(one.result == {"id": "talk"} for one in done if type(one) is AlreadyDone)
    assert await shelf.store.read(request_result, TENANT, key) == {"id": "talk"}
    other = Key("ada", "once", b"another")
    with pytest.raises(Refused) as refused:
        await shelf.store.commit(Change(TENANT, 1, (), key=other))
    assert refused.value.code == "idempotency_conflict"
    with pytest.raises(Refused):
        await shelf.store.read(request_result, TENANT, other)
    for elsewhere in (Key("ben", "once", b"digest"), Key("ada", "two", b"digest")):
        assert await shelf.store.read(request_result, TENANT, elsewhere) is None


async def test_a_request_that_failed_may_be_repeated(shelf: Shelf) -> None:
    """A refused request would be answered as done the next time."""
    key = Key("ada", "again", b"digest")
    bad = Change(TENANT, 1, (Rename("no such", "?", "ada"),), key=key)
    with pytest.raises(LookupError):
        await shelf.store.commit(bad)
    await shelf.store.commit(Change(TENANT, 1, (said("ada"),), key=key))


async def test_a_message_is_sent_once(shelf: Shelf) -> None:
    """A repeated send would show the message twice."""
    sends = [shelf.change(said("ada", client_id="mine")) for _ in range(4)]
    first = sends[0].writes[0]
    done = await asyncio.gather(
        *(shelf.store.commit(one) for one in sends), return_exceptions=True
    )
    assert [type(one) for one in done] == [Committed] + [AlreadyDone] * 3
    kept = [one.result for one in done if isinstance(one, AlreadyDone)]
    assert isinstance(first, messages.InsertMessage)
    assert kept == [{"messageId": first.id}] * 3
    with pytest.raises(Refused) as refused:
        await shelf.write(said("ada", client_id="mine", digest=b"other"))
    assert refused.value.code == "idempotency_conflict"
    await shelf.write(said("ben", client_id="mine", digest=b"other"))


async def test_a_repeat_of_a_removed_message_is_its_repeat(shelf: Shelf) -> None:
    """A late repeat would bring back what was removed, or be called a conflict."""
    write = said("ada", client_id="mine")
    await shelf.write(write)
    await shelf.write(RemoveMessage(write.id, "talk", "ada", None, "author"))
    with pytest.raises(AlreadyDone) as done:
        await shelf.write(said("ada", client_id="mine", digest=b"who knows"))
    assert done.value.result == {"messageId": write.id}


async def test_facts_are_told_before_what_rests_on_them(shelf: Shelf) -> None:
    """Whoever acts on the news would decide by a cache that is stale."""
    done = await shelf.write(Join("talk", (NewMember("dan"),), "ada"))
    assert done.announcements == (
        FactsMoved(TENANT, "conversation", "talk"),
        PersonalMoved(TENANT, "dan", 1),
        Logged(TENANT, "talk", 2, "participants.added"),
    )
    assert shelf.announced == list(done.announcements)


async def test_all_news_say_which_deed_they_come_from(shelf: Shelf) -> None:
    """At another gateway nobody could tell which call a delivery belongs to."""
    change = Change(TENANT, 1, (Join("talk", (NewMember("dan"),), "ada"),), origin="o")
    done = await shelf.store.commit(change)
    assert done.announcements == (
        FactsMoved(TENANT, "conversation", "talk"),
        PersonalMoved(TENANT, "dan", 1, "o"),
        Logged(TENANT, "talk", 2, "participants.added", None, "o"),
    )


async def test_an_event_at_hand_travels_with_its_row(shelf: Shelf) -> None:
    """The hot path would read back from disk what it has just written."""
    change = Change(
        TENANT, 1, (said("ada"), said("ben")), event=lambda row: row.seq * 10
    )
    await shelf.store.commit(change)
    assert [one.event for one in shelf.announced if isinstance(one, Logged)] == [20, 30]


async def test_whole_or_not_at_all(shelf: Shelf) -> None:
    """Half of a deed would be seen by everybody and the other half by nobody."""
    with pytest.raises(LookupError):
        await shelf.write(
            Join("talk", (NewMember("dan"),), "ada"),
            said("dan"),
            PutTenant("Renamed", "itslearning"),
            said("dan", to="no such"),
        )
    assert shelf.announced == []
    assert not await shelf.store.read(
        log.events, TENANT, "talk", after_seq=1, until_seq=99, limit=9
    )


def test_every_write_can_be_applied() -> None:
    """A deed would fail on its first use because its write is in no table."""
    assert set(APPLY) == set(Change.__annotations__["writes"].__args__[0].__args__)
