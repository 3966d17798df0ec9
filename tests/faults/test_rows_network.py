"""Rows 12, 13 and 21: connections that fall silent, vanish or go in mid-sentence."""

import asyncio
import random
from functools import partial
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from chatd.hub import chat
from chatd.signalr.requests import HubLimits
from chatd_client import ChatClient, ChatOptions
from chatd_protocol.chat.requests import SendMessage
from tests.faults.deployments import Deployment
from tests.faults.proxy import Proxy, Way
from tests.faults.talk import Talk
from tests.hub.peers import House, Peer, open_house
from tests.support.server import Server
from tests.support.tokens import token
from tests.support.waiting import wait_until

PING_S, TIMEOUT_S = 0.2, 1.5
QUICK = ChatOptions(draw=lambda: 0.1, ping_s=PING_S, server_timeout_s=TIMEOUT_S)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings and their deadlines are short, yet not too short for a busy machine."""
    quick = partial(HubLimits, ping_s=PING_S, client_timeout_s=TIMEOUT_S)
    monkeypatch.setattr(chat, "HubLimits", quick)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("way", Way)
async def test_row_12_nothing_arrives_in_one_direction(
    tmp_path: Path, way: Way
) -> None:
    """Half a connection would be taken for a whole one, for ever."""
    async with open_house(tmp_path, {}) as school:
        await school.group("physics", "anna", "ben")
        port = int(school.url.rpartition(":")[2])
        async with Proxy(("127.0.0.1", port)) as proxy:
            url = f"http://127.0.0.1:{proxy.port}"
            async with ChatClient(url, school.token("ben"), options=QUICK) as ben:
                anna = await school.join("anna")
                proxy.drop_one_way(way)
                await say(anna, "unheard")
                # Both ends find out by themselves: the client looks for another way,
                # and the server lets the connection go.
                await wait_until(lambda: not ben.connected)
                await wait_until(lambda: present(school, "ben") == 0)
                proxy.heal()
                room = ben.replica.rooms["physics"]
                await wait_until(lambda: room.cursor == 2, what="whole again")
                assert [one.message.text for one in room.messages.values()] == [
                    "unheard"
                ]


@pytest.mark.usefixtures("soon")
async def test_row_13_a_client_vanishes_without_a_word(tmp_path: Path) -> None:
    """Who lost the network would be online until the kernel gives up."""
    async with open_house(tmp_path, {}) as school:
        await school.group("physics", "anna", "ben")
        port = int(school.url.rpartition(":")[2])
        async with Proxy(("127.0.0.1", port)) as proxy:
            url = f"http://127.0.0.1:{proxy.port}"
            ben = ChatClient(url, school.token("ben"), options=QUICK)
            async with ben:
                await wait_until(lambda: present(school, "ben") == 1)
                proxy.blackhole()
                await wait_until(lambda: present(school, "ben") == 0)
                await say(await school.join("anna"), "in the meantime")
                proxy.heal()
                room = ben.replica.rooms["physics"]
                await wait_until(lambda: room.cursor == 2, what="nothing was lost")


async def say(peer: Peer, text: str) -> dict:
    return await peer.call(
        "SendMessage", conversationId="physics", clientMessageId=text, text=text
    )


def present(school: House, user: str) -> int:
    """How many connections the server holds for open."""
    hub = school.installation.signalr._hubs["/hub"]
    return len(hub.clients.user(user).connections())


async def test_row_21_clients_go_in_the_middle_of_their_calls(
    deployment: Deployment,
) -> None:
    """A call whose caller is gone would leave a lock, or answer somebody else."""
    server, draw = deployment.gateways[0], random.Random(21)
    async with Talk() as talk:
        anna = await talk.join(server.url, "anna")
        await talk.start("anna", "s001", "s002")
        deployment.faults.write_text("after_begin=sleep(0.01)\n")
        async with asyncio.TaskGroup() as storm:
            for number in range(60):
                storm.create_task(go_early(server, talk, number, draw.random()))
            for number in range(10):
                answer = await talk.say("anna", f"between {number}")
                assert answer.text == f"between {number}"
        await talk.settle()
        assert anna.connected
        talk.check()
    assert "Traceback" not in server.log, server.log
    assert "failed" not in server.log, server.log


async def go_early(server: Server, talk: Talk, number: int, share: float) -> None:
    """Ask for something and cut the line before it is answered."""
    address = f"{server.url.replace('http', 'ws')}/hub?access_token={token('s001')}"
    text = f"cut {number}"
    talk.asked(text)
    request = SendMessage(
        conversation_id=talk.conversation, client_message_id=text, text=text
    )
    async with connect(address, compression=None) as socket:
        await socket.send('{"protocol":"json","version":1}\x1e')
        await socket.recv()
        peer = Peer(socket)
        await peer.start(1, "SendMessage", dict_of(request))
        await asyncio.sleep(share * 0.05)
        cut(socket)
        await peer.ended.wait()


def dict_of(request: SendMessage) -> dict:
    return {
        "conversationId": request.conversation_id,
        "clientMessageId": request.client_message_id,
        "text": request.text,
    }


def cut(socket: ClientConnection) -> None:
    socket.transport.abort()
