"""If these fail, a conversation is changed by who may not, or listed wrongly."""

import pytest

from chatd.actions import conversations, members, messages, paging, reading
from chatd.store.tenants import PutTenant
from chatd_protocol.chat import requests
from chatd_protocol.chat.objects import Conversation
from tests.actions.deeds import refused, send, start, who
from tests.support.house import House


async def listed(school: House, reader: str, **fields: object) -> list[str]:
    request = requests.ListConversations(**fields)  # type: ignore[arg-type]
    page = await conversations.page(school.context, who(reader), request)
    return [one.id for one in page.conversations]


async def test_the_list_is_by_last_activity_and_pages(school: House) -> None:
    """A conversation would be missing from the list, or stand twice (UX-4)."""
    ids = []
    for other in ("tom", "uma", "anna"):
        school.clock.at_ms += 1_000
        ids.append((await start(school, "sue", other)).id)
    assert await listed(school, "sue") == ids[::-1]
    school.clock.at_ms += 1_000
    await send(school, "tom", ids[0])
    order = [ids[0], ids[2], ids[1]]
    request = requests.ListConversations(limit=2)
    first = await conversations.page(school.context, who("sue"), request)
    assert [one.id for one in first.conversations] == order[:2]
    assert first.next is not None
    assert await listed(school, "sue", limit=2, cursor=first.next) == order[2:]
    assert first.unread.conversations == 1
    wrong = requests.ListConversations(cursor="nonsense")
    await refused(
        "invalid_request", conversations.page(school.context, who("sue"), wrong)
    )


async def test_filters(school: House) -> None:
    """People could not find a conversation again (ITS-129)."""
    group = await start(school, "anna", "sue", "tom")
    direct = await start(school, "sue", "tom")
    marks = requests.SetConversationPreferences(
        conversation_id=direct.id, starred=True, archived=True
    )
    await conversations.set_preferences(school.context, who("sue"), marks)
    await send(school, "anna", group.id)
    assert await listed(school, "sue") == [group.id]
    assert await listed(school, "sue", filter="unread") == [group.id]
    assert await listed(school, "sue", filter="starred") == [direct.id]
    assert await listed(school, "sue", filter="archived") == [direct.id]
    leave = requests.LeaveConversation(conversation_id=group.id)
    await conversations.leave(school.context, who("sue"), leave)
    await conversations.leave(school.context, who("sue"), leave)
    assert await listed(school, "sue") == []
    assert await listed(school, "sue", filter="closed") == [group.id]


async def test_who_has_left_sees_the_conversation_as_it_was(school: House) -> None:
    """Titles, counts and edits of later would reach who is gone."""
    group = await start(school, "anna", "sue", "tom", title="Then")
    sent = await send(school, "anna", group.id, "old words")
    leave = requests.LeaveConversation(conversation_id=group.id)
    await conversations.leave(school.context, who("sue"), leave)
    rename = requests.RenameConversation(conversation_id=group.id, title="Now")
    await conversations.rename(school.context, who("anna"), rename)
    edit = requests.EditMessage(message_id=sent.id, text="new words")
    await messages.edit(school.context, who("anna"), edit)
    close = requests.CloseConversation(conversation_id=group.id)
    await conversations.close(school.context, who("anna"), close)
    get = requests.GetConversation(conversation_id=group.id)
    seen = await conversations.get(school.context, who("sue"), get)
    assert (seen.title, seen.state, seen.head_seq) == ("Then", "open", 3)
    assert (seen.participant_count, seen.member) == (2, False)
    assert seen.last_message is not None
    assert seen.last_message.text is None
    assert seen.last_message.removed is not None
    assert seen.last_message.removed.notice == "edited_after_leaving"
    assert seen.denied["send"] == "not_participant"


@pytest.fixture
async def course(school: House) -> Conversation:
    return await start(school, "sue", course="math")


async def test_closing_and_reopening(school: House, course: Conversation) -> None:
    """A closed conversation would go on, or never open again (ITS-99 … 101)."""
    close = requests.CloseConversation(conversation_id=course.id)
    reopen = requests.ReopenConversation(conversation_id=course.id)
    await refused("forbidden", conversations.close(school.context, who("sue"), close))
    closed = await conversations.close(school.context, who("anna"), close)
    assert closed.state == "closed"
    assert await conversations.close(school.context, who("anna"), close) == closed
    await refused("conversation_closed", send(school, "sue", course.id))
    opened = await conversations.reopen(school.context, who("anna"), reopen)
    assert (opened.state, opened.head_seq) == ("open", closed.head_seq + 1)
    await send(school, "sue", course.id)


