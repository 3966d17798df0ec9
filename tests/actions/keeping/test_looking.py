"""If these fail, staff read what they may not, or unseen (MOO-81, MOO-94)."""

import pytest

from chatd.actions import conversations, paging
from chatd.actions.directory import policies
from chatd.actions.keeping import looking
from chatd.domain.people import Details
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.http.keeping import ReadConversations, ReadMessages
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.policy import PutPolicy
from chatd_protocol.chat.requests import (
    GetConversation,
    ListMessages,
    SetConversationPreferences,
)
from tests.actions.deeds import refused, report, send, start, who
from tests.actions.keeping.trailing import noted
from tests.support.house import TENANT, House

MANAGER = who("manager")


@pytest.fixture
async def moodle(school: House) -> House:
    """Moodle's rules, and a manager who has the capability."""
    able = Details(privileges=("readallmessages",))
    await school.write(
        PutTenant("School", "moodle"),
        PutPerson("manager", "Manager", ("admin",), details=able),
    )
    return school


@pytest.fixture
async def talk(moodle: House) -> Conversation:
    made = await start(moodle, "sue", "tom")
    await send(moodle, "tom", made.id, "between us")
    draft = SetConversationPreferences(conversation_id=made.id, draft="not yet said")
    await conversations.set_preferences(moodle.context, who("sue"), draft)
    return made


async def test_another_persons_area(moodle: House, talk: Conversation) -> None:
    """A manager could not look, would see drafts, or mark things as read."""
    listed = await looking.read_conversations(
        moodle.context, MANAGER, ReadConversations(user_id="sue")
    )
    (one,) = [each for each in listed.conversations if each.id == talk.id]
    assert (one.draft, one.unread.count) == (None, 1)
    asked = ReadMessages(user_id="sue", conversation_id=talk.id)
    page = await looking.read_messages(moodle.context, MANAGER, asked)
    assert [each.text for each in page.messages] == ["between us"]
    mine = GetConversation(conversation_id=talk.id)
    after = await conversations.get(moodle.context, who("sue"), mine)
    assert (after.unread.count, after.draft) == (1, "not yet said")
    assert await noted(moodle, "conversations.listed", "conversation.read") == [
        ("manager", "conversations.listed", "sue"),
        ("manager", "conversation.read", talk.id),
    ]


async def test_only_what_that_person_sees(moodle: House, talk: Conversation) -> None:
    """Looking at one person would open the conversations of everybody."""
    strange = ReadMessages(user_id="uma", conversation_id=talk.id)
    await refused("not_found", looking.read_messages(moodle.context, MANAGER, strange))
    nobody = ReadConversations(user_id="nobody")
    await refused(
        "not_found", looking.read_conversations(moodle.context, MANAGER, nobody)
    )


@pytest.mark.parametrize("person", ["anna", "adam", "tom", "nobody"])
async def test_nobody_without_the_capability(
    moodle: House, talk: Conversation, person: str
) -> None:
    """Any teacher would read what pupils write to each other."""
    for user_id in ("sue", "nobody"):
        area = ReadConversations(user_id=user_id)
        one = ReadMessages(user_id=user_id, conversation_id=talk.id)
        caller = who(person)
        looks = (
            looking.read_conversations(moodle.context, caller, area),
            looking.read_messages(moodle.context, caller, one),
        )
        for look in looks:
            await refused("forbidden", look)
    assert await noted(moodle, "conversations.listed", "conversation.read") == []


async def test_who_reported_is_not_told(moodle: House, talk: Conversation) -> None:
    """Staff who were reported would read in the reporter's area who it was (ITS-89)."""
    asked = PutPolicy(tenant_id=TENANT, policy={"report": {"to": "central_queue"}})
    await policies.put(moodle.context, moodle.platform, asked)
    bad = await send(moodle, "tom", talk.id, "bad words")
    made = await report(moodle, "sue", bad.id, None)
    own = ListMessages(conversation_id=talk.id)
    mine = await paging.page(moodle.context, who("sue"), own)
    assert mine.reported == {bad.id: made.id}
    area = ReadMessages(user_id="sue", conversation_id=talk.id)
    page = await looking.read_messages(moodle.context, MANAGER, area)
    assert page.reported is None
