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
