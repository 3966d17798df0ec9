"""If these fail, the same words to many become a group, or many entries in a list."""

from chatd.actions import conversations, paging
from chatd.actions.starting import start as starting
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember
from chatd_protocol.chat import requests
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.requests import FirstMessage, Recipient, StartConversation
from chatd_protocol.chat.results import ConversationStarted
from tests.actions.deeds import fresh, refused, send, start, together, who
from tests.support.house import House


def one_by_one(*recipients: tuple[str, str], key: str = "") -> StartConversation:
    return StartConversation(
        recipients=tuple(Recipient(kind=k, id=i) for k, i in recipients),  # type: ignore[arg-type]
        client_request_id=key or fresh(),
        mode="individual",
        message=FirstMessage(text="hello all"),
    )


async def write(
    school: House, author: str, *recipients: tuple[str, str], key: str = ""
) -> ConversationStarted:
    request = one_by_one(*recipients, key=key)
    return await starting.start(school.context, who(author), request)


async def listed(school: House, reader: str) -> list[Conversation]:
    request = requests.ListConversations()
    page = await conversations.page(school.context, who(reader), request)
    return list(page.conversations)


async def test_each_has_a_talk_of_their_own_and_the_sender_one_entry(
    school: House,
) -> None:
    """Recipients would see each other, or the sender's list be flooded (ITS-21, 22)."""
    sent = await write(school, "anna", ("user", "sue"), ("user", "tom"))
    assert sent.individual is not None
    assert (sent.individual.count, sent.refused) == (2, ())
    (entry,) = await listed(school, "anna")
    assert (entry.id, entry.kind, entry.sent_to) == (sent.individual.id, "mass", 2)
    assert entry.last_message is not None
    assert entry.last_message.text == "hello all"
    assert entry.denied["send"] == "mass_no_reply"
    for reader in ("sue", "tom"):
        (own,) = await listed(school, reader)
        assert (own.kind, own.participant_count, own.unread.count) == ("direct", 2, 1)
        assert own.id in (sent.individual.conversation_ids or ())


async def test_an_answer_brings_the_talk_into_the_senders_list(school: House) -> None:
    """The sender would never see what somebody answered (ITS-21)."""
    await write(school, "anna", ("user", "sue"), ("user", "tom"))
    (own,) = await listed(school, "sue")
    school.clock.at_ms += 1_000
    await send(school, "sue", own.id, "thank you")
    first, second = await listed(school, "anna")
    assert (first.id, first.unread.count) == (own.id, 1)
    assert second.kind == "mass"
    history = await paging.page(
        school.context, who("anna"), requests.ListMessages(conversation_id=own.id)
    )
    assert [one.text for one in history.messages] == ["hello all", "thank you"]


async def test_a_talk_that_was_there_goes_on(school: House) -> None:
    """A pair would have two conversations (MOO-31), or lose its place in the list."""
    old = await start(school, "anna", "sue")
    sent = await write(school, "anna", ("user", "sue"), ("user", "tom"))
    assert sent.individual is not None
    assert old.id in (sent.individual.conversation_ids or ())
    assert {one.id for one in await listed(school, "anna")} == {
        old.id,
        sent.individual.id,
    }


async def test_a_repeated_request_writes_once(school: House) -> None:
    """A client that lost the answer would write to everybody twice."""
    both = (("user", "sue"), ("user", "tom"))
    answers = await together(
        *(write(school, "anna", *both, key="same") for _ in range(4))
    )
    known = {
        one.individual.id
        for one in answers
        if not isinstance(one, BaseException) and one.individual
    }
    assert len(known) == 1
    assert (await listed(school, "sue"))[0].unread.count == 1


async def test_who_may_not_be_written_to_is_named(school: House) -> None:
    """The sender would think that everybody has got it (ITS-54, ITS-119)."""
    await school.write(PutPerson("tom", "Tom", ("student",), messaging_disabled=True))
    wanted = (("user", "uma"), ("user", "tom"), ("user", "zed"))
    sent = await write(school, "sue", *wanted)
    assert {one.user_id: one.code for one in sent.refused} == {
        "tom": "messaging_disabled_recipient",
        "zed": "no_relationship",
    }
    assert sent.individual is not None
    assert sent.individual.count == 1
    await refused("no_relationship", write(school, "zed", *wanted[:2]))


async def test_a_course_can_be_written_to_one_by_one(school: House) -> None:
    """A choice that is offered would not be there (ITS-47, ITS-52)."""
    sent = await write(school, "anna", ("course", "math"))
    assert sent.individual is not None
    assert sent.individual.count == 3
    await crowd(school, "big", 301)
    refusal = await refused(
        "too_many_recipients", write(school, "anna", ("course", "big"))
    )
    assert refusal.facts == {"count": 301, "max": 300}


async def crowd(school: House, course: str, count: int) -> None:
    """A course of anna's with so many students besides."""
    names = [f"{course}{number}" for number in range(count)]
    await school.write(
        PutRoster("course", course, course),
        PutRosterMember("course", course, "anna", "teacher"),
        *(PutPerson(id_, id_, ("student",)) for id_ in names),
        *(PutRosterMember("course", course, id_, "student") for id_ in names),
    )


async def test_three_hundred_at_once(school: House) -> None:
    """The limit would be off by one, or so many be too much for one go (ITS-52)."""
    await crowd(school, "full", 300)
    sent = await write(school, "anna", ("course", "full"))
    assert sent.individual is not None
    assert sent.individual.count == 300
    assert len(await listed(school, "anna")) == 1
