"""Killing the server at random moments: nothing acknowledged is lost, nothing doubled.

Eight clients send without pause and repeat what was not answered, under the same id.
`--kills 100` is the full proof; the default keeps the run short.
"""

import asyncio
import random
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import apsw
import pytest

from chatd_client import ChatClient, ChatOptions
from chatd_protocol.chat.events import LogEvent, MessageCreated
from chatd_protocol.chat.requests import Recipient, StartConversation, Sync
from chatd_protocol.chat.results import ConversationStarted, Synced
from tests.faults.checker import FOREVER, History, Sent, Stored, check
from tests.faults.witness import content, report, witness
from tests.support.server import Server
from tests.support.tokens import token
from tests.support.waiting import wait_until

SENDERS = tuple(f"s{number:03}" for number in range(1, 9))
UNBOUND = (
    "sends_per_second",
    "sends_burst",
    "reads_per_second",
    "reads_burst",
    "sync_events_per_conversation",
)
LIFE_S_MAX = 1.0
PROGRESS = 8
"""Messages that each life of the server must answer before its end is drawn."""


def impatient(server: Server, user: str) -> ChatClient:
    """A client that comes back within 0.3 s, so that a kill finds it sending."""
    options = ChatOptions(draw=lambda: 0.01)
    return ChatClient(server.url, token(user, ttl_s=86_400), options=options)


async def start_group(client: ChatClient) -> str:
    started = await client.call(
        StartConversation(
            recipients=tuple(Recipient(kind="user", id=user) for user in SENDERS),
            mode="group",
            title="Steady hands",
            client_request_id="crash",
        ),
        ConversationStarted,
    )
    assert started.conversation is not None
    return started.conversation.id


async def whole_log(client: ChatClient, conversation_id: str) -> list[LogEvent]:
    """The stored log from seq 1 on."""
    log: list[LogEvent] = []
    more = True
    while more:
        request = Sync(cursors={conversation_id: len(log)})
        answer = await client.call(request, Synced)
        more = answer.more
        for row in answer.conversations:
            log += row.events
    return log


class Talk:
    """Eight people who send without pause, and what came of it."""

    def __init__(self) -> None:
        self.clients: dict[str, ChatClient] = {}
        self.conversation_id = ""
        self.history = History()
        self.over = False

    async def keep_sending(self, user: str) -> None:
        number, clock = 0, asyncio.get_running_loop()
        while not self.over:
            number += 1
            text, began_s = f"{user} {number}", clock.time()
            sent = await self.clients[user].send(self.conversation_id, text)
            assert sent.text == text
            self.history.sent.append(
                Sent(text, self.conversation_id, began_s, clock.time(), sent.seq)
            )

    def has_answers(self, count: int) -> bool:
        return len(self.history.sent) >= count

    def replica_is_whole(self, user: str, head: int) -> bool:
        room = self.clients[user].replica.rooms.get(self.conversation_id)
        return room is not None and room.cursor >= head


async def kill_again_and_again(server: Server, talk: Talk, kills: int) -> None:
    """Each life of the server answers something, and then ends at any moment."""
    seed = random.randrange(2**32)
    print(f"moments drawn from seed {seed}")
    moments = random.Random(seed)
    for _ in range(kills):
        enough = len(talk.history.sent) + PROGRESS
        await wait_until(partial(talk.has_answers, enough), 60, "answers")
        await asyncio.sleep(moments.uniform(0, LIFE_S_MAX))
        await server.kill()
        await server.start()


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills"))


@pytest.mark.timeout(1800)
async def test_nothing_answered_is_lost(tmp_path: Path, kills: int) -> None:
    """An acknowledged message could vanish, double or leave a hole at a crash."""
    limits = [part for name in UNBOUND for part in ("--limit", f"{name}=10000000")]
    server = Server(tmp_path / "data", ["--demo", *limits])
    await server.start()
    talk = Talk()
    try:
        async with AsyncExitStack() as running:
            watching = []
            for user in ("anna", *SENDERS):
                talk.clients[user] = client = impatient(server, user)
                watching.append(witness(talk.history, user, user, client))
                await running.enter_async_context(client)
            talk.conversation_id = await start_group(talk.clients["anna"])
            async with asyncio.TaskGroup() as sending:
                for user in SENDERS:
                    sending.create_task(talk.keep_sending(user))
                await kill_again_and_again(server, talk, kills)
                talk.over = True
            await settle(talk)
            for one in watching:
                one.close([talk.conversation_id])
    finally:
        await server.stop()
    assert talk.history.shown
    found = check(talk.history)
    assert not found, report(found)
    check_file(tmp_path / "data" / "chatd.sqlite3")


async def settle(talk: Talk) -> None:
    """Everybody catches up; the history learns what there was to see."""
    log = await whole_log(talk.clients["anna"], talk.conversation_id)
    history, name = talk.history, talk.conversation_id
    texts = {}
    for event in log:
        said = event.message if isinstance(event, MessageCreated) else None
        key = None if said is None else said.text
        history.log.append(Stored(name, event.seq, content(event), key))
        if said is not None:
            texts[event.seq] = (said.text or "", event.seq)
    history.texts[name] = texts
    for user in talk.clients:
        history.seen[user, name] = [(1, FOREVER)]
        history.whole.add(user)
        await wait_until(partial(talk.replica_is_whole, user, len(log)), 30, user)


def check_file(file: Path) -> None:
    """The database is sound by SQLite's own account."""
    connection = apsw.Connection(str(file))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
