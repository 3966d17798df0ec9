"""The client as a whole: nothing lost, nothing doubled, whatever breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from starlette.responses import Response

from chatd_client import (
    ChatClient,
    ChatOptions,
    ConnectionLost,
    Refused,
    Reset,
)
from chatd_client.client import may_repeat
from chatd_protocol.chat.methods import METHODS
from chatd_protocol.chat.objects import Conversation, Message
from chatd_protocol.chat.requests import (
    GetConversation,
    RenameConversation,
    SendMessage,
)
from chatd_protocol.chat.results import WatchedEvent
from chatd_protocol.signalr import CODECS, Completion, StreamInvocation, StreamItem
from tests.clients.clients import make, texts
from tests.clients.histories import said
from tests.clients.scripted import Peer, scripted
from tests.clients.scripted_chat import Chat, scripted_chat
from tests.support.waiting import wait_until


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    async with scripted_chat() as running:
        yield running


@pytest.fixture
async def client(chat: Chat) -> AsyncIterator[ChatClient]:
    async with make(chat) as connected:
        yield connected


async def away(chat: Chat) -> None:
    """Every connection is cut, and none comes back while `negotiate` is this."""
    chat.server.negotiate = lambda _request: Response(status_code=503)
    await chat.cut()
    await wait_until(lambda: not chat.peers)


@pytest.mark.parametrize("protocol", CODECS)
async def test_a_message_is_sent_answered_and_told(chat: Chat, protocol: str) -> None:
    """The first thing that anybody tries would not work."""
    async with make(chat, protocol=protocol) as client:
        reader = client.events()
        answer = await client.send("c1", "hello")
        assert (answer.seq, answer.text) == (1, "hello")
        assert await texts(reader, 1) == ["hello"]
        assert client.replica.rooms["c1"].messages[1].message == answer
        assert client.unanswered == ()
    assert [update async for update in reader] == []


async def test_an_answer_that_got_lost(chat: Chat, client: ChatClient) -> None:
    """A message would be sent twice, or its sender never know."""
    reader = client.events()
    chat.lose_next_answer = True
    assert (await client.send("c1", "once")).seq == 1
    assert await texts(reader, 1) == ["once"]
    assert chat.calls.count("SendMessage") == 2
    assert len(chat.log) == 1


async def test_what_was_said_meanwhile_is_caught_up_with(
    chat: Chat, client: ChatClient
) -> None:
    """Messages would be missing after every tunnel of a train (ITS-125)."""
    reader = client.events()
    await chat.say("before")
    chat.sync_events = 2
    await away(chat)
    for number in range(7):
        await chat.say(f"meanwhile {number}")
    chat.server.negotiate = None
    await client.wait_whole()
    await chat.say("after")
    expected = ["before", *(f"meanwhile {n}" for n in range(7)), "after"]
    assert await texts(reader, 9) == expected


async def test_a_lost_event_is_asked_for(chat: Chat, client: ChatClient) -> None:
    """One event that the server failed to deliver would be missing for ever."""
    reader = client.events()
    chat.lose_next_event = True
    await chat.say("lost")
    await chat.say("heard")
    assert await texts(reader, 2) == ["lost", "heard"]
    assert chat.calls.count("Sync") == 1


async def test_events_told_twice_or_in_disorder(chat: Chat, client: ChatClient) -> None:
    """A program would answer one question twice."""
    reader = client.events()
    first, second = said(1, text="one"), said(2, text="two")
    chat.log += [first, second]
    for event in (second, first, second, first):
        await chat.tell(event)
    await chat.say("three")
    assert await texts(reader, 3) == ["one", "two", "three"]


async def test_messages_of_one_conversation_keep_their_order(
    chat: Chat, client: ChatClient
) -> None:
    """A sentence in three messages would arrive shuffled when the network breaks."""
    reader = client.events()
    chat.lose_next_answer = True
    sending = [asyncio.create_task(client.send("c1", str(n))) for n in range(5)]
    assert await texts(reader, 5) == list("01234")
    assert [(await task).text for task in sending] == list("01234")


async def test_unanswered_messages_can_be_kept(chat: Chat, client: ChatClient) -> None:
    """A program that restarts would lose what it was about to say."""
    await away(chat)
    request = SendMessage(conversation_id="c1", client_message_id="k1", text="later")
    sending = asyncio.create_task(client.call(request))
    await wait_until(lambda: client.unanswered)
    assert list(client.unanswered) == [request]
    chat.server.negotiate = None
    assert isinstance(await sending, Message)
    assert list(client.unanswered) == []


async def test_a_busy_server_is_asked_again(chat: Chat, client: ChatClient) -> None:
    """A message would be refused for good because of one busy moment."""
    chat.refuse_next = ("rate_limited", {"retryAfter": 0})
    assert (await client.send("c1", "hello")).seq == 1


async def test_a_refusal_is_told(chat: Chat, client: ChatClient) -> None:
    """A program would believe that it had spoken."""
    chat.refuse_next = ("conversation_closed", {})
    with pytest.raises(Refused, match="conversation_closed"):
        await client.send("c1", "hello")


async def test_an_answer_has_its_type(chat: Chat, client: ChatClient) -> None:
    """Programs would have to take answers apart themselves."""
    request = GetConversation(conversation_id="c1")
    assert (await client.call(request, Conversation)).title == "Physics"
    with pytest.raises(TypeError):
        await client.call(request, Message)


async def test_too_much_was_missed(chat: Chat, client: ChatClient) -> None:
    """A conversation would have a hole in it."""
    reader = client.events()
    chat.too_long = True
    await away(chat)
    for number in range(5):
        await chat.say(str(number))
    chat.server.negotiate = None
    async with asyncio.timeout(60):
        assert await anext(reader) == Reset("c1")
    room = client.replica.rooms["c1"]
    await wait_until(lambda: not room.stale)
    assert (room.cursor, room.complete_from, room.facts.head_seq) == (5, 6, 5)
    await client.load_history("c1", limit=3)
    assert sorted(room.messages) == [3, 4, 5]
    await client.load_history("c1")
    assert sorted(room.messages) == [1, 2, 3, 4, 5]
    assert room.complete_from == 0


async def test_a_call_that_must_not_be_repeated(chat: Chat, client: ChatClient) -> None:
    """Something would be done twice because its answer got lost."""
    chat.lose_next_answer = True
    with pytest.raises(ConnectionLost):
        await client.call(RenameConversation(conversation_id="c1", title="x"))


def test_what_may_be_repeated() -> None:
    """A deed without a key would be repeated, or a keyed one given up."""
    may = {row.name for row in METHODS if may_repeat(row.request)}
    assert {"SendMessage", "StartConversation", "Sync", "GetMe", "ListMessages"} <= may
    assert may.isdisjoint({"EditMessage", "RenameConversation", "AddParticipants"})


async def test_after_the_end_calls_fail(chat: Chat) -> None:
    """A program would hang on its way out."""
    async with make(chat) as client:
        pass
    with pytest.raises(ConnectionLost):
        await client.send("c1", "too late")


async def test_watching_goes_on_where_it_was() -> None:
    """An application would hear nothing more after the first restart of a gateway."""
    asked: list[object] = []

    async def script(peer: Peer) -> None:
        while True:
            call = await peer.expect(StreamInvocation)
            assert isinstance(call, StreamInvocation)
            asked.append(call.arguments[0])
            seq = len(asked)
            if seq != 3:  # the third time there is nothing new
                watched = WatchedEvent(cursor=f"after {seq}", event=said(seq))
                await peer.send(StreamItem(call.invocation_id, watched))
            if seq == 2:
                return
            # As a gateway does that goes down.
            await peer.send(Completion(call.invocation_id))

    async with scripted(script) as server:
        options = ChatOptions("json", service=True, draw=lambda: 0.01)
        async with (
            asyncio.timeout(10),
            ChatClient(server.url, "token", options=options) as client,
            aclosing(client.watch()) as events,
        ):
            heard = [(await anext(events)).cursor for _ in range(3)]
    assert heard == ["after 1", "after 2", "after 4"]
    assert asked == [
        {},
        {"cursor": "after 1"},
        {"cursor": "after 2"},
        {"cursor": "after 2"},
    ]
