from chatd.domain.announcements import PersonalMoved
from chatd.domain.people import PersonRecord
from chatd.store import people, personal
from chatd.store.members import Join, NewMember, Part
from chatd.store.personal import (
    MarkUnread,
    MoveRead,
    PermissionsMoved,
    PersonalChange,
    SetMarks,
    SetPreferences,
)
from tests.store.shelf import TENANT, Shelf


async def since(shelf: Shelf, user: str, seq: int, n: int = 9) -> list[PersonalChange]:
    return await shelf.store.read(personal.changes_since, TENANT, user, seq, n)


async def totals(shelf: Shelf, user: str, bound: int = 99) -> tuple[int, int]:
    return await shelf.store.read(personal.unread_totals, TENANT, user, bound, "all")


async def test_each_row_once_at_its_last_change_in_order(shelf: Shelf) -> None:
    """A client that comes back would miss a change of its own, or take an old one."""
    await shelf.write(MoveRead("talk", "ada", 1))
    await shelf.write(SetPreferences("ada", enter_sends=True))
    await shelf.write(SetMarks("talk", "ada", muted=True))
    await shelf.write(PermissionsMoved("talk", ("ada", "ben")))
    await shelf.write(MarkUnread("talk", "ada", None))
    whole = [
        PersonalChange(1, "membership", "talk"),
        PersonalChange(3, "preferences", None),
        PersonalChange(4, "marks", "talk"),
        PersonalChange(5, "permissions", "talk"),
        PersonalChange(6, "read", "talk"),
    ]
    assert await since(shelf, "ada", 0) == whole
    assert await since(shelf, "ada", 3) == whole[2:]
    assert await since(shelf, "ada", 0, 2) == whole[:2]
    assert await since(shelf, "ada", 6) == []
    assert await shelf.store.read(personal.head, TENANT, "ada") == 6
    assert await shelf.store.read(personal.head, TENANT, "nobody") == 0
    moves = [one for one in shelf.announced if isinstance(one, PersonalMoved)]
    assert [one.personal_seq for one in moves if one.user_id == "ada"] == [*range(2, 7)]


async def test_memberships_are_a_persons_own(shelf: Shelf) -> None:
    """A person's other devices would not learn of a new or a lost conversation."""
    await shelf.write(Join("talk", (NewMember("dan"),), "ada"))
    assert await since(shelf, "dan", 0) == [PersonalChange(1, "membership", "talk")]
    shelf.clock.at_ms += 7
    await shelf.write(Part("talk", ("dan",), "ada"))
    assert await since(shelf, "dan", 1) == [PersonalChange(2, "membership", "talk")]
    at = await shelf.store.read(personal.changed_at_ms, TENANT, "dan")
    assert at == shelf.clock.at_ms
    assert await shelf.store.read(personal.changed_at_ms, TENANT, "nobody") == 0


async def test_the_read_mark_never_moves_back(shelf: Shelf) -> None:
    """A slow device would make unread what was read on another one."""
    for _ in range(3):
        await shelf.say("ben")
    await shelf.write(MoveRead("talk", "ada", 4))
    await shelf.write(MoveRead("talk", "ada", 2))
    assert await totals(shelf, "ada") == (0, 0)
    await shelf.write(MarkUnread("talk", "ada", 2))
    assert await totals(shelf, "ada") == (2, 1)


async def test_totals(shelf: Shelf) -> None:
    """The number at the bell would be wrong."""
    await shelf.talk("second", "ada", "ben")
    for _ in range(3):
        await shelf.say("ben")
    await shelf.say("ben", to="second")
    assert await totals(shelf, "ada") == (4, 2)
    assert await totals(shelf, "ada", 2) == (3, 2)
    assert await totals(shelf, "ben") == (0, 0)
    await shelf.write(MarkUnread("talk", "ben", None))
    assert await totals(shelf, "ben") == (0, 1)
    await shelf.write(Part("talk", ("ada",), "ben"))
    assert await totals(shelf, "ada") == (1, 1)


async def test_own_message_reads_up_to_it(shelf: Shelf) -> None:
    """Whoever answers would still be told of what was answered."""
    await shelf.say("ben")
    await shelf.write(MarkUnread("talk", "ada", None))
    await shelf.say("ada")
    assert await totals(shelf, "ada") == (0, 0)


async def test_settings_that_are_not_named_stay(shelf: Shelf) -> None:
    """To set one thing would reset another."""

    async def ada() -> PersonRecord:
        found = await shelf.store.read(people.get, TENANT, "ada")
        assert found is not None
        return found

    await shelf.write(SetPreferences("ada", enter_sends=True, language="nb"))
    await shelf.write(SetPreferences("ada", language="sv"))
    assert ((await ada()).enter_sends, (await ada()).language) == (True, "sv")
    await shelf.write(SetPreferences("ada", enter_sends=False))
    assert ((await ada()).enter_sends, (await ada()).language) == (False, "sv")
