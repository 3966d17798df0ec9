"""Everything that can break is broken at random while people talk; then it is counted.

`--nemesis` is the full proof: three gateways on PostgreSQL with Redis, 200 kills and
100,000 acknowledged messages. The default is one gateway on SQLite, for some seconds.
"""

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chatd_client import ChatOptions
from tests.faults.deployments import Deployment, Large
from tests.faults.nemesis import Nemesis
from tests.faults.talk import Talk
from tests.support.postgres import postgres_server
from tests.support.redis import redis_server

CASTS = (
    ("anna", "s001", "s002", "s003"),
    ("ben", "s004", "s005", "s006"),
)
"""Of each talk: who may remove others, who talks, and last who comes and goes."""


async def endure(
    deployment: Deployment, seed: int, kills: int, messages: int
) -> Nemesis:
    """Two talks under a nemesis, checked."""
    draw = random.Random(seed)
    options = ChatOptions(draw=lambda: draw.random() * 0.2)
    async with AsyncExitStack() as running:
        talks = []
        for number, cast in enumerate(CASTS):
            talk = Talk(options, patient=True, name=f"talk {number}")
            talks.append(await running.enter_async_context(talk))
            for user in cast:
                await talk.join(deployment.url, user)
            await talk.start(*cast)
        nemesis = Nemesis(deployment, talks, draw)
        async with asyncio.TaskGroup() as talking:
            for talk, cast in zip(talks, CASTS, strict=True):
                for user in cast[:-1]:
                    talking.create_task(talk.keep_sending(user))
                talking.create_task(talk.come_and_go(cast[0], cast[-1]))
            await nemesis.rage(kills, messages)
            for talk in talks:
                talk.over = True
        for talk in talks:
            await talk.settle()
    print(f"seed {seed}: {nemesis.answered} acknowledged, {nemesis.kills} kills")
    print(*(f"{count} {name}" for name, count in nemesis.done.items()), sep=", ")
    for talk in talks:
        # Of a long run it takes its time.
        await asyncio.to_thread(talk.check)
    return nemesis


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Printed when the test fails, and settable."""
    chosen = request.config.getoption("--first-seed")
    return int(chosen) or random.randrange(1, 2**32)


async def test_one_gateway(tmp_path: Path, seed: int) -> None:
    """What no test thought of would lose, double or leak a message."""
    async with Deployment(tmp_path) as deployment:
        await endure(deployment, seed, kills=4, messages=100)


@pytest.mark.timeout(6 * 3600)
async def test_three_gateways(
    tmp_path: Path, seed: int, request: pytest.FixtureRequest
) -> None:
    """The same, where gateways, PostgreSQL and Redis die one by one."""
    if not request.config.getoption("--nemesis"):
        pytest.skip("minutes to hours; --nemesis runs it")
    kills = int(request.config.getoption("--kills"))
    messages = int(request.config.getoption("--messages"))
    with postgres_server() as postgres, redis_server() as redis:
        async with Large(tmp_path, postgres, redis) as deployment:
            await endure(deployment, seed, kills, messages)
