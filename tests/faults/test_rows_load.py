"""Rows 19, 20, 23 and 28: restarts, slow stores, repeated sends, few descriptors."""

import asyncio
import itertools
import socket
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect

from chatd_client import Refused
from chatd_protocol.chat.objects import Message
from chatd_protocol.chat.requests import Recipient, SendMessage, StartConversation
from chatd_protocol.chat.results import ConversationStarted
from tests.faults.deployments import Deployment
from tests.faults.talk import Talk
from tests.hub.peers import Peer
from tests.support.server import Server
from tests.support.tokens import token
from tests.support.waiting import wait_until

DARK_S = 2.0
"""So long at most is a client without a connection when gateways restart in turn."""

PEOPLE = ("anna", "s001", "s002", "s003")


# The second one is the fault itself: gateways that are slow to go.
@pytest.mark.parametrize("hand_off", ["", "during_drain=sleep(1)"])
async def test_row_19_a_restart_under_load(
    deployment: Deployment, hand_off: str
) -> None:
    """Every deployment of a new version would lose or refuse messages."""
    deployment.faults.write_text(hand_off)
    dark_s: dict[str, float] = {}
    async with Talk() as talk:
        for user in PEOPLE:
            await talk.join(deployment.url, user)
        await talk.start(*PEOPLE)
        async with asyncio.TaskGroup() as sending:
            for user in PEOPLE:
                sending.create_task(talk.keep_sending(user, 0.005))
                sending.create_task(longest_dark(talk, user, dark_s))
            for server in deployment.gateways:
                await more_is_said(talk)
                await server.stop()
                await server.start()
            await more_is_said(talk)
            talk.over = True
        await talk.settle()
    talk.check()
    print("longest without a connection, in seconds:", dark_s)
    if len(deployment.gateways) > 1:
        assert max(dark_s.values()) <= DARK_S
    # A send that fails ends its sender, and with it the test: none did.
    assert all(one.answered_s is not None for one in talk.history.sent)


async def more_is_said(talk: Talk) -> None:
    """Some more messages were answered, for everybody many times over."""
    await wait_until(partial(talk.has_answers, talk.answered + 200), 60)


async def longest_dark(talk: Talk, user: str, dark_s: dict[str, float]) -> None:
    """How long at most somebody had no connection that was caught up."""
    loop, client = asyncio.get_running_loop(), talk.clients[user]
    seen_s, dark_s[user] = loop.time(), 0.0
    while not talk.over:
        if client.connected:
            seen_s = loop.time()
        dark_s[user] = max(dark_s[user], loop.time() - seen_s)
        await asyncio.sleep(0.01)


async def test_row_20_calls_behind_a_slow_one(deployment: Deployment) -> None:
    """An innocent client would be thrown out for the store's slowness."""
    server = deployment.gateways[0]
    async with (
        Talk() as talk,
        AsyncExitStack() as running,
        httpx2.AsyncClient() as http,
    ):
        await talk.join(server.url, "anna")
        await talk.start("anna", "s001", "s002")
        peer = await raw(server, "s001", running)
        # The fault itself: a commit that takes a second.
        deployment.faults.write_text("before_commit=once(1):sleep(1)\n")
        calls = []
        for number in range(5):
            text = f"call {number}"
            talk.asked(text)
            argument = {
                "conversationId": talk.conversation,
                "clientMessageId": text,
                "text": text,
            }
            calls.append(await peer.start(1, "SendMessage", argument))
        assert (await http.get(f"{server.url}/livez")).status_code == 200
        assert not any(peer.is_answered(call) for call in calls)
        answers = [await peer.answer(call) for call in calls]
        seqs = [answer["seq"] for answer in answers]
        assert seqs == sorted(seqs)
        assert not peer.ended.is_set()
        await peer.leave()
        await talk.settle()
        talk.check()


async def raw(server: Server, user: str, running: AsyncExitStack) -> Peer:
    """A connection without a client library."""
    address = f"{server.url.replace('http', 'ws')}/hub?access_token={token(user)}"
    line = await running.enter_async_context(connect(address, compression=None))
    await line.send('{"protocol":"json","version":1}\x1e')
    await line.recv()
    return Peer(line)


async def test_row_23_one_key_many_times(deployment: Deployment) -> None:
    """A retry would be a second message, or the answer to another one."""
    gateways = itertools.cycle(deployment.gateways)
    async with Talk() as talk:
        devices = ("anna", "anna-2", "anna-3")
        for device in devices:
            await talk.join(next(gateways).url, "anna", device)
        await talk.join(next(gateways).url, "s001")
        await talk.start("anna", "s001", "s002")
        other = await talk.clients["anna"].call(
            StartConversation(
                recipients=(Recipient(kind="user", id="s003"),),
                client_request_id="other",
            ),
            ConversationStarted,
        )
        assert other.conversation is not None

        async def send(device: str, text: str, conversation: str = "") -> Message:
            request = SendMessage(
                conversation_id=conversation or talk.conversation,
                client_message_id="one key",
                text=text,
            )
            return await talk.clients[device].call(request, Message)

        talk.asked("the text")
        answers = await asyncio.gather(
            *(send(device, "the text") for device in devices * 5)
        )
        assert len({(answer.id, answer.seq) for answer in answers}) == 1
        for text, conversation in (
            ("another text", ""),
            ("the text", other.conversation.id),
        ):
            with pytest.raises(Refused) as refused:
                await send("anna", text, conversation)
            assert refused.value.code == "idempotency_conflict"
        # The key of somebody else is another key.
        talk.asked("mine")
        assert (await send("s001", "mine")).id != answers[0].id
        await talk.settle()
        texts = [text for text, _ in talk.history.texts[talk.conversation].values()]
        assert texts == ["the text", "mine"]


async def test_row_28_no_descriptors_left(tmp_path: Path) -> None:
    """Too many connections would end the server, or those who are served."""
    server = Server(
        tmp_path / "data",
        ["--demo"],
        prefix=["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"],
    )
    await server.start()
    held: list[socket.socket] = []
    try:
        async with Talk() as talk:
            await talk.join(server.url, "anna")
            await talk.start("anna", "s001", "s002")
            for _ in range(100):
                line = socket.socket()
                line.setblocking(False)
                line.connect_ex(("127.0.0.1", server.port))
                held.append(line)
            for number in range(5):
                await talk.say("anna", f"all the same {number}")
            for line in held:
                line.close()
            async with asyncio.timeout(60):
                await talk.join(server.url, "s001")
            await talk.settle()
            talk.check()
    finally:
        for line in held:
            line.close()
        await server.stop()
