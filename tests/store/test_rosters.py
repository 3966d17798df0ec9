import pytest

from chatd.domain.announcements import FactsMoved
from chatd.store import people, rosters
from chatd.store.rosters import (
    PutRoster,
    PutRosterMember,
    RemoveRoster,
    RemoveRosterMember,
    RosterRecord,
)
from tests.store.shelf import TENANT, Shelf

MATHS = PutRoster("course", "m", "Maths", url="https://school.example/m")


@pytest.fixture
async def school(shelf: Shelf) -> Shelf:
    """The course m with ada as its teacher and ben."""
    await shelf.write(
        MATHS,
        PutRosterMember("course", "m", "ada", "teacher"),
        PutRosterMember("course", "m", "ben", "student"),
    )
    shelf.batches.clear()
    return shelf


async def version_of(shelf: Shelf, user: str) -> int:
    found = await shelf.store.read(people.get, TENANT, user)
    assert found is not None
    return found.version


async def test_put_keeps_the_members(school: Shelf) -> None:
    """To rename a course would empty it."""
    await school.write(PutRoster("course", "m", "Mathematics", course_id="c"))
    read = school.store.read
    assert await read(rosters.get, TENANT, "course", "m") == RosterRecord(
        kind="course",
        id="m",
        name="Mathematics",
        version=4,
        size=2,
        url=None,
        parent_id=None,
        course_id="c",
        details="{}",
    )
    assert await read(rosters.members, TENANT, "course", "m") == (
        ("ada", "teacher"),
        ("ben", "student"),
    )
    assert await read(rosters.get, TENANT, "project", "m") is None


async def test_members_move_both_versions(school: Shelf) -> None:
    """Deeds would be decided by who was on a course before."""
    await school.write(PutRosterMember("course", "m", "ben", "teacher"))
    assert await version_of(school, "ben") == 3
    assert set(school.announced) == {
        FactsMoved(TENANT, "roster", "course:m"),
        FactsMoved(TENANT, "person", "ben"),
    }
    await school.write(RemoveRosterMember("course", "m", "ben"))
    assert await version_of(school, "ben") == 4
    read = school.store.read
    assert await read(rosters.member_ids, TENANT, "course", "m") == ("ada",)


async def test_removed_with_its_members(school: Shelf) -> None:
    """People would keep the rights of a course that is gone."""
    await school.write(RemoveRoster("course", "m"))
    read = school.store.read
    assert await read(rosters.get, TENANT, "course", "m") is None
    assert await read(rosters.member_ids, TENANT, "course", "m") == ()
    assert await version_of(school, "ada") == 3


async def test_search(school: Shelf) -> None:
    """Somebody would find courses that are not the own ones."""
    await school.write(PutRoster("course", "n", "Math club"))

    async def found(part: str, member: str, kind: str = "course") -> list[str]:
        records = await school.store.read(
            rosters.search, TENANT, part, kinds=[kind], member=member, limit=9
        )
        return [one.id for one in records]

    assert await found("MATH", "ada") == ["m"]
    assert await found("math", "eve") == []
    assert await found("history", "ada") == []
    assert await found("math", "ada", "project") == []


async def test_moving_a_unit_concerns_everybody_below(shelf: Shelf) -> None:
    """A head of department would keep reaching people that moved away (ISP-3)."""
    await shelf.write(
        PutRoster("unit", "top", "Top"),
        PutRoster("unit", "mid", "Mid", parent_id="top"),
        PutRoster("unit", "low", "Low", parent_id="mid"),
        PutRosterMember("unit", "low", "ada", "student"),
        PutRosterMember("unit", "top", "ben", "manager"),
    )
    read = shelf.store.read

    async def versions() -> tuple[int, int]:
        known = await read(people.many, TENANT, ["ada", "ben"])
        return known["ada"].version, known["ben"].version

    ada, ben = await versions()
    await shelf.write(PutRoster("unit", "mid", "Renamed", parent_id="top"))
    assert await versions() == (ada, ben)
    await shelf.write(PutRoster("unit", "mid", "Renamed"))
    assert await versions() == (ada + 1, ben)
