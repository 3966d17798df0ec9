"""A rolling restart of three gateways under load: nobody fails, hardly anyone waits.

Each person writes and reads without pause. `--restarts 30` makes ten rounds of it and
holds everybody to `DARK_S_MAX`; the default is one round, on however busy a machine.
What is dark is measured by what everybody can see: the longest time between two
arrivals in a conversation where somebody always writes.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from chatd_client import ChatClient
from chatd_protocol.chat.events import MessageCreated
from chatd_protocol.chat.requests import Recipient, StartConversation
from chatd_protocol.chat.results import ConversationStarted
from tests.support.balancers import COMMANDS
from tests.support.deployments import Deployment, Shared, deployed
from tests.support.server import ROOT
from tests.support.tokens import token
from tests.support.waiting import wait_until

PAUSE_S = 0.1
SETTLED_S = 3.0
"""Longer than either balancer takes to believe in a gateway again."""

DARK_S_MAX = 2.0
BUSY_DARK_S_MAX = 8.0
PEOPLE = ("anna", "s001", "s002", "s003")
OFFICIAL = {"s004": "WebSockets", "s005": "ServerSentEvents", "s006": "LongPolling"}
GATEWAYS = 3
QUICK = [
    part
    for name in ("sends_per_second", "sends_burst", "reads_per_second", "reads_burst")
    for part in ("--limit", f"{name}=100000")
]


@dataclass
class Life:
    """What one person wrote and saw."""

    name: str
    answered: dict[str, int] = field(default_factory=dict)
    texts: dict[int, str | None] = field(default_factory=dict)
    dark_s: float = 0.0
    worst_answer_s: float = 0.0
    interrupted: int = 0
    failed: str | None = None

    def line(self) -> str:
        return (
            f"{self.name:26} sent {len(self.answered):5}  "
            f"interrupted {self.interrupted:3}  dark {self.dark_s:5.2f} s  "
            f"worst answer {self.worst_answer_s:5.2f} s"
        )


async def started(url: str) -> str:
    async with ChatClient(url, token("anna")) as anna:
        answer = await anna.call(
            StartConversation(
                recipients=tuple(
                    Recipient(kind="user", id=user) for user in (*PEOPLE[1:], *OFFICIAL)
                ),
                mode="group",
                title="On the move",
                client_request_id="rolling",
            ),
            ConversationStarted,
        )
        assert answer.conversation is not None
        return answer.conversation.id


async def ours(life: Life, url: str, place: str, over: asyncio.Event) -> None:
    """A life with our own client."""
    user = life.name
    async with ChatClient(url, token(user, ttl_s=86_400)) as client:
        reading = asyncio.create_task(read(client, place, life))
        number = 0
        while not over.is_set():
            number += 1
            began = time.monotonic()
            try:
                sent = await client.send(place, f"{user} {number}")
            except Exception as error:  # noqa: BLE001 - none is expected
                life.failed = repr(error)
                break
            took = time.monotonic() - began
            life.worst_answer_s = max(life.worst_answer_s, took)
            life.answered[f"{user} {number}"] = sent.seq
            await asyncio.sleep(PAUSE_S)
        room = client.replica.rooms[place]
        last = max(life.answered.values(), default=0)
        await wait_until(lambda: room.cursor >= last, 60, f"{user} has {last}")
        reading.cancel()
        for seq, known in room.messages.items():
            life.texts.setdefault(seq, known.message.text)


async def read(client: ChatClient, place: str, life: Life) -> None:
    last = None
    async for update in client.events():
        if isinstance(update, MessageCreated) and update.conversation_id == place:
            now = time.monotonic()
            if last is not None:
                life.dark_s = max(life.dark_s, now - last)
            last = now
            life.texts[update.seq] = update.message.text


@asynccontextmanager
async def official(
    url: str, user: str, transport: str, place: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A life with the official JavaScript client, which is over with its stdin."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(ROOT / "tests" / "end_to_end" / "js" / "steady.mjs"),
        *(f"{url}/hub", token(user, ttl_s=86_400), place, user, transport),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=16 * 2**20,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(100):
            assert b"ready" in await process.stdout.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def its_life(
    process: asyncio.subprocess.Process, user: str, transport: str
) -> Life:
    assert process.stdin is not None
    process.stdin.close()
    async with asyncio.timeout(100):
        assert process.stdout is not None
        said: dict[str, Any] = json.loads(await process.stdout.readline())
    return Life(
        f"{user} ({transport})",
        said["answered"],
        {int(seq): text for seq, text in said["texts"].items()},
        said["darkMs"] / 1000,
        said["worstAnswerMs"] / 1000,
        said["interrupted"],
        said["failed"] or said["gaveUp"],
    )


async def is_ready(http: httpx2.AsyncClient, url: str) -> bool:
    return (await http.get(f"{url}/readyz")).is_success


async def roll(deployment: Deployment, restarts: int) -> None:
    """One gateway after the other, each only when the last one is back."""
    for number in range(restarts):
        server = deployment.gateways[number % GATEWAYS]
        await server.stop()
        assert server.returncode == 0
        await server.start()
        async with httpx2.AsyncClient() as http:
            await wait_until(partial(is_ready, http, server.url))
        await asyncio.sleep(SETTLED_S)


@pytest.fixture
def restarts(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--restarts"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The full proof is for every balancer; a single round is made behind one."""
    full = int(metafunc.config.getoption("--restarts"))
    metafunc.parametrize("balancer", COMMANDS if full else ["nginx"])


@pytest.mark.timeout(1800)
async def test_a_rolling_restart(
    balancer: str, shared: Shared, tmp_path: Path, restarts: int
) -> None:
    """A deployment in the middle of the day would be felt, or would lose messages."""
    over = asyncio.Event()
    async with AsyncExitStack() as running:
        deployment = await running.enter_async_context(
            deployed(
                balancer,
                tmp_path,
                shared,
                (*QUICK, "--drain-notice", "3"),
                GATEWAYS,
            )
        )
        place = await started(deployment.url)
        processes = {
            user: await running.enter_async_context(
                official(deployment.url, user, transport, place)
            )
            for user, transport in OFFICIAL.items()
        }
        lives = [Life(user) for user in PEOPLE]
        people = [
            asyncio.create_task(ours(life, deployment.url, place, over))
            for life in lives
        ]
        await wait_until(lambda: all(life.answered for life in lives), 60)
        await roll(deployment, restarts or GATEWAYS)
        over.set()
        await asyncio.gather(*people)
        lives += [
            await its_life(process, user, OFFICIAL[user])
            for user, process in processes.items()
        ]
        for life in lives:
            print(life.line())
        check(lives, DARK_S_MAX if restarts else BUSY_DARK_S_MAX)


def check(lives: list[Life], dark_s_max: float) -> None:
    truth: dict[int, str] = {}
    for life in lives:
        assert life.failed is None, f"{life.name}: {life.failed}"
        for text, seq in life.answered.items():
            assert truth.setdefault(seq, text) == text
    # Nothing is lost for anybody, and nothing is there that nobody wrote.
    everybody_over = min(max(life.texts) for life in lives)
    for life in lives:
        first = min(life.texts)
        seen = {s: t for s, t in life.texts.items() if s <= everybody_over and t}
        due = {s: t for s, t in truth.items() if first <= s <= everybody_over}
        assert seen.items() >= due.items(), life.name
        assert life.dark_s <= dark_s_max, life.line()