async def test_a_closed_conversation_stands_still(
    school: House, course: Conversation
) -> None:
    """Somebody would go on in a conversation that a teacher has ended (ITS-105)."""
    said = await send(school, "sue", course.id)
    close = requests.CloseConversation(conversation_id=course.id)
    closed = await conversations.close(school.context, who("anna"), close)
    edit = requests.EditMessage(message_id=said.id, text="other words")
    typing = requests.Typing(conversation_id=course.id)
    for person in ("sue", "anna"):
        await refused("conversation_closed", send(school, person, course.id))
        await refused(
            "conversation_closed",
            reading.typing(school.context, who(person), typing),
        )
    await refused(
        "conversation_closed", messages.edit(school.context, who("sue"), edit)
    )
    group = await start(school, "anna", "sue", "tom")
    close = requests.CloseConversation(conversation_id=group.id)
    await conversations.close(school.context, who("anna"), close)
    add = requests.AddParticipants(conversation_id=group.id, user_ids=("uma",))
    await refused("conversation_closed", members.add(school.context, who("anna"), add))
    get = requests.GetConversation(conversation_id=course.id)
    seen = await conversations.get(school.context, who("anna"), get)
    assert seen.head_seq == closed.head_seq


async def test_a_deleted_course_conversation_makes_way(
    school: House, course: Conversation
) -> None:
    """A course could not start anew, or its history would be gone (ITS-102, 103)."""
    delete = requests.DeleteConversation(conversation_id=course.id)
    await refused("forbidden", conversations.delete(school.context, who("sue"), delete))
    gone = await conversations.delete(school.context, who("anna"), delete)
    assert (gone.state, gone.denied["send"]) == ("deleted", "conversation_deleted")
    reopen = requests.ReopenConversation(conversation_id=course.id)
    await refused(
        "conversation_deleted",
        conversations.reopen(school.context, who("anna"), reopen),
    )
    anew = await start(school, "sue", course="math")
    assert anew.id != course.id


async def test_renaming(school: House) -> None:
    """A title would be lost, empty, or set where there is none (ITS-28, ITS-37)."""
    group = await start(school, "anna", "sue", "tom")
    rename = requests.RenameConversation(conversation_id=group.id, title=" Our\nteam ")
    renamed = await conversations.rename(school.context, who("tom"), rename)
    assert (renamed.title, renamed.head_seq) == ("Our team", 2)
    again = await conversations.rename(school.context, who("sue"), rename)
    assert again.head_seq == 2
    direct = await start(school, "sue", "tom")
    rename = requests.RenameConversation(conversation_id=direct.id, title="x")
    await refused("forbidden", conversations.rename(school.context, who("sue"), rename))


async def test_marks_are_the_persons_own(school: House) -> None:
    """A draft or a star would be seen by others, or not be taken back (UX-34)."""
    group = await start(school, "anna", "sue", "tom")

    async def mark(**fields: object) -> Conversation:
        request = requests.SetConversationPreferences(
            conversation_id=group.id,
            **fields,  # type: ignore[arg-type]
        )
        return await conversations.set_preferences(school.context, who("sue"), request)

    await mark(muted=True, draft="half a")
    marked = await mark(starred=True)
    assert (marked.muted, marked.starred, marked.draft) == (True, True, "half a")
    assert (await mark(draft="")).draft is None
    get = requests.GetConversation(conversation_id=group.id)
    other = await conversations.get(school.context, who("tom"), get)
    assert (other.muted, other.starred, other.draft) == (False, False, None)
    await refused("not_found", conversations.get(school.context, who("zed"), get))


@pytest.mark.parametrize("preset", ["ispring-open", "moodle"])
async def test_deleting_is_for_oneself_until_something_new_comes(
    school: House, preset: str
) -> None:
    """The other one would lose the past, or the past come back (ISP-18, MOO-57)."""
    await school.write(PutTenant("School", preset))
    talk = await start(school, "sue", "tom")
    await send(school, "tom", talk.id, "old words")
    star = requests.SetConversationPreferences(conversation_id=talk.id, starred=True)
    await conversations.set_preferences(school.context, who("sue"), star)
    delete = requests.DeleteConversation(conversation_id=talk.id)
    gone = await conversations.delete(school.context, who("sue"), delete)
    assert (gone.last_message, gone.unread.count) == (None, 0)
    again = await conversations.delete(school.context, who("sue"), delete)
    assert again.cleared_seq == gone.cleared_seq
    for filter_ in ("all", "unread", "starred", "archived", "closed"):
        assert await listed(school, "sue", filter=filter_) == []
    assert await listed(school, "tom") == [talk.id]
    history = requests.ListMessages(conversation_id=talk.id)
    seen = await paging.page(school.context, who("sue"), history)
    assert seen.messages == ()
    kept = await paging.page(school.context, who("tom"), history)
    assert [one.text for one in kept.messages] == ["old words"]
    await send(school, "tom", talk.id, "new words")
    assert await listed(school, "sue", filter="starred") == [talk.id]
    seen = await paging.page(school.context, who("sue"), history)
    assert [one.text for one in seen.messages] == ["new words"]


async def test_nothing_is_deleted_where_the_platform_does_not(school: House) -> None:
    """A pupil could make a talk unreadable that is looked into (TUT-35)."""
    await school.write(PutTenant("School", "tutoring"))
    talk = await start(school, "sue", "anna")
    delete = requests.DeleteConversation(conversation_id=talk.id)
    await refused("forbidden", conversations.delete(school.context, who("sue"), delete))
