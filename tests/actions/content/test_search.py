"""If these fail, a search tells somebody what is not theirs to know."""

import pytest

from chatd.actions import conversations, members, messages
from chatd.actions.content import search
from chatd_protocol.chat.requests import (
    CloseConversation,
    DeleteMessage,
    EditMessage,
    RemoveParticipant,
    Search,
)
from chatd_protocol.chat.results import SearchPage
from tests.actions.deeds import refused, send, start, who
from tests.support.house import House


async def look(school: House, by: str, text: str, **more: object) -> SearchPage:
    request = Search(text=text, **more)  # type: ignore[arg-type]
    return await search.find(school.context, who(by), request)


async def test_everywhere_and_in_one(school: House) -> None:
    """The panel, or "Search in conversation", would find less (ITS-13, 24, 72)."""
    one = await start(school, "anna", "sue")
    two = await start(school, "anna", course="math")
    first = await send(school, "anna", one.id, "the marker")
    second = await send(school, "sue", two.id, "MARKER again")
    page = await look(school, "sue", "marker")
    assert page.messages == (second, first)
    assert {found.id for found in page.conversations} == {one.id, two.id}
    assert page.next is None
    here = await look(school, "sue", "marker", conversation_id=one.id)
    assert here.messages == (first,)
    assert [found.id for found in here.conversations] == [one.id]


async def test_strangers(school: House) -> None:
    """A search would say what is written in others' conversations, or that it is."""
    talk = await start(school, "anna", "sue")
    await send(school, "anna", talk.id, "the marker")
    assert await look(school, "tom", "marker") == SearchPage(
        messages=(), conversations=()
    )
    here = {"conversation_id": talk.id}
    await refused("not_found", look(school, "tom", "marker", **here))
    await refused("not_found", look(school, "tom", "marker", conversation_id="none"))


async def test_closed_and_left_conversations(school: House) -> None:
    """What one has left would turn up again, or what is closed could not be found any
    more (ITS-74, ITS-129)."""
    talk = await start(school, "anna", "sue", "tom")
    sent = await send(school, "anna", talk.id, "the marker")
    out = RemoveParticipant(conversation_id=talk.id, user_id="tom")
    await members.remove(school.context, who("anna"), out)
    late = await send(school, "anna", talk.id, "marker of later")
    close = CloseConversation(conversation_id=talk.id)
    await conversations.close(school.context, who("anna"), close)
    assert (await look(school, "tom", "marker")).messages == ()
    here = await look(school, "tom", "marker", conversation_id=talk.id)
    assert here.messages == (sent,)
    assert (await look(school, "sue", "marker")).messages == (late, sent)


async def test_edited_and_removed(school: House) -> None:
    """Words would be found that are no longer there (ITS-74, 77, 139, MOO-87)."""
    talk = await start(school, "anna", "sue")
    sent = await send(school, "anna", talk.id, "before")
    edit = EditMessage(message_id=sent.id, text="after")
    edited = await messages.edit(school.context, who("anna"), edit)
    assert (await look(school, "sue", "before")).messages == ()
    assert (await look(school, "sue", "after")).messages == (edited,)
    await messages.delete(
        school.context, who("anna"), DeleteMessage(message_id=sent.id)
    )
    assert (await look(school, "sue", "after")).messages == ()


async def test_pages(school: House) -> None:
    """The second page would begin with the first."""
    talk = await start(school, "anna", "sue")
    sent = [await send(school, "anna", talk.id, f"marker {n}") for n in range(5)]
    first = await look(school, "sue", "marker", limit=3)
    assert first.messages == tuple(sent[:1:-1])
    second = await look(school, "sue", "marker", limit=3, cursor=first.next)
    assert second.messages == tuple(sent[1::-1])
    assert second.next is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        '"',
        "*",
        "NEAR(",
        "col:x",
        "^-",
        "a AND",
        "%_",
        "((((",
        "OR OR",
        "'; --",
    ],
)
async def test_garbage(school: House, text: str) -> None:
    """Something typed by mistake would be answered with an error (fault 31)."""
    talk = await start(school, "anna", "sue")
    await send(school, "anna", talk.id, "hello")
    assert (await look(school, "sue", text)).messages == ()


@pytest.mark.parametrize("cursor", ["W10", "WzFlMzBd", "WyJ4Il0", "!", "Wy0xXQ"])
async def test_made_up_cursors(school: House, cursor: str) -> None:
    """A wrong cursor would be an error of ours."""
    talk = await start(school, "anna", "sue")
    await send(school, "anna", talk.id, "hello")
    if cursor == "Wy0xXQ":
        assert (await look(school, "sue", "hello", cursor=cursor)).messages == ()
    else:
        await refused("invalid_request", look(school, "sue", "hello", cursor=cursor))


async def test_far_cursors(school: House) -> None:
    """A number beyond every position would be an error of ours."""
    talk = await start(school, "anna", "sue")
    sent = await send(school, "anna", talk.id, "hello")
    far = "Wzk5OTk5OTk5OTk5OTk5OTk5OTld"
    assert (await look(school, "sue", "hello", cursor=far)).messages == (sent,)


async def test_somebody_in_very_many(
    school: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is in more conversations than are named could find nothing."""
    monkeypatch.setattr(search, "PLACES_MAX", 1)
    one = await start(school, "anna", "sue")
    two = await start(school, "anna", "tom")
    sent = [await send(school, "anna", at.id, "marker") for at in (one, two)]
    hidden = await start(school, "ben", "adam")
    await send(school, "ben", hidden.id, "marker")
    assert (await look(school, "anna", "marker")).messages == tuple(sent[::-1])
