import pytest

from chatd.domain.announcements import FactsMoved, SessionsEnded
from chatd.domain.people import Details, Enrolment, PersonRecord
from chatd.store import people
from chatd.store.people import EndSessions, PutPerson
from chatd.store.personal import SetPreferences
from chatd.store.rosters import PutRoster, PutRosterMember
from tests.store.shelf import TENANT, Shelf


async def test_put_and_replaced(shelf: Shelf) -> None:
    """The directory's facts would be lost, or settings with every update."""
    await shelf.write(SetPreferences("ada", language="nb"), EndSessions("ada", 5))
    write = PutPerson(
        "ada",
        "Ada L",
        ("teacher", "student"),
        title="Dr",
        email="ada@school.example",
        avatar_url="https://school.example/ada.png",
        active=False,
        messaging_disabled=True,
        details=Details(supervises=("ben",)),
    )
    await shelf.write(write)
    assert await shelf.store.read(people.get, TENANT, "ada") == PersonRecord(
        id="ada",
        name="Ada L",
        roles=("teacher", "student"),
        version=3,
        title="Dr",
        email="ada@school.example",
        avatar_url="https://school.example/ada.png",
        active=False,
        messaging_disabled=True,
        tokens_valid_from_ms=5,
        language="nb",
        details=Details(supervises=("ben",)),
    )
    assert shelf.announced[-1] == FactsMoved(TENANT, "person", "ada")


async def test_many(shelf: Shelf) -> None:
    """One unknown id would hide all the known ones."""
    found = await shelf.store.read(people.many, TENANT, ["ada", "nobody", "ben"])
    assert sorted(found) == ["ada", "ben"]
    assert await shelf.store.read(people.many, TENANT, []) == {}


async def test_sessions_end_and_stay_ended(shelf: Shelf) -> None:
    """A token that was withdrawn would be good again."""
    await shelf.write(EndSessions("ada", 900))
    await shelf.write(EndSessions("ada", 100))
    found = await shelf.store.read(people.get, TENANT, "ada")
    assert found is not None
    assert (found.tokens_valid_from_ms, found.version) == (900, 3)
    assert SessionsEnded(TENANT, "ada", 900) in shelf.announced


async def test_enrolments(shelf: Shelf) -> None:
    """A rule would be decided without a person's courses."""
    await shelf.write(
        PutRoster("course", "m", "Maths"),
        PutRosterMember("course", "m", "ada", "teacher"),
        PutRosterMember("group", "g", "ada", "member"),
    )
    read = shelf.store.read
    assert await read(people.enrolments, TENANT, ["ada", "ben"]) == {
        "ada": (Enrolment("course", "m", "teacher"), Enrolment("group", "g", "member")),
        "ben": (),
    }
    assert await read(people.enrolments, TENANT, []) == {}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("ADA", ["ada"]),
        ("e", ["ben", "cleo", "eve", "frau"]),
        ("100%", ["dan"]),
        ("%", ["dan"]),
        ("_", []),
        ("!", []),
        ("STRASSE", ["frau"]),
    ],
)
async def test_search(shelf: Shelf, part: str, expected: list[str]) -> None:
    """Somebody would not be found, or a sign in the search would match everybody."""
    await shelf.write(
        PutPerson("dan", "Dan 100%", ("student",)),
        PutPerson("gone", "Ada Eve", ("student",), active=False),
        PutPerson("frau", "Frau Straße", ("teacher",)),
    )
    found = await shelf.store.read(people.search, TENANT, part, 9)
    assert [one.id for one in found] == expected


async def test_enrolments_know_batches_and_the_units_above(shelf: Shelf) -> None:
    """A tutor would reach another batch, a department's head not the people below."""
    await shelf.write(
        PutRoster("unit", "top", "Top"),
        PutRoster("unit", "mid", "Mid", parent_id="top"),
        PutRoster("unit", "low", "Low", parent_id="mid"),
        PutRosterMember("unit", "low", "ada", "student"),
        PutRoster("group", "b", "B", details='{"kind":"batch","messaging":true}'),
        PutRosterMember("group", "b", "ada", "student"),
    )
    found = await shelf.store.read(people.enrolments, TENANT, ["ada"])
    assert found["ada"] == (
        Enrolment("group", "b", "student", "batch"),
        Enrolment("unit", "low", "student", "", ("mid", "top")),
    )
