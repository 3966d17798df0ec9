"""Redis is killed under two gateways: what senders and receivers notice of it.

    ./dev bench outage

Two real gateways on PostgreSQL, with Redis between them. One person sends at the first
gateway, twenty times a second; forty connections at the second receive. Redis is killed
with SIGKILL, is gone for ten seconds and comes back empty. For the time before, in the
dark and after: how long an acknowledgement takes, and how long until the last of the
forty has the message. "whole" is the time from Redis' first answer until every
connection has everything that was acknowledged until then.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import uvloop
from websockets.asyncio.client import connect

from tests.faults.deployments import Large
from tests.hub.peers import Peer
from tests.support.postgres import postgres_server
from tests.support.redis import RedisServer, redis_server
from tests.support.tokens import token
from tests.support.waiting import wait_until

CALM_S, DARK_S = 5.0, 10.0
PAUSE_S = 0.05
PEOPLE = [f"s{number:03}" for number in range(1, 21)]
DEVICES = 2


@dataclass
class Sent:
    """One message."""

    seq: int
    began_s: float
    acked_s: float


class Ear(Peer):
    """Notes when each message came."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.came: dict[int, float] = {}

    def _take(self, message: dict) -> None:
        super()._take(message)
        if message.get("target") == "MessageCreated":
            self.came[message["arguments"][0]["seq"]] = time.monotonic()


@asynccontextmanager
async def connected(url: str, user: str) -> AsyncIterator[Ear]:
    words = urlencode({"access_token": token(user, ttl_s=3_600)})
    address = f"{url.replace('http', 'ws')}/hub?{words}"
    async with connect(address, compression=None) as socket:
        await socket.send('{"protocol":"json","version":1}\x1e')
        await socket.recv()
        ear = Ear(socket)
        await ear.call("GetMe")
        yield ear


async def send(anna: Ear, room: str, until_s: float, sent: list[Sent]) -> None:
    while time.monotonic() < until_s:
        began_s = time.monotonic()
        answer = await anna.call(
            "SendMessage",
            conversationId=room,
            clientMessageId=f"m{len(sent)}",
            text="x" * 200,
        )
        sent.append(Sent(answer["seq"], began_s, time.monotonic()))
        await asyncio.sleep(max(0.0, began_s + PAUSE_S - time.monotonic()))


def shown(name: str, sent: Sequence[Sent], ears: Sequence[Ear]) -> None:
    acks = [(one.acked_s - one.began_s) * 1e3 for one in sent]
    lags = [
        (max(ear.came[one.seq] for ear in ears) - one.began_s) * 1e3 for one in sent
    ]
    print(
        f"  {name:8} {len(sent):5}   {of(acks, 50):7.1f} {of(acks, 99):7.1f}"
        f"   {of(lags, 50):7.1f} {of(lags, 99):7.1f} {max(lags):7.1f}"
    )


def of(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


async def measure(deployment: Large, redis: RedisServer) -> None:
    here, there = (gateway.url for gateway in deployment.gateways)
    async with AsyncExitStack() as running:
        anna = await running.enter_async_context(connected(here, "anna"))
        ears = [
            await running.enter_async_context(connected(there, person))
            for person in PEOPLE
            for _ in range(DEVICES)
        ]
        started: Mapping = await anna.call(
            "StartConversation",
            recipients=[{"kind": "user", "id": person} for person in PEOPLE],
            mode="group",
            title="Outage",
            clientRequestId="outage",
        )
        room = started["conversation"]["id"]
        await asyncio.sleep(2)
        sent: list[Sent] = []
        began_s = time.monotonic()
        end_s = began_s + 2 * CALM_S + DARK_S
        sending = asyncio.create_task(send(anna, room, end_s, sent))
        await asyncio.sleep(CALM_S)
        killed_s = time.monotonic()
        redis.kill()
        await asyncio.sleep(DARK_S)
        redis.start()
        back_s = time.monotonic()
        await sending
        last = sent[-1].seq
        await wait_until(lambda: all(last in ear.came for ear in ears), 15)
        lost = sum(one.seq not in ear.came for one in sent for ear in ears)
        doubled = sum(
            len(ear.events("message.created")) - len(ear.came) for ear in ears
        )
        print(f"{len(ears)} receivers, {len(sent)} messages: {lost=} {doubled=}")
        print("  phase     sent   ack p50     p99   all p50     p99     max  (ms)")
        before = [one for one in sent if one.began_s < killed_s]
        dark = [one for one in sent if killed_s <= one.began_s < back_s]
        shown("before", before, ears)
        shown("dark", dark, ears)
        shown("after", [one for one in sent if one.began_s >= back_s], ears)
        whole_s = max(
            ear.came[one.seq] - back_s
            for one in sent
            if one.acked_s <= back_s
            for ear in ears
        )
        print(f"  whole {max(0.0, whole_s):.2f} s after Redis answered again")


async def main() -> None:
    with (
        postgres_server() as postgres,
        redis_server() as redis,
        tempfile.TemporaryDirectory() as folder,
    ):
        async with Large(Path(folder), postgres, redis, 2) as deployment:
            await measure(deployment, redis)


if __name__ == "__main__":
    uvloop.run(main())
