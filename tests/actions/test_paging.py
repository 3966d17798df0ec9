"""If these fail, a reader misses messages, or sees some of them twice."""

import pytest

from chatd.actions import conversations, members, messages, paging
from chatd_protocol.chat.events import ConversationRenamed, ParticipantsAdded
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.requests import (
    AddParticipants,
    EditMessage,
    LeaveConversation,
    ListMessages,
    RenameConversation,
)
from tests.actions.deeds import refused, send, start, who
from tests.support.house import House


@pytest.fixture
async def group(school: House) -> Conversation:
    return await start(school, "anna", "sue", "tom", title="Team")


async def test_pages_of_history(school: House, group: Conversation) -> None:
    """A reader would miss messages, see some twice, or open at the wrong place."""
    for number in range(20):
        await send(school, "sue", group.id, f"m{number}")

    async def page(
        reader: str = "tom", **places: object
    ) -> tuple[list[str], bool, bool]:
        request = ListMessages(conversation_id=group.id, limit=5, **places)  # type: ignore[arg-type]
        found = await paging.page(school.context, who(reader), request)
        assert found.as_of_seq == 21
        texts = [message.text or "" for message in found.messages]
        return texts, found.has_before, found.has_after

    assert await page() == (["m15", "m16", "m17", "m18", "m19"], True, False)
    assert await page(before=4) == (["m0", "m1"], False, True)
    assert await page(after=20) == (["m19"], True, False)
    assert await page(around=10) == (["m6", "m7", "m8", "m9", "m10"], True, True)
    assert (await page(around_unread=True))[0] == ["m0", "m1", "m2", "m3", "m4"]
    assert (await page("sue", around_unread=True))[0][-1] == "m19"
    both = ListMessages(conversation_id=group.id, before=3, after=2)
    await refused("invalid_request", paging.page(school.context, who("tom"), both))


async def test_what_happened_between_messages(
    school: House, group: Conversation
) -> None:
    """A reader of older pages would not learn who joined, or be told it twice."""
    context, anna = school.context, who("anna")
    await send(school, "sue", group.id, "two")
    rename = RenameConversation(conversation_id=group.id, title="Crew")
    await conversations.rename(context, anna, rename)
    sent = await send(school, "sue", group.id, "four")
    add = AddParticipants(conversation_id=group.id, user_ids=("ben",))
    await members.add(context, anna, add)
    edit = EditMessage(message_id=sent.id, text="four, edited")
    await messages.edit(context, who("sue"), edit)
    await send(school, "sue", group.id, "seven")
    leave = LeaveConversation(conversation_id=group.id)
    await conversations.leave(context, who("tom"), leave)
    await send(school, "sue", group.id, "nine")

    async def lines(reader: str, **places: object) -> list[tuple[int, str]]:
        asked = ListMessages(
            conversation_id=group.id,
            limit=2,
            with_events=True,
            **places,  # type: ignore[arg-type]
        )
        found = await paging.page(context, who(reader), asked)
        assert found.events is not None
        return [(one.seq, type(one).__name__) for one in found.events]

    created, renamed = (1, "ConversationCreated"), (3, "ConversationRenamed")
    added, left = (5, "ParticipantsAdded"), (8, "ParticipantsRemoved")
    # Pages that are read one after the other tell each line once.
    assert await lines("anna") == [left]
    assert await lines("anna", before=7) == [created, renamed, added]
    assert await lines("anna", after=0) == [created, renamed, added]
    # Who has left is told of the leaving, and of nothing later.
    assert await lines("tom") == [added, left]
    bare = await paging.page(context, anna, ListMessages(conversation_id=group.id))
    assert bare.events is None
    whole = ListMessages(conversation_id=group.id, with_events=True)
    events = (await paging.page(context, anna, whole)).events or ()
    assert [type(one) for one in events[1:3]] == [
        ConversationRenamed,
        ParticipantsAdded,
    ]
    assert events[2].actor is not None
    assert events[2].actor.id == "anna"
