"""If these fail, a mass message goes to the wrong people, or from the wrong ones."""

import pytest

from chatd.actions.mass import sending
from chatd.store.people import PutPerson
from chatd.store.tenants import PutPolicy, PutTenant
from chatd_protocol.chat.social.mass import AudiencePreview
from tests.actions.deeds import refused, who
from tests.actions.mass.schools import counted, furnish, privileged, send
from tests.support.house import House


@pytest.fixture
async def units(school: House) -> House:
    await furnish(school)
    return school


async def preview(
    school: House, sender: str, *recipients: str, roles: tuple[str, ...] = ()
) -> AudiencePreview:
    request = counted(*recipients, roles=roles)
    return await sending.preview(school.context, who(sender), request)


def by_role(found: AudiencePreview) -> dict[str, int]:
    assert sum(one.count for one in found.roles) == found.count
    return {one.role: one.count for one in found.roles}


async def test_only_with_the_privilege(units: House) -> None:
    """Everybody could write to a whole school (ITS-107, MOO-63)."""
    for one in ("ben", "adam", "sue"):
        await refused("forbidden", preview(units, one, "unit:north"))
        await refused("forbidden", send(units, one, "unit:north"))
    await privileged(units, "ben")
    assert (await preview(units, "ben")).count == 0  # and belongs nowhere


async def test_people_of_the_senders_hierarchies(units: House) -> None:
    """A teacher would reach another school (ITS-109)."""
    found = await preview(units, "anna")
    assert by_role(found) == {"admin": 1, "teacher": 1, "student": 2}
    assert (found.replies, found.undo_seconds) == ("none", 5)
    below = await preview(units, "anna", "unit:north-a")
    assert by_role(below) == {"student": 1}
    for other in ("unit:south", "unit:region", "unit:nowhere"):
        await refused("recipient_unknown", preview(units, "anna", other))
    for kind in ("user:sue", "course:math"):
        await refused("invalid_request", preview(units, "anna", kind))


async def test_each_person_once_under_the_first_role(units: House) -> None:
    """Who is teacher and parent would count twice, or be left out (ITS-114, 117)."""
    both = await preview(units, "anna", "unit:north", "unit:north-a")
    assert both.count == 4
    parents = await preview(units, "anna", "unit:north", roles=("guardian",))
    assert by_role(parents) == {"guardian": 1}
    staff = await preview(units, "anna", "unit:north", roles=("guardian", "teacher"))
    assert by_role(staff) == {"teacher": 1}
    none = await preview(units, "anna", "unit:north", roles=("observer",))
    assert none.count == 0
    await refused("invalid_request", send(units, "anna", roles=("observer",)))


async def test_who_cannot_get_it_is_not_counted(units: House) -> None:
    """Fewer would get it than were shown."""
    await units.write(
        PutPerson("sue", "Sue", ("student",), active=False),
        PutPerson("tom", "Tom", ("student",), messaging_disabled=True),
    )
    assert by_role(await preview(units, "anna")) == {"admin": 1, "teacher": 1}


async def test_in_whose_name_depends_on_the_choice(units: House) -> None:
    """A class could speak for the region, or a school not for itself (ITS-115)."""
    found = await preview(units, "anna", "unit:north-a")
    names = {one.unit_id: one.name for one in found.organisations}
    assert names == {"north-a": "North-A", "north": "North", "region": "Region"}
    found = await preview(units, "anna", "unit:north", "unit:north-a")
    assert [one.unit_id for one in found.organisations] == [
        "north",
        "north-a",
        "region",
    ]
    sending_ = send(units, "anna", "unit:north", as_unit_id="south")
    await refused("invalid_request", sending_)


async def test_where_people_can_be_named(units: House) -> None:
    """Nobody could be picked where a platform lets them be (PLU-10, PLU-11)."""
    await units.write(PutTenant("School", "moodle"))
    await privileged(units, "ben")
    found = await preview(units, "anna", "course:math", "user:zed", "unit:north")
    assert by_role(found) == {"admin": 1, "teacher": 1, "student": 4}
    assert (found.replies, found.organisations) == ("direct", ())
    await refused("recipient_unknown", preview(units, "ben", "course:math"))
    await refused("recipient_unknown", preview(units, "anna", "unit:south"))
    everybody = await preview(units, "adam")
    assert everybody.count == 7
    assert (await preview(units, "adam", "unit:south")).count == 1


async def test_where_there_are_none(units: House) -> None:
    """A platform without them would have them, or a school could not switch them on."""
    await units.write(PutTenant("School", "tutoring"))
    await refused("forbidden", preview(units, "anna"))
    rules = '{"kinds":["direct","mass"],"mass":{"roles":["teacher"],"undoS":0}}'
    await units.write(PutPolicy("tutoring", rules))
    assert (await preview(units, "anna")).undo_seconds == 0
