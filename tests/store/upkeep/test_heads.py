import asyncpg
import pytest

from chatd.store import log
from chatd.store.members import Join, NewMember
from chatd.store.people import EndSessions
from chatd.store.tenants import PutTenant
from chatd.store.upkeep.heads import Heads, moved_since
from tests.store.shelf import TENANT, Shelf


async def look(shelf: Shelf, since: Heads | None = None) -> Heads:
    return await shelf.store.read(moved_since, since.mark if since else 0)


async def test_what_moved_and_nothing_else(shelf: Shelf) -> None:
    """A gateway that missed a hint would never learn of it, or read everything."""
    await shelf.talk("other", "ada", "ben")
    start = await look(shelf)
    assert (start.conversations, start.people, start.tenants) == ((), (), ())
    assert abs(start.now_ms - shelf.clock.at_ms) >= 0
    await shelf.say("ada")
    said = await look(shelf, start)
    assert said.conversations == ((TENANT, "talk", 2, 1),)
    assert (said.people, said.tenants) == ((), ())
    await shelf.write(Join("talk", (NewMember("dan"),), "ada"))
    joined = await look(shelf, said)
    assert joined.conversations == ((TENANT, "talk", 3, 2),)
    assert joined.people == ((TENANT, "dan", 1, 1),)
    await shelf.write(EndSessions("eve", 5), PutTenant("School", "itslearning"))
    ended = await look(shelf, joined)
    assert ended.conversations == ()
    assert ended.people == ((TENANT, "eve", 0, 2),)
    assert ended.tenants == ((TENANT, 2),)
    assert (await look(shelf, ended)).people == ()


@pytest.mark.engines("postgres")
async def test_a_late_commit_is_not_missed(shelf: Shelf) -> None:
    """Messages whose gateway died at the commit would stay unseen for ever."""
    await shelf.talk("second", "ada")
    (*_, last) = await shelf.store.read(log.tail, TENANT, log.BEGINNING, 99)
    start = await look(shelf)
    late = await asyncpg.connect(shelf.url)
    await late.execute(
        "BEGIN; UPDATE conversation SET head_seq = 9, changed_in = change_mark()"
        " WHERE id = 'second'; INSERT INTO log (tenant, conversation_id, seq, kind,"
        " at_ms, changed_in) VALUES ('school', 'second', 2, 'test', 1, change_mark())"
    )
    await shelf.say("ada")
    first = await look(shelf, start)
    assert [one[1] for one in first.conversations] == ["talk"]
    # Behind the row that is not there yet nothing is told: it would come out of order.
    assert await shelf.store.read(log.tail, TENANT, last.position, 99) == []
    await late.execute("COMMIT")
    second = await look(shelf, first)
    assert (TENANT, "second", 9, 1) in second.conversations
    rows = await shelf.store.read(log.tail, TENANT, last.position, 99)
    assert [row.conversation_id for row in rows] == ["second", "talk"]
    third = await look(shelf, second)
    assert third.conversations == ()
    # Only what breaks the rules of a whole database is taken back.
    await late.execute(
        "DELETE FROM log WHERE kind = 'test';"
        "UPDATE conversation SET head_seq = 1 WHERE id = 'second'"
    )
    await late.close()
