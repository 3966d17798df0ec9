"""If these fail, a way to say something goes past the rule for contact data (TUT-26).

Every path by which a text reaches others is here: a send, an edit, a forward, the first
message of a conversation, the same words to many.
"""

from collections.abc import Awaitable, Callable

import pytest

from chatd.actions import conversations, forwarding, messages, paging
from chatd.actions.saying import held, texts
from chatd.actions.starting import start as starting
from chatd.domain.announcements import Logged
from chatd.domain.presets import PRESETS
from chatd_protocol.chat.http.screening import ListFlaggedMessages, ListHeldMessages
from chatd_protocol.chat.objects import ContactWarning, Message
from chatd_protocol.chat.requests import (
    EditMessage,
    FirstMessage,
    ForwardMessage,
    ListConversations,
    ListMessages,
    Recipient,
    StartConversation,
)
from tests.actions.deeds import fresh, refused, send, start, who
from tests.actions.saying.rules import MASKED, PHONE, rule
from tests.support.house import TENANT, House

MODERATOR = who("mod", TENANT, "moderation")
Said = tuple[ContactWarning | None, str | None]
"""What its author is warned of, and what the other one reads."""
Path = Callable[[House, str], Awaitable[Said]]


async def read(school: House, reader: str) -> str | None:
    """The last text in the reader's only talk."""
    page = await conversations.page(school.context, who(reader), ListConversations())
    (talk,) = page.conversations
    request = ListMessages(conversation_id=talk.id)
    found = (await paging.page(school.context, who(reader), request)).messages
    return found[-1].text if found else None


async def by_sending(school: House, treatment: str) -> Said:
    talk = await start(school, "sue", "tom")
    await rule(school, treatment)
    answer = await send(school, "sue", talk.id, PHONE)
    return answer.warning, await read(school, "tom")


async def by_editing(school: House, treatment: str) -> Said:
    talk = await start(school, "sue", "tom")
    said = await send(school, "sue", talk.id, "call me")
    await rule(school, treatment)
    request = EditMessage(message_id=said.id, text=PHONE)
    answer = await messages.edit(school.context, who("sue"), request)
    text = await read(school, "tom")
    return answer.warning, None if text == "call me" else text


async def by_forwarding(school: House, treatment: str) -> Said:
    talk = await start(school, "sue", "uma")
    said = await send(school, "uma", talk.id, PHONE)
    other = await start(school, "sue", "tom")
    await rule(school, treatment)
    request = ForwardMessage(
        message_id=said.id, conversation_id=other.id, client_message_id=fresh()
    )
    answer = await forwarding.forward(school.context, who("sue"), request)
    return answer.warning, await read(school, "tom")


async def _started(school: House, *others: str, mode: str | None = None) -> Said:
    request = StartConversation(
        recipients=tuple(Recipient(kind="user", id=one) for one in others),
        client_request_id=fresh(),
        mode=mode,  # type: ignore[arg-type]
        message=FirstMessage(text=PHONE),
    )
    answer = await starting.start(school.context, who("sue"), request)
    return answer.warning, await read(school, "tom")


async def by_starting(school: House, treatment: str) -> Said:
    await rule(school, treatment)
    return await _started(school, "tom")


async def by_writing_to_many(school: House, treatment: str) -> Said:
    await rule(school, treatment)
    return await _started(school, "tom", "uma", mode="individual")


PATHS: tuple[Path, ...] = (
    by_sending,
    by_editing,
    by_forwarding,
    by_starting,
    by_writing_to_many,
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
@pytest.mark.parametrize(
    ("treatment", "arrives"),
    [("allow", PHONE), ("warn_sender", PHONE), ("mask", MASKED), ("hold", None)],
)
async def test_every_path(
    school: House, path: Path, treatment: str, arrives: str | None
) -> None:
    """Whoever is warned at a send would edit, forward or begin anew instead."""
    warning, text = await path(school, treatment)
    assert text == arrives
    if treatment == "allow":
        assert warning is None
    else:
        assert warning is not None
        assert (warning.treatment, warning.contact_data) == (treatment, ("phone",))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
async def test_blocked_on_every_path(school: House, path: Path) -> None:
    """What may not be said would be said, or be lost without a word."""
    error = await refused("content_held", path(school, "block"))  # type: ignore[arg-type]
    assert error.facts == {"contactData": ["phone"]}


async def test_a_retry_is_answered_alike(school: House) -> None:
    """A lost answer would bring the number to light, or a second message."""
    talk = await start(school, "sue", "tom")
    for treatment in ("warn_sender", "mask", "hold"):
        await rule(school, treatment)
        key = fresh()
        first = await send(school, "sue", talk.id, PHONE, client_message_id=key)
        again = await send(school, "sue", talk.id, PHONE, client_message_id=key)
        assert again == first
        # Also when the rule was changed meanwhile: what was stored is the answer.
        await rule(school, "block")
        once_more = await send(school, "sue", talk.id, PHONE, client_message_id=key)
        assert (once_more.id, once_more.text) == (first.id, first.text)


async def test_a_warning_is_for_its_author_alone(school: House) -> None:
    """Everybody would be told that somebody was warned."""
    talk = await start(school, "sue", "tom")
    await rule(school, "warn_sender")
    school.announced.clear()
    await send(school, "sue", talk.id, PHONE)
    (logged,) = [one for one in school.announced if isinstance(one, Logged)]
    assert logged.event.message.warning is None  # type: ignore[attr-defined]


async def flags(school: House) -> list[tuple[str, tuple[str, ...]]]:
    page = await held.flagged_page(school.context, MODERATOR, ListFlaggedMessages())
    return [(one.message.id, one.contact_data) for one in page.messages]


async def test_moderators_are_told_where_policy_says_so(school: House) -> None:
    """The tutoring platform's team would not hear of it (TUT-26)."""
    talk = await start(school, "sue", "tom")
    await rule(school, "warn_sender")
    await send(school, "sue", talk.id, PHONE)
    assert await flags(school) == []
    await rule(school, "mask", flag=True)
    said = await send(school, "sue", talk.id, PHONE)
    clean = await send(school, "sue", talk.id, "see chapter 12")
    assert await flags(school) == [(said.id, ("phone",))]
    request = EditMessage(message_id=clean.id, text="@anna_92")
    await messages.edit(school.context, who("sue"), request)
    assert set(await flags(school)) == {(said.id, ("phone",)), (clean.id, ("social",))}
    page = await held.page(school.context, MODERATOR, ListHeldMessages())
    assert page.messages == ()


async def test_files_without_words_are_not_looked_at(school: House) -> None:
    """A picture could not be sent where contact data is refused."""
    await rule(school, "block")
    assert texts.sendable_text(school.context, " ", "/text", files=True) is None
    assert texts.allowed_text(PRESETS["tutoring"], None) is None


async def test_the_links_are_those_of_what_is_stored(school: House) -> None:
    """A masked address would still be a link to press."""
    talk = await start(school, "sue", "tom")
    await rule(school, "mask")
    said: Message = await send(
        school, "sue", talk.id, "https://wa.me/49171 and https://x.example"
    )
    assert said.text == "https://••• and https://x.example"
    assert [one.url for one in said.links or ()] == ["https://x.example"]
