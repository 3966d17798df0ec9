"""What a hint costs between two gateways, in µs of CPU: published and received.

    ./dev bench bus

Against it, in the same run and on the same Redis: redis-py publishing the same number
of bytes to one of its own subscribers, one by one and in a pipeline, unsigned and
unread. CPU is this process's own; Redis itself is not in it. A hint here is a message
of 250 letters: sealed, sent, received, checked and handed to a listener; publisher and
receiver are two buses of this one process. Rounds alternate, the median counts.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import redis.asyncio as redis_py
import uvloop

from chatd.bus.redis.address import parse
from chatd.bus.redis.bus import RedisBus
from chatd.bus.redis.envelopes import item
from chatd.clock import SystemClock
from chatd.domain.announcements import Announcement, Logged, PersonalMoved
from chatd_protocol.chat.events import MessageCreated
from chatd_protocol.chat.objects import Message, PersonName
from tests.support.redis import redis_server
from tests.support.waiting import wait_until

HINTS = 20_000
ROUNDS = 5
LEAD = 2_000
PER_TURN = 20
"""Published in one turn of the loop: what a group commit of a busy server brings."""

SECRET = b"a secret that both gateways share"
AT = "2026-11-21T09:30:00.000Z"


def said(seq: int) -> Announcement:
    message = Message(
        id="0193517a-6c9e-7000-8000-000000000000",
        conversation_id="c1",
        seq=seq,
        kind="text",
        author=PersonName(id="anna", name="Anna Andersson"),
        created_at=AT,
        text="x" * 250,
    )
    event = MessageCreated(conversation_id="c1", seq=seq, at=AT, message=message)
    return Logged("school", "c1", seq, "message.created", event)


class Ours:
    """Two buses."""

    def __init__(self, url: str) -> None:
        self.buses = [RedisBus(parse(url), SECRET, SystemClock()) for _ in range(2)]
        self.heard = 0
        self.done = asyncio.Event()
        self.buses[1].subscribe(self._listen)

    def _listen(self, news: Sequence[Announcement]) -> None:
        self.heard += len(news)
        if self.heard >= HINTS:
            self.done.set()

    def _has_heard(self, count: int) -> bool:
        return self.heard >= count

    async def start(self) -> None:
        subscribed = asyncio.Event()
        self.buses[1].on_doubt(lambda _why: subscribed.set())
        for bus in self.buses:
            await bus.start()
            await wait_until(partial(getattr, bus.topology, "up"))
        subscribed.clear()
        self.buses[1].follow("conversation", "school", "c1")
        self.buses[1].follow("person", "school", "anna")
        await subscribed.wait()
        await asyncio.sleep(0.1)

    async def stop(self) -> None:
        for bus in self.buses:
            await bus.stop()

    async def run(self, news: Sequence[Announcement], per_turn: int) -> None:
        self.heard = 0
        self.done.clear()
        for start in range(0, HINTS, per_turn):
            self.buses[0].publish(news[start : start + per_turn])
            # Never more on the way than the socket takes.
            if start - self.heard > LEAD:
                await wait_until(partial(self._has_heard, start - LEAD // 2))
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            await self.done.wait()


class Plain:
    """redis-py, a channel, a listener that counts."""

    def __init__(self, port: int) -> None:
        self.client = redis_py.Redis(port=port)
        self.pubsub = self.client.pubsub(ignore_subscribe_messages=True)

    async def start(self) -> None:
        await self.pubsub.subscribe("plain")
        await self.client.ping()

    async def stop(self) -> None:
        await self.pubsub.aclose()  # type: ignore[no-untyped-call]
        await self.client.aclose()

    async def run(self, data: bytes, per_turn: int) -> None:
        async def listen() -> None:
            heard = 0
            async for _message in self.pubsub.listen():
                heard += 1
                if heard == HINTS:
                    return

        listening = asyncio.create_task(listen())
        for _ in range(0, HINTS, per_turn):
            if per_turn == 1:
                await self.client.publish("plain", data)
                continue
            pipeline = self.client.pipeline(transaction=False)
            for _ in range(per_turn):
                pipeline.publish("plain", data)
            await pipeline.execute()
        await listening


async def cpu_us(work: Callable[[], Awaitable[None]]) -> float:
    """CPU of this process per hint."""
    before = time.process_time()
    await work()
    return (time.process_time() - before) / HINTS * 1e6


async def main() -> None:
    with redis_server() as server:
        ours, plain = Ours(server.url), Plain(server.port)
        await ours.start()
        await plain.start()
        messages = [said(seq) for seq in range(HINTS)]
        moves: list[Announcement] = [
            PersonalMoved("school", "anna", seq) for seq in range(HINTS)
        ]
        told = item(messages[0])
        assert told is not None
        size = len(ours.buses[0]._envelopes.seal(b"c", [told]))
        cases: dict[str, Callable[[], Awaitable[None]]] = {
            "hint, one a turn": lambda: ours.run(messages, 1),
            f"hint, {PER_TURN} a turn": lambda: ours.run(messages, PER_TURN),
            f"position of a person, {PER_TURN} a turn": lambda: ours.run(
                moves, PER_TURN
            ),
            "redis-py, one by one": lambda: plain.run(b"x" * size, 1),
            f"redis-py, pipeline of {PER_TURN}": lambda: plain.run(
                b"x" * size, PER_TURN
            ),
        }
        found: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(ROUNDS):
            for name, work in cases.items():
                found[name].append(await cpu_us(work))
        print(f"{HINTS} hints of {size} bytes, {ROUNDS} rounds; µs of CPU per hint")
        for name, values in found.items():
            spread = f"{min(values):6.1f} to {max(values):6.1f}"
            print(f"  {name:36} {statistics.median(values):6.1f}   ({spread})")
        await ours.stop()
        await plain.stop()


if __name__ == "__main__":
    uvloop.run(main())
