"""Strikes at random against a running deployment, one after the other, from a seed.

A strike does its harm, waits, and heals. It is drawn only after the talks have moved on
since the last one, so that each meets a deployment at work.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from tests.faults.deployments import Deployment, Large
from tests.faults.proxy import Proxy
from tests.faults.talk import Talk
from tests.support.waiting import wait_until

PROGRESS: Final = 8
"""Messages that must be answered between two strikes."""


@dataclass
class Nemesis:
    """What was done; `kills` counts the SIGKILLs among it."""

    deployment: Deployment
    talks: Sequence[Talk]
    draw: random.Random
    done: Counter[str] = field(default_factory=Counter)
    kills: int = 0

    @property
    def answered(self) -> int:
        """Messages in all talks."""
        return sum(talk.answered for talk in self.talks)

    async def rage(self, kills: int, messages: int) -> None:
        """Strike until there were so many kills and answered messages."""
        strikes, odds = list(STRIKES), list(STRIKES.values())
        if isinstance(self.deployment, Large):
            strikes += list(LARGE_STRIKES)
            odds += list(LARGE_STRIKES.values())
        while self.kills < kills or self.answered < messages:
            enough = self.answered + PROGRESS
            await wait_until(partial(self.has_answers, enough), 60, "progress")
            await asyncio.sleep(self.draw.uniform(0, 0.5))
            strike = self.draw.choices(strikes, odds)[0]
            self.done[strike.__name__] += 1
            await strike(self)

    def has_answers(self, count: int) -> bool:
        return self.answered >= count

    async def wait(self, most_s: float) -> None:
        """For as long as the harm lasts."""
        await asyncio.sleep(self.draw.uniform(0, most_s))

    @property
    def large(self) -> Large:
        assert isinstance(self.deployment, Large)
        return self.deployment


async def kill_gateway(nemesis: Nemesis) -> None:
    gateway = nemesis.draw.choice(nemesis.deployment.gateways)
    await gateway.kill()
    nemesis.kills += 1
    await nemesis.wait(1)
    await gateway.start()


async def restart_gateway(nemesis: Nemesis) -> None:
    gateway = nemesis.draw.choice(nemesis.deployment.gateways)
    await gateway.stop()
    await gateway.start()


async def pause_gateway(nemesis: Nemesis) -> None:
    gateway = nemesis.draw.choice(nemesis.deployment.gateways)
    gateway.send_signal(signal.SIGSTOP)
    await nemesis.wait(3)
    gateway.send_signal(signal.SIGCONT)


async def cut_clients(nemesis: Nemesis) -> None:
    nemesis.deployment.entrance.rst()


async def hold_clients(nemesis: Nemesis) -> None:
    await _hold(nemesis, nemesis.deployment.entrance, 2)


async def _hold(nemesis: Nemesis, proxy: Proxy, most_s: float) -> None:
    proxy.blackhole()
    await nemesis.wait(most_s)
    proxy.heal()


async def kill_postgres(nemesis: Nemesis) -> None:
    await asyncio.to_thread(nemesis.large.postgres.kill)
    nemesis.kills += 1
    await nemesis.wait(1)
    await asyncio.to_thread(nemesis.large.postgres.start)


async def pause_postgres(nemesis: Nemesis) -> None:
    nemesis.large.postgres.pause()
    await nemesis.wait(3)
    nemesis.large.postgres.resume()


async def cut_postgres(nemesis: Nemesis) -> None:
    nemesis.draw.choice(nemesis.large.to_postgres).rst()


async def hold_postgres(nemesis: Nemesis) -> None:
    await _hold(nemesis, nemesis.draw.choice(nemesis.large.to_postgres), 3)


async def kill_redis(nemesis: Nemesis) -> None:
    await asyncio.to_thread(nemesis.large.redis.kill)
    nemesis.kills += 1
    await nemesis.wait(2)
    await asyncio.to_thread(nemesis.large.redis.start)


async def pause_redis(nemesis: Nemesis) -> None:
    nemesis.large.redis.pause()
    await nemesis.wait(3)
    nemesis.large.redis.resume()


async def hold_redis(nemesis: Nemesis) -> None:
    await _hold(nemesis, nemesis.draw.choice(nemesis.large.to_redis), 3)


Strike = Callable[[Nemesis], Awaitable[None]]

STRIKES: Final[Mapping[Strike, int]] = {
    kill_gateway: 6,
    restart_gateway: 1,
    pause_gateway: 1,
    cut_clients: 1,
    hold_clients: 1,
}

LARGE_STRIKES: Final[Mapping[Strike, int]] = {
    kill_postgres: 2,
    pause_postgres: 1,
    cut_postgres: 1,
    hold_postgres: 1,
    kill_redis: 3,
    pause_redis: 1,
    hold_redis: 1,
}
