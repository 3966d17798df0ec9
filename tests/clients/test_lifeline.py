"""Coming back, staying away, and beginning anew."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request
from starlette.responses import Response

from chatd_client import (
    CannotConnect,
    ChatClient,
    ConnectionClosed,
    Reset,
)
from chatd_client.backoff import FIRST_S
from chatd_protocol.chat.events import TokenExpiring
from chatd_protocol.signalr import Close
from tests.clients.clients import make, texts
from tests.clients.histories import at
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


async def test_a_token_that_is_refused(chat: Chat) -> None:
    """A client would knock for ever with a token that is no good."""
    chat.server.negotiate = lambda _request: Response(status_code=401)
    reader = (client := make(chat)).events()
    with pytest.raises(CannotConnect, match="401"):
        async with client:
            pass
    with pytest.raises(CannotConnect, match="401"):
        await anext(reader)


async def test_a_fresh_token_for_every_connection(chat: Chat) -> None:
    """A client would be locked out as soon as its first token ended."""
    tokens = iter(["one", "two", "three"])

    async def fresh() -> str:
        return next(tokens)

    def only_two(request: Request) -> Response:
        chat.server.negotiate = None
        return Response(status_code=401)

    chat.server.negotiate = only_two
    async with make(chat, fresh) as client:
        used = [request.headers["authorization"] for request in chat.server.requests]
        assert used == ["Bearer one", "Bearer two"]
        await chat.tell(TokenExpiring(at=at(1), expires_at=at(60)))
        await wait_until(lambda: "RefreshToken" in chat.calls)
        assert client.connected


async def test_thrown_out_is_thrown_out(chat: Chat, client: ChatClient) -> None:
    """Somebody who was removed would come back at once, again and again."""
    reader = client.events()
    for peer in chat.peers:
        await peer.send(Close("removed by a moderator"))
    with pytest.raises(ConnectionClosed, match="moderator"):
        await texts(reader, 1)
    with pytest.raises(ConnectionClosed):
        await client.send("c1", "still here")


async def test_invited_back(chat: Chat, client: ChatClient) -> None:
    """A server that restarts would lose its clients."""
    reader = client.events()
    for peer in tuple(chat.peers):
        await peer.send(Close("restarting", allow_reconnect=True))
    await wait_until(lambda: len(chat.server.requests) >= 2)
    await client.wait_whole()
    await chat.say("welcome back")
    assert await texts(reader, 1) == ["welcome back"]


async def test_sent_from_one_to_the_next_waits_no_longer_each_time(
    chat: Chat, client: ChatClient
) -> None:
    """A rolling restart would leave clients in the dark longer with each gateway."""
    for number in (2, 3, 4, 5):
        for peer in tuple(chat.peers):
            await peer.send(Close("restarting", allow_reconnect=True))
        await wait_until(lambda n=number: len(chat.server.requests) == n)  # type: ignore[misc]
        await client.wait_whole()
    assert client._lifeline._backoff._bound_s == 2 * FIRST_S


async def test_events_of_the_future_are_passed_over(
    chat: Chat, client: ChatClient
) -> None:
    """A newer server would break every older program."""
    reader = client.events()
    for peer in chat.peers:
        await peer.send_bytes(
            b'{"type":1,"target":"Event","arguments":[{"type":"poll.opened"}]}\x1e'
        )
    await chat.say("still here")
    assert await texts(reader, 1) == ["still here"]


async def test_another_epoch_begins_anew(chat: Chat, client: ChatClient) -> None:
    """After a restored backup clients would mix two histories."""
    reader = client.events()
    await chat.say("in the old history")
    assert await texts(reader, 1) == ["in the old history"]
    chat.log.clear()
    chat.epoch = "epoch-2"
    await chat.cut()
    async with asyncio.timeout(60):
        assert await anext(reader) == Reset()
    await client.wait_whole()
    assert client.replica.epoch == "epoch-2"
    await chat.say("in the new one")
    assert await texts(reader, 1) == ["in the new one"]


async def test_a_service_has_no_replica(chat: Chat) -> None:
    """A token that is no person's could not be used at all."""
    client = make(chat, service=True)
    async with client:
        assert chat.calls == []
        assert client.connected
