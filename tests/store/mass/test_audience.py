"""If these fail, other people are meant than those who were named."""

import pytest

from chatd.store.change import Moved
from chatd.store.mass import audience
from chatd.store.mass.audience import NOBODY, Audience, PutOrganisation
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember
from tests.store.shelf import TENANT, Shelf


@pytest.fixture
async def units(shelf: Shelf) -> Shelf:
    """Ada and ben below the top, cleo at the top and on a course, dan nowhere."""
    await shelf.write(
        PutPerson("cleo", "Cleo", ("guardian", "teacher")),
        PutPerson("nix", "Nix", ()),
        PutRoster("unit", "top", "Top"),
        PutRoster("unit", "low", "Low", parent_id="top"),
        PutRoster("course", "low", "A course of the same id"),
        PutRosterMember("unit", "low", "ada", "member"),
        PutRosterMember("unit", "low", "ben", "member"),
        PutRosterMember("unit", "top", "ben", "member"),
        PutRosterMember("unit", "top", "cleo", "member"),
        PutRosterMember("course", "low", "dan", "student"),
    )
    return shelf


async def counted(
    shelf: Shelf, asked: Audience, tenant: str = TENANT
) -> dict[str, int]:
    return dict(await shelf.store.read(audience.counts, tenant, asked))


async def test_units_with_all_below_and_each_person_once(units: Shelf) -> None:
    """A unit below would be left out, or who is on two of them count twice."""
    assert await counted(units, Audience("x", units=("top",))) == {
        "teacher": 1,
        "student": 2,
    }
    assert await counted(units, Audience("x", units=("low", "top"))) == {
        "teacher": 1,
        "student": 2,
    }
    assert await counted(units, Audience("ada", units=("low",))) == {"student": 1}
    assert await counted(units, Audience("x", units=("top",)), "other") == {}


async def test_everything_that_can_be_named(units: Shelf) -> None:
    """A course would mean the unit of the same id, or names not add up."""
    course = Audience("x", rosters=(("course", "low"),))
    assert await counted(units, course) == {"student": 1}
    all_ = Audience("x", ("low",), (("course", "low"),), ("cleo", "dan", "nobody"))
    assert await counted(units, all_) == {"teacher": 1, "student": 3}
    everybody = Audience("x", everybody=True)
    assert await counted(units, everybody) == {"teacher": 1, "student": 4, NOBODY: 1}
    parents = Audience("x", everybody=True, roles=("guardian",))
    assert await counted(units, parents) == {"guardian": 1}


async def test_a_unit_above_itself(units: Shelf) -> None:
    """A directory that goes round in circles would never be counted to its end."""
    await units.write(PutRoster("unit", "top", "Top", parent_id="low"))
    assert sum((await counted(units, Audience("x", units=("low",)))).values()) == 3


async def test_who_stands_for_a_unit(units: Shelf) -> None:
    """A school would have two faces."""
    await units.write(PutOrganisation("top", "ada"))
    with pytest.raises(Moved):
        await units.write(PutOrganisation("top", "ben"))
    read = units.store.read
    assert await read(audience.organisation, TENANT, "top") == "ada"
    assert await read(audience.organisation, "other", "top") is None
    names = await read(audience.unit_names, TENANT, ["top", "low", "nothing"])
    assert names == {"top": "Top", "low": "Low"}
    assert await read(audience.unit_names, TENANT, []) == {}
