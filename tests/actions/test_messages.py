"""If these fail, a message is lost, doubled, changed by the wrong person or leaked."""

import pytest

from chatd.actions import members, messages, paging
from chatd.actions.recovery import events_between
from chatd.domain.announcements import Logged
from chatd.errors import Refused
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.requests import (
    DeleteMessage,
    EditMessage,
    ListMessages,
    RemoveParticipant,
)
from tests.actions.deeds import refused, send, start, together, who
from tests.support.house import House


@pytest.fixture
async def group(school: House) -> Conversation:
    return await start(school, "anna", "sue", "tom", title="Team")


async def test_the_live_event_is_the_replayed_one(
    school: House, group: Conversation
) -> None:
    """A live client and one that catches up would know different things."""
    first = await send(school, "sue", group.id, "see https://a.example ☺")
    await send(school, "tom", group.id, "yes", reply_to_id=first.id)
    live = [a.event for a in school.announced if isinstance(a, Logged) and a.event]
    replayed = await events_between(school.context, "school", group.id, 1, 3)
    assert live == list(replayed)
    assert [event.seq for event in replayed] == [2, 3]


async def test_a_retry_gets_the_first_answer(
    school: House, group: Conversation
) -> None:
    """A client that lost the answer would send everything twice."""
    sent = await send(school, "sue", group.id, client_message_id="x")
    assert await send(school, "sue", group.id, client_message_id="x") == sent
    await refused(
        "idempotency_conflict",
        send(school, "sue", group.id, "other", client_message_id="x"),
    )
    other = await send(school, "tom", group.id, client_message_id="x")
    assert other.id != sent.id


async def test_many_retries_at_once_make_one_message(
    school: House, group: Conversation
) -> None:
    """An impatient client would be doubled."""
    answers = await together(
        *(send(school, "sue", group.id, client_message_id="x") for _ in range(20))
    )
    assert (
        len({answer.id for answer in answers if not isinstance(answer, BaseException)})
        == 1
    )
    assert len(answers) == 20


async def test_a_retry_is_answered_after_the_right_is_lost(
    school: House, group: Conversation
) -> None:
    """Something acknowledged would be called refused."""
    sent = await send(school, "sue", group.id, client_message_id="x")
    request = RemoveParticipant(conversation_id=group.id, user_id="sue")
    await members.remove(school.context, who("anna"), request)
    assert await send(school, "sue", group.id, client_message_id="x") == sent
    await refused("not_participant", send(school, "sue", group.id, "more"))


async def test_nothing_is_sent_after_a_removal(
    school: House, group: Conversation
) -> None:
    """A message would slip in beside its author's removal (ITS-65)."""
    request = RemoveParticipant(conversation_id=group.id, user_id="sue")
    answers = await together(
        *(send(school, "sue", group.id) for _ in range(10)),
        members.remove(school.context, who("anna"), request),
        *(send(school, "sue", group.id) for _ in range(10)),
    )
    last = max(a.seq for a in school.announced if isinstance(a, Logged))
    events = await events_between(school.context, "school", group.id, 0, last)
    kinds = [type(event).__name__ for event in events]
    assert "MessageCreated" not in kinds[kinds.index("ParticipantsRemoved") :]
    codes = {answer.code for answer in answers if isinstance(answer, Refused)}
    assert codes <= {"not_participant"}


@pytest.mark.parametrize("text", ["", "  \n", None])
async def test_an_empty_message_cannot_be_sent(
    school: House, group: Conversation, text: str
) -> None:
    """An empty bubble would appear for everybody (ITS-62)."""
    await refused("invalid_request", send(school, "sue", group.id, text))


async def test_strangers_are_all_answered_alike(
    school: House, group: Conversation
) -> None:
    """Who is no member could find out that a conversation or message exists."""
    sent = await send(school, "sue", group.id)
    edit = EditMessage(message_id=sent.id, text="x")
    ways = [
        await refused("not_found", send(school, "zed", group.id)),
        await refused("not_found", send(school, "sue", "no-such")),
        await refused("not_found", messages.edit(school.context, who("zed"), edit)),
        await refused(
            "not_found",
            messages.delete(
                school.context, who("zed"), DeleteMessage(message_id="no-such")
            ),
        ),
        await refused(
            "not_found",
            paging.page(
                school.context,
                who("sue", "elsewhere"),
                ListMessages(conversation_id=group.id),
            ),
        ),
    ]
    assert {str(way.facts) for way in ways} == {"{}"}


async def test_editing(school: House, group: Conversation) -> None:
    """An edit would be lost, made by others, or overwrite a newer one (ITS-139)."""
    sent = await send(school, "sue", group.id)
    edit = EditMessage(message_id=sent.id, text="better")
    edited = await messages.edit(school.context, who("sue"), edit)
    assert (edited.text, edited.seq) == ("better", sent.seq)
    assert edited.edited_at is not None
    await refused("forbidden", messages.edit(school.context, who("anna"), edit))
    stale = EditMessage(
        message_id=sent.id, text="x", expected_edited_at="2020-01-01T00:00:00.000Z"
    )
    await refused("edit_conflict", messages.edit(school.context, who("sue"), stale))
    good = EditMessage(
        message_id=sent.id, text="best", expected_edited_at=edited.edited_at
    )
    assert (await messages.edit(school.context, who("sue"), good)).text == "best"


async def test_removing_leaves_a_place_without_content(
    school: House, group: Conversation
) -> None:
    """Removed words would stay readable, or the remover unnamed (ITS-76, 77, 81)."""
    own = await send(school, "sue", group.id, "https://a.example secret")
    remove = DeleteMessage(message_id=own.id)
    gone = await messages.delete(school.context, who("sue"), remove)
    assert (gone.text, gone.links, gone.seq) == (None, None, own.seq)
    assert gone.removed is not None
    assert (gone.removed.notice, gone.removed.by) == ("removed", None)
    assert await messages.delete(school.context, who("sue"), remove) == gone
    edit = EditMessage(message_id=own.id, text="x")
    await refused("edit_conflict", messages.edit(school.context, who("sue"), edit))
    other = await send(school, "sue", group.id)
    remove = DeleteMessage(message_id=other.id)
    await refused("forbidden", messages.delete(school.context, who("tom"), remove))
    gone = await messages.delete(school.context, who("anna"), remove)
    assert gone.removed is not None
    assert gone.removed.by is not None
    assert (gone.removed.notice, gone.removed.by.id) == ("removed_by_staff", "anna")


async def test_a_reply_names_a_message_that_its_author_sees(
    school: House, group: Conversation
) -> None:
    """A reply could point into a conversation that the author is not in."""
    elsewhere = await start(school, "anna", "uma")
    hidden = await send(school, "anna", elsewhere.id)
    await refused(
        "invalid_request", send(school, "sue", group.id, reply_to_id=hidden.id)
    )
