"""If these fail, people see what they could do yesterday, not what they may do now."""

import pytest

from chatd.actions import conversations
from chatd.actions.directory import rosters, telling
from chatd.domain.announcements import PersonalMoved
from chatd.domain.presets import PRESETS
from chatd.store.rosters import PutRoster, PutRosterMember, RemoveRosterMember
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.requests import GetConversation
from tests.actions.deeds import refused, send, start, who
from tests.support.house import TENANT, House


def moved(school: House) -> set[str]:
    return {one.user_id for one in school.announced if isinstance(one, PersonalMoved)}


@pytest.fixture
def school(full_school: House) -> House:
    return full_school


async def test_leaving_a_batch_ends_a_talk_live(school: House) -> None:
    """The composer would stay after the relationship has ended (TUT-34, ISP-25)."""
    await school.write(
        PutTenant("School", "tutoring"),
        PutRoster("group", "b", "B", course_id="math", details='{"kind":"batch"}'),
        PutRosterMember("group", "b", "anna", "teacher"),
        PutRosterMember("group", "b", "zed", "student"),
    )
    talk = await start(school, "anna", "zed")
    await send(school, "zed", talk.id)
    school.announced.clear()
    await rosters.delete_member(
        school.context, school.platform, RemoveRosterMember("group", "b", "zed")
    )
    assert moved(school) == {"anna", "zed"}
    for person in ("anna", "zed"):
        get = GetConversation(conversation_id=talk.id)
        seen = await conversations.get(school.context, who(person), get)
        assert seen.denied["send"] == "relationship_ended"
        await refused("relationship_ended", send(school, person, talk.id))
    await rosters.put_member(
        school.context,
        school.platform,
        PutRosterMember("group", "b", "zed", "student"),
    )
    await send(school, "zed", talk.id)


async def test_a_school_of_many_pages_is_told_whole(
    school: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes late in the alphabet would not hear of a change."""
    for other in ("tom", "uma", "anna"):
        await start(school, "sue", other)
    await start(school, "anna", "tom", "uma")
    school.announced.clear()
    monkeypatch.setattr(telling, "PAGE", 2)
    before = PRESETS["itslearning"]
    await telling.retold(school.context, TENANT, before, PRESETS["moodle"])
    assert moved(school) == {"anna", "sue", "tom", "uma"}


@pytest.fixture
async def units(school: House) -> House:
    """North with its class, where zed is and anna teaches; south stands apart."""
    await school.write(
        PutTenant("School", "tutoring"),
        PutRoster("unit", "north", "North"),
        PutRoster("unit", "south", "South"),
        PutRoster("unit", "class", "Class", parent_id="north"),
        PutRosterMember("unit", "class", "zed", "student"),
        PutRosterMember("unit", "north", "adam", "manager"),
    )
    return school


async def may_send(school: House, person: str, id_: str) -> bool:
    request = GetConversation(conversation_id=id_)
    seen = await conversations.get(school.context, who(person), request)
    return "send" not in seen.denied


@pytest.mark.parametrize("how", ["moves", "goes"])
async def test_a_unit_that_moves_takes_relations_along(units: House, how: str) -> None:
    """An admin would go on writing to pupils of another institution (TUT-18, 34)."""
    talk = await start(units, "adam", "zed")
    assert await may_send(units, "zed", talk.id)
    units.announced.clear()
    wanted = PutRoster("unit", "class", "Class", parent_id="south")
    if how == "moves":
        await rosters.put(units.context, units.platform, wanted)
    else:
        await rosters.delete(units.context, units.platform, "unit", "class")
    assert moved(units) == {"adam", "zed"}
    assert not await may_send(units, "zed", talk.id)
    units.announced.clear()
    if how == "moves":
        # Another name is no move.
        renamed = PutRoster("unit", "class", "Class 7", parent_id="south")
        await rosters.put(units.context, units.platform, renamed)
        assert moved(units) == set()


async def test_telling_of_a_unit_takes_pages(
    units: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a school that moves only the first few people would hear."""
    monkeypatch.setattr(telling, "PEOPLE_PAGE", 2)
    pupils = [f"p{number}" for number in range(5)]
    await units.people(*pupils)
    await units.write(*(PutRosterMember("unit", "class", p, "student") for p in pupils))
    for pupil in pupils:
        await start(units, "adam", pupil)
    units.announced.clear()
    wanted = PutRoster("unit", "class", "Class", parent_id="south")
    await rosters.put(units.context, units.platform, wanted)
    assert moved(units) == {"adam", *pupils}
