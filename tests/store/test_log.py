from chatd.store import log
from chatd.store.conversations import Rename
from chatd.store.members import Join, NewMember
from chatd.store.messages import EditMessage
from tests.store.shelf import TENANT, Shelf, said


async def test_rows_after_and_until(shelf: Shelf) -> None:
    """A client that catches up would miss an event, or get one twice."""
    for _ in range(6):
        await shelf.say("ada")

    async def seqs(after: int, until: int, limit: int = 99) -> list[int]:
        rows = await shelf.store.read(
            log.events,
            TENANT,
            "talk",
            after_seq=after,
            until_seq=until,
            limit=limit,
        )
        return [row.seq for row in rows]

    assert await seqs(0, 99) == [1, 2, 3, 4, 5, 6, 7]
    assert await seqs(2, 5) == [3, 4, 5]
    assert await seqs(2, 99, 2) == [3, 4]
    assert await seqs(7, 99) == []


async def test_rows_carry_what_events_need(shelf: Shelf) -> None:
    """An event that is read back would say less than the live one."""
    id_, _ = await shelf.say("ben", "one")
    await shelf.write(EditMessage(id_, "talk", "ben", "two", None, None))
    await shelf.write(Rename("talk", "Other", None))
    await shelf.write(Join("talk", (NewMember("dan"),), "ada"))
    rows = await shelf.store.read(
        log.events, TENANT, "talk", after_seq=1, until_seq=9, limit=9
    )
    assert [(row.kind, row.actor_id, row.actor_name) for row in rows] == [
        ("message.created", "ben", "Ben"),
        ("message.edited", "ben", "Ben"),
        ("conversation.renamed", None, None),
        ("participants.added", "ada", "Ada"),
    ]
    texts = [row.message.text if row.message else None for row in rows]
    assert texts == ["two", "two", None, None]
    assert rows[3].user_ids == ("dan",)
    assert (rows[3].count, rows[3].participant_count) == (1, 4)
    assert {row.at_ms for row in rows} == {shelf.clock.at_ms}


async def test_the_tail_of_a_tenant(shelf: Shelf) -> None:
    """Whoever watches a tenant would miss events, or see another tenant's."""
    await shelf.people("ada", tenant="other")
    await shelf.talk("talk", "ada", tenant="other")
    (begun,) = await shelf.store.read(log.tail, TENANT, log.BEGINNING, 99)
    start = begun.position
    for to in ("talk", "talk"):
        await shelf.say("ada", to=to)
        await shelf.say("ada", to=to, tenant="other")
    rows = await shelf.store.read(log.tail, TENANT, start, 99)
    assert [row.seq for row in rows] == [2, 3]
    assert await shelf.store.read(log.tail, TENANT, start, 1) == rows[:1]
    assert await shelf.store.read(log.tail, TENANT, rows[0].position, 9) == rows[1:]
    assert await shelf.store.read(log.tail, TENANT, rows[1].position, 9) == []
    assert await shelf.store.read(log.tail, "nobody", log.BEGINNING, 9) == []


async def test_more_messages_than_one_statement_takes(shelf: Shelf) -> None:
    """A long absence could not be caught up with."""
    writes = [said("ada") for _ in range(600)]
    await shelf.write(*writes)
    rows = await shelf.store.read(
        log.events, TENANT, "talk", after_seq=1, until_seq=9_999, limit=9_999
    )
    sent = [write.id for write in writes]
    assert [row.message.id for row in rows if row.message] == sent
