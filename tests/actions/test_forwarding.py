"""If these fail, words travel where they may not, or stay where they were removed."""

from dataclasses import replace

import pytest

from chatd.actions import forwarding, members, messages, paging
from chatd.store.messages import InsertMessage, RemoveMessage
from chatd.store.tenants import PutTenant
from chatd_protocol.chat import requests
from chatd_protocol.chat.objects import Conversation, Message
from tests.actions.deeds import fresh, refused, send, start, who
from tests.actions.meanwhile import just_before
from tests.support.house import House


@pytest.fixture
async def group(school: House) -> Conversation:
    return await start(school, "anna", "sue", "tom")


@pytest.fixture
async def other(school: House) -> Conversation:
    return await start(school, "sue", "uma", "tom", title="Other")


async def forward(
    school: House, who_: str, message: Message, to: Conversation, key: str = ""
) -> Message:
    request = requests.ForwardMessage(
        message_id=message.id, conversation_id=to.id, client_message_id=key or fresh()
    )
    return await forwarding.forward(school.context, who(who_), request)


async def history(school: House, reader: str, of: Conversation) -> list[Message]:
    page = requests.ListMessages(conversation_id=of.id)
    return list((await paging.page(school.context, who(reader), page)).messages)


async def test_the_words_go_and_say_whose_they_are(
    school: House, group: Conversation, other: Conversation
) -> None:
    """Words would be lost on the way, or put into the forwarder's mouth (ITS-42)."""
    said = await send(school, "anna", group.id, "see https://x.example")
    sent = await forward(school, "sue", said, other, "k")
    assert (sent.text, sent.links, sent.author.id) == (said.text, said.links, "sue")
    assert sent.forwarded_from is not None
    assert sent.forwarded_from.author.name == "Anna"
    assert sent.forwarded_from.created_at == said.created_at
    assert await history(school, "uma", other) == [sent]
    assert await forward(school, "sue", said, other, "k") == sent
    again = await forward(school, "tom", sent, group)
    assert again.forwarded_from == sent.forwarded_from, "the first author stays"


async def test_within_one_conversation(school: House, group: Conversation) -> None:
    """Somebody's words would become the forwarder's own where they were said."""
    said = await send(school, "anna", group.id, "read this")
    sent = await forward(school, "sue", said, group)
    *_, last = await history(school, "tom", group)
    assert last == sent
    assert sent.forwarded_from is not None
    assert sent.forwarded_from.author.id == "anna"


async def test_nobody_forwards_what_they_do_not_see_or_to_whom_they_may_not(
    school: House, group: Conversation, other: Conversation
) -> None:
    """A stranger would read a private talk by forwarding it to himself (ITS-42)."""
    said = await send(school, "anna", group.id)
    await refused("not_found", forward(school, "uma", said, other))
    await refused("not_found", forward(school, "anna", said, other))
    out = requests.RemoveParticipant(conversation_id=group.id, user_id="sue")
    await members.remove(school.context, who("anna"), out)
    await refused("not_participant", forward(school, "sue", said, other))
    await school.write(PutTenant("School", "tutoring"))
    await refused("forbidden", forward(school, "tom", said, other))


async def test_what_was_removed_is_not_revealed(
    school: House, group: Conversation, other: Conversation
) -> None:
    """A removal would be undone by whoever was quick, or later (ITS-42, ITS-77)."""
    said = await send(school, "tom", group.id, "an insult")
    await forward(school, "sue", said, other)
    third = await start(school, "tom", "uma")
    (copy,) = await history(school, "tom", other)
    await forward(school, "tom", copy, third)
    delete = requests.DeleteMessage(message_id=said.id)
    await messages.delete(school.context, who("anna"), delete)
    for place in (other, third):
        (gone,) = await history(school, "tom", place)
        assert gone.removed is not None
        assert (gone.text, gone.forwarded_from) == (None, None)
        assert (gone.removed.notice, gone.removed.by) == ("original_removed", None)
    await refused("invalid_request", forward(school, "sue", said, other))


async def test_who_takes_back_own_words_leaves_copies(
    school: House, group: Conversation, other: Conversation
) -> None:
    """Somebody could empty other people's talks."""
    said = await send(school, "tom", group.id, "kept")
    await forward(school, "sue", said, other)
    delete = requests.DeleteMessage(message_id=said.id)
    await messages.delete(school.context, who("tom"), delete)
    (copy,) = await history(school, "uma", other)
    assert copy.text == "kept"


async def test_removed_while_it_is_forwarded(
    school: House, group: Conversation, other: Conversation
) -> None:
    """An insult would outlive its removal by whoever was as quick (ITS-42, ITS-77)."""
    said = await send(school, "tom", group.id, "an insult")
    delete = requests.DeleteMessage(message_id=said.id)

    async def remove() -> None:
        await messages.delete(school.context, who("anna"), delete)

    context = just_before(school.context, InsertMessage, remove)
    deed = forward(replace(school, context=context), "sue", said, other)
    await refused("invalid_request", deed)
    assert await history(school, "uma", other) == []


async def test_forwarded_while_it_is_removed(
    school: House, group: Conversation, other: Conversation
) -> None:
    """A copy that nobody had seen when the removal was decided would stay."""
    said = await send(school, "tom", group.id, "an insult")

    async def quickly() -> None:
        await forward(school, "sue", said, other)

    context = just_before(school.context, RemoveMessage, quickly)
    delete = requests.DeleteMessage(message_id=said.id)
    await messages.delete(context, who("anna"), delete)
    (copy,) = await history(school, "uma", other)
    assert copy.text is None
