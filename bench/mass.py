"""A mass message to 10,000 people: how long until all have it, and who feels it.

    ./dev bench mass [--people N] [--online N] [--postgres] [--replies direct]

A real server, a unit of N people of whom some are online. Two others talk all the time,
twenty messages a second, and their acknowledgements are timed: before, while the mass
message is under way, and after. Printed are the time of the call, the time until
everybody has it and until everybody online was told, and the server's processor time.
Clients are this process, so two processors are what it takes.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path

import uvloop

from bench.first_numbers import cpu_s
from bench.outage import connected
from bench.sockets import Socket
from chatd.clock import SystemClock
from chatd.demo import TENANT, create_demo
from chatd.domain.people import Details
from chatd.store.change import Change, Write
from chatd.store.engine.opening import open_store
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember
from chatd.store.tenants import PutPolicy
from tests.hub.peers import Peer
from tests.support.postgres import postgres_server
from tests.support.server import Server, serving
from tests.support.tokens import token
from tests.support.waiting import wait_until

UNBOUND = ("sends_per_second", "sends_burst", "connections_per_address")
CALM_S = 5.0
PATIENCE_S = 300.0
PAUSE_S = 0.05
AT_ONCE = 500
JOINED = b'"target":"ConversationJoined"'
UPGRADE = (
    "GET /hub HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Authorization: Bearer {}\r\n\r\n"
)


class Ear(Socket):
    """Somebody online; `told_s` is when the message came."""

    told_s = 0.0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if JOINED in data and not self.told_s:
            self.told_s = time.monotonic()


async def fill(url: str, people: int, replies: str) -> None:
    """A unit of so many; anna may send to them."""
    clock = SystemClock()
    store = await open_store(url, clock=clock, on_committed=lambda _: None)
    await create_demo(store, clock)
    rules = {"mass": {"privileges": ["massMessaging"], "undoS": 0, "replies": replies}}
    may = Details(privileges=("massMessaging",))
    writes: list[Write] = [
        PutPolicy("itslearning", json.dumps(rules)),
        PutRoster("unit", "big", "Big"),
        PutPerson("anna", "Anna", ("teacher",), details=may),
        PutRosterMember("unit", "big", "anna", "member"),
    ]
    for number in range(people):
        id_ = f"p{number:05}"
        writes.append(PutPerson(id_, f"Person {number}", ("student",)))
        writes.append(PutRosterMember("unit", "big", id_, "member"))
    for at in range(0, len(writes), AT_ONCE):
        some = tuple(writes[at : at + AT_ONCE])
        await store.commit(Change(TENANT, clock.now_ms(), some))
    await store.close()


async def ears(server: Server, online: int, people: int) -> list[Ear]:
    loop = asyncio.get_running_loop()
    found = []
    for number in range(0, people, max(1, people // online) if online else people + 1):
        _, ear = await loop.create_connection(Ear, "127.0.0.1", server.port)
        ear.write(UPGRADE.format(token(f"p{number:05}")).encode())
        await ear.ready
        found.append(ear)
    await asyncio.sleep(2)
    return found


def shown(name: str, times_s: Sequence[float]) -> None:
    quantiles = statistics.quantiles([1e3 * one for one in times_s], n=100)
    print(
        f"  {name:8} {len(times_s):5}  {quantiles[49]:7.1f} {quantiles[98]:7.1f}"
        f" {1e3 * max(times_s):7.1f}"
    )


def delivered(boss: Peer) -> bool:
    events = boss.events("mass.progress")
    return any(one["massMessage"]["state"] == "delivered" for one in events)


async def measure(server: Server, online: int, people: int) -> None:
    async with AsyncExitStack() as running:
        admin, boss = [
            await running.enter_async_context(connected(server.url, user))
            for user in ("admin", "anna")
        ]
        listening = await ears(server, online, people)
        made = await admin.call(
            "StartConversation",
            recipients=[{"kind": "user", "id": "ben"}],
            clientRequestId="bench",
        )
        room, over = made["conversation"]["id"], asyncio.Event()
        acks: list[tuple[float, float]] = []

        async def talk() -> None:
            while not over.is_set():
                began_s = time.monotonic()
                await admin.call(
                    "SendMessage",
                    conversationId=room,
                    clientMessageId=f"m{len(acks)}",
                    text="x" * 200,
                )
                acks.append((began_s, time.monotonic() - began_s))
                await asyncio.sleep(max(0, began_s + PAUSE_S - time.monotonic()))

        talking = asyncio.create_task(talk())
        await asyncio.sleep(CALM_S)
        before_cpu_s, began_s = cpu_s(server), time.monotonic()
        preview = await boss.call("PreviewAudience")
        previewed_s = time.monotonic()
        await boss.call(
            "SendMassMessage", message={"text": "Snow"}, clientRequestId="mass"
        )
        sent_s = time.monotonic()
        await wait_until(lambda: delivered(boss), PATIENCE_S)
        done_s = time.monotonic()
        await wait_until(lambda: all(ear.told_s for ear in listening), PATIENCE_S)
        spent_s = cpu_s(server) - before_cpu_s
        await asyncio.sleep(CALM_S)
        over.set()
        await talking
        last_s = max((ear.told_s for ear in listening), default=done_s)
        end_s = max(done_s, last_s)
        progress = boss.events("mass.progress")[-1]["massMessage"]
        print(f"{people} people, {len(listening)} online: {progress['delivered']} have")
        print(f"  preview {1e3 * (previewed_s - began_s):6.1f} ms: {preview['roles']}")
        print(f"  call    {1e3 * (sent_s - previewed_s):6.1f} ms")
        print(f"  all have it after   {done_s - sent_s:6.2f} s")
        print(f"  online told after   {last_s - sent_s:6.2f} s")
        print(f"  server's processor  {spent_s:6.2f} s")
        print("  others   sends  ack p50     p99     max  (ms)")
        shown("before", [took for at, took in acks if at < began_s])
        shown("during", [took for at, took in acks if began_s <= at < end_s])
        shown("after", [took for at, took in acks if at >= end_s])


async def main() -> None:
    options = argparse.ArgumentParser(prog="mass")
    options.add_argument("--people", type=int, default=10_000)
    options.add_argument("--online", type=int, default=1_000)
    options.add_argument("--postgres", action="store_true")
    options.add_argument("--replies", choices=("none", "direct"), default="none")
    asked = options.parse_args()
    limits = [part for name in UNBOUND for part in ("--limit", f"{name}=1000000")]
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres_server() if asked.postgres else nullcontext() as postgres,
    ):
        url = f"sqlite:///{folder}/chatd.sqlite3"
        if postgres is not None:
            url = postgres.url(await postgres.create())
            limits += ["--database-url", url]
        await fill(url, asked.people, asked.replies)
        async with serving(Path(folder), *limits) as server:
            await measure(server, asked.online, asked.people)


if __name__ == "__main__":
    uvloop.run(main())
