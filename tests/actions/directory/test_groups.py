"""If these fail, a course group talks without its people, or people without theirs."""

import pytest

from chatd.actions import conversations, reading
from chatd.actions.directory import policies, rosters, tenants
from chatd.actions.directory.groups import GroupDetails, details_of
from chatd.actions.sessions import OPERATOR
from chatd.domain.announcements import PersonalMoved
from chatd.store.rosters import PutRoster, PutRosterMember, RemoveRosterMember
from chatd.store.tenants import PutTenant
from chatd_protocol.chat import directory, requests
from chatd_protocol.chat.directory import Preset
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.policy import PutPolicy
from tests.actions.deeds import refused, send, who
from tests.support.house import TENANT, House

ON, OFF = (
    '{"kind":"courseGroup","messaging":true}',
    ('{"kind":"courseGroup","messaging":false}'),
)


@pytest.fixture
async def moodle(full_school: House) -> House:
    await full_school.write(PutTenant("School", "moodle"))
    return full_school


async def put(school: House, details: str = ON, name: str = "Group A") -> None:
    wanted = PutRoster("group", "a", name, course_id="math", details=details)
    await rosters.put(school.context, school.platform, wanted)


async def seat(school: House, *users: str) -> None:
    for user in users:
        wanted = PutRosterMember("group", "a", user, "student")
        await rosters.put_member(school.context, school.platform, wanted)


async def listed(school: House, reader: str) -> list[Conversation]:
    request = requests.ListConversations()
    page = await conversations.page(school.context, who(reader), request)
    return list(page.conversations)


async def test_one_conversation_follows_the_group(moodle: House) -> None:
    """Groups would be started by hand, or not left (MOO-41 … 43, MOO-46, PLU-8)."""
    await put(moodle)
    await seat(moodle, "sue", "tom")
    (own,) = await listed(moodle, "sue")
    assert (own.kind, own.title, own.group_id) == ("courseGroup", "Group A", "a")
    assert own.participant_count == 2
    assert await listed(moodle, "uma") == []
    await send(moodle, "tom", own.id)
    gone = RemoveRosterMember("group", "a", "tom")
    await rosters.delete_member(moodle.context, moodle.platform, gone)
    await refused("not_enrolled", send(moodle, "tom", own.id))
    assert own.denied["leave"] == own.denied["rename"] == own.denied["close"]
    await put(moodle, name="Group B")
    (own,) = await listed(moodle, "sue")
    assert own.title == "Group B"


async def test_switching_off_hides_and_on_brings_back(moodle: House) -> None:
    """Messages would be lost, or count although nobody sees them (MOO-47, MOO-48)."""
    await put(moodle)
    await seat(moodle, "sue", "tom")
    (own,) = await listed(moodle, "sue")
    await send(moodle, "tom", own.id, "before")
    await put(moodle, OFF)
    assert await listed(moodle, "sue") == []
    totals = await reading.unread(moodle.context, who("sue"), requests.GetUnread())
    assert (totals.messages, totals.conversations) == (0, 0)
    await refused("not_enrolled", send(moodle, "sue", own.id))
    await seat(moodle, "uma")
    assert await listed(moodle, "uma") == []
    await put(moodle, ON)
    (back,) = await listed(moodle, "sue")
    assert back.id == own.id
    assert back.last_message is not None
    assert back.last_message.text == "before"
    assert [one.id for one in await listed(moodle, "uma")] == [own.id]


async def test_a_batch_and_other_platforms_have_none(full_school: House) -> None:
    """A tutoring platform would get group conversations (TUT-1)."""
    await put(full_school)
    await seat(full_school, "sue")
    assert await listed(full_school, "sue") == []
    await full_school.write(PutTenant("School", "moodle"))
    await put(full_school, '{"kind":"batch","messaging":true}')
    assert await listed(full_school, "sue") == []


def test_details() -> None:
    """A group of an older database would have no messaging."""
    roster = PutRoster("group", "a", "A", details="{}")
    assert details_of(roster) == GroupDetails("courseGroup", messaging=True)


@pytest.mark.parametrize("by_operator", [True, False])
async def test_a_platform_that_becomes_moodle(
    full_school: House, by_operator: bool
) -> None:
    """The groups of a school would be silent until each is put again (MOO-41)."""
    school = full_school
    for id_, details in (("a", ON), ("b", OFF), ("c", '{"kind":"batch"}'), ("d", ON)):
        wanted = PutRoster(
            "group", id_, f"Group {id_}", course_id="math", details=details
        )
        await rosters.put(school.context, school.platform, wanted)
        for user in ("sue", "tom"):
            seat_ = PutRosterMember("group", id_, user, "student")
            await rosters.put_member(school.context, school.platform, seat_)
    assert await listed(school, "sue") == []
    school.announced.clear()

    async def become(preset: Preset) -> None:
        if by_operator:
            request = directory.PutTenant(
                tenant_id=TENANT, name="School", preset=preset
            )
            operator = who("op", TENANT, OPERATOR)
            await tenants.put(school.context, operator, request)
        else:
            rules = PutPolicy(tenant_id=TENANT, preset=preset)
            await policies.put(school.context, school.platform, rules)

    await become("moodle")
    assert {one.title for one in await listed(school, "sue")} == {"Group a", "Group d"}
    told = {one.user_id for one in school.announced if isinstance(one, PersonalMoved)}
    assert {"sue", "tom"} <= told
    (talk, _) = await listed(school, "tom")
    assert talk.participant_count == 2
    await send(school, "tom", talk.id)
    # Back and forth makes no second ones.
    await become("itslearning")
    await become("moodle")
    assert len(await listed(school, "sue")) == 2
