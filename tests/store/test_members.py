from chatd.domain.members import History, Interval
from chatd.store import conversations, log, members
from chatd.store.conversations import CreateConversation
from chatd.store.members import EVENT_IDS_MAX, Join, NewMember, Part
from chatd.store.people import PutPerson
from tests.store.shelf import TENANT, Shelf


async def count(shelf: Shelf) -> int:
    record = await shelf.store.read(conversations.record, TENANT, "talk")
    assert record is not None
    return record.participant_count


async def test_stays_begin_and_end_at_their_rows(shelf: Shelf) -> None:
    """Somebody would see what came before a stay or after it."""
    await shelf.write(Part("talk", ("ben",), "ada"))
    await shelf.write(Join("talk", (NewMember("ben"), NewMember("dan")), "ada"))
    read = shelf.store.read
    stays = await read(members.intervals, TENANT, "talk", "ben")
    assert stays == (Interval(1, 2), Interval(3))
    assert await read(members.intervals, TENANT, "talk", "eve") == ()
    assert await read(members.at, TENANT, "talk", 1) == (("ada", "ben", "cleo"), ())
    assert await read(members.at, TENANT, "talk", 2) == ((), ("ben",))
    assert await read(members.at, TENANT, "talk", 3) == (("ben", "dan"), ())
    assert await read(members.at, TENANT, "talk", 4) == ((), ())


async def test_current_members(shelf: Shelf) -> None:
    """Messages would go to who has left, or not to who is there."""
    await shelf.talk("second", "ada", "dan")
    await shelf.write(Part("talk", ("ben",), "ada"))
    read = shelf.store.read
    assert await read(members.current_ids, TENANT, "talk") == ("ada", "cleo")
    own = await read(members.of_user, TENANT, "ada")
    assert sorted(own) == [("second", 1, 1), ("talk", 1, 2)]
    assert await read(members.of_user, TENANT, "ben") == ()


async def test_named_twice_counts_once(shelf: Shelf) -> None:
    """The number of participants would drift from who is there."""
    await shelf.write(Part("talk", ("ben", "ben", "eve"), "ada"))
    assert await count(shelf) == 2
    await shelf.write(Join("talk", (NewMember("ben"), NewMember("ben")), "ada"))
    assert await count(shelf) == 3


async def test_what_changes_nothing_writes_nothing(shelf: Shelf) -> None:
    """Everybody would be told that somebody came who was there."""
    done = await shelf.write(
        Join("talk", (NewMember("ben"),), "ada"), Part("talk", ("eve",), "ada")
    )
    assert done.seqs == ()
    assert shelf.announced == []


async def test_rows_name_at_most_a_hundred(shelf: Shelf) -> None:
    """One row of a large course would be larger than any event may be."""
    ids = [f"s{number:03}" for number in range(EVENT_IDS_MAX + 5)]
    await shelf.write(*(PutPerson(id_, id_, ("student",)) for id_ in ids))
    seats = tuple(NewMember(id_) for id_ in ids)
    await shelf.write(Join("talk", seats, "ada"))
    await shelf.write(Part("talk", tuple(ids), "ada"))
    rows = await shelf.store.read(
        log.events, TENANT, "talk", after_seq=1, until_seq=3, limit=9
    )
    for row, there in zip(rows, (len(ids) + 3, 3), strict=True):
        assert row.user_ids == tuple(ids[:EVENT_IDS_MAX])
        assert (row.count, row.participant_count) == (len(ids), there)


async def test_pages_by_name(shelf: Shelf) -> None:
    """People of one name would be left out of the list, or come twice."""
    await shelf.write(
        PutPerson("ben", "ädel", ("student",)), PutPerson("cleo", "Ada", ("student",))
    )
    seen: list[str] = []
    after: tuple[str, str] | None = None
    folded = {"ada": "ada", "cleo": "ada", "ben": "ädel"}
    while part := await shelf.store.read(members.page, TENANT, "talk", after, 1):
        seen += part
        after = (folded[part[0]], part[0])
    assert seen == ["ada", "cleo", "ben"]


async def test_the_roster_of_a_conversation(shelf: Shelf) -> None:
    """A course's conversation would not follow its course."""
    await shelf.write(
        CreateConversation(
            "room", "course", "Maths", None, (), roster_kind="course", roster_id="m"
        )
    )
    read = shelf.store.read
    assert await read(members.roster_of, TENANT, "room") == ("course", "m")
    assert await read(members.roster_of, TENANT, "talk") is None


async def test_who_cannot_see_a_position(shelf: Shelf) -> None:
    """An edit would show who was away what was said then, or hide it from others."""
    await shelf.write(Part("talk", ("ben",), "ada"))
    await shelf.say("ada", "behind ben")
    await shelf.write(Join("talk", (NewMember("ben"), NewMember("dan")), "ada"))
    await shelf.write(Part("talk", ("cleo",), "ada"))
    rows: tuple[tuple[int, History, set[str]], ...] = (
        (3, "all", {"ben"}),
        (3, "none", {"ben", "dan"}),
        (1, "all", set()),
        (1, "none", {"dan"}),
        (5, "all", set()),
    )
    for seq, history, expected in rows:
        read = shelf.store.read(members.blind, TENANT, "talk", seq, history)
        assert await read == expected


async def test_current_members_of_several(shelf: Shelf) -> None:
    """Somebody who left would still be looked at, or a conversation be left out."""
    await shelf.talk("second", "ada", "cleo")
    await shelf.write(Part("talk", ("ben",), None))
    found = await shelf.store.read(members.current_of, TENANT, ["talk", "second", "x"])
    assert "ben" not in found["talk"]
    assert found["second"] == ("ada", "cleo")
    assert found["x"] == ()
    assert await shelf.store.read(members.current_of, TENANT, []) == {}


async def test_who_shares_a_conversation(shelf: Shelf) -> None:
    """Anybody could be followed around, or nobody be seen to be there."""

    async def known(user_id: str, *others: str, tenant: str = TENANT) -> set[str]:
        return set(await shelf.store.read(members.acquainted, tenant, user_id, others))

    everybody = ("ada", "ben", "cleo", "dan", "nobody")
    assert await known("ada", *everybody) == {"ada", "ben", "cleo"}
    assert await known("ada") == set()
    assert await known("dan", *everybody) == set()
    assert await known("ada", *everybody, tenant="other") == set()
    await shelf.write(Part("talk", ("ben",), "ada"))
    assert await known("ada", *everybody) == {"ada", "cleo"}
    assert await known("ben", *everybody) == set()
    await shelf.talk("all", "eve", "dan", kind="mass")
    assert await known("eve", *everybody) == set()
