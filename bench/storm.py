"""Everybody comes back at once: how long until each has resumed, and at what cost.

`./dev bench storm [--clients N] [--jitter S]` fills a school, kills the server, starts
it anew with nothing in memory, and lets N raw WebSocket clients of N people reconnect
at the same moment. Each upgrades, shakes hands and calls `Sync` with a cursor that is
behind; who is refused comes again after the `Retry-After` that he was given, as our own
client does. Meanwhile somebody who was there first sends, and his answers are timed.
Clients are this process, so two processors are what it takes.
"""

import argparse
import asyncio
import json
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import uvloop

from bench.first_numbers import cpu_s, memory_bytes, row
from bench.sockets import HANDSHAKE, Socket, connect, masked
from chatd.clock import SystemClock
from chatd.demo import TENANT, create_demo
from chatd.store.change import Change, Write
from chatd.store.engine.sqlite import open_store
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember
from tests.support.server import Server, serving
from tests.support.tokens import token

CLASS = 30
MISSED = 5
"""Messages in each class while its people were away."""

SEND_EVERY_S = 0.1
GIVE_UP_S = 120.0
LIMITS = ("sends_per_second", "sends_burst", "new_conversations_per_hour")
UPGRADE = (
    "GET /hub HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Authorization: Bearer {}\r\n\r\n"
)
RETRY_HTTP = re.compile(rb"(?i)retry-after: (\d+)")
RETRY_HUB = re.compile(rb'retryAfter\\?":\s*(\d+)')
COMPLETED, FAILED = b'"type":3,"invocationId":"1"', b'"error"'


@dataclass
class Storm:
    """What is seen of everybody together."""

    port: int
    began_s: float = 0.0
    resumed_s: list[float] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def dial(self, client: "Client", delay_s: float = 0.0) -> None:
        """Connect, now or later."""
        task = asyncio.ensure_future(self._dial(client, delay_s))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _dial(self, client: "Client", delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: client, "127.0.0.1", self.port)
        except OSError:
            self.refusals["no connection"] += 1
            self.dial(client, random.uniform(0.5, 1.5))


class Client(asyncio.Protocol):
    """Somebody who was here before; one object through all of his attempts."""

    def __init__(self, storm: Storm, bearer: str, cursors: dict[str, int]) -> None:
        self._storm = storm
        self._upgrade = UPGRADE.format(bearer).encode()
        call = {
            "type": 1,
            "invocationId": "1",
            "target": "Sync",
            "arguments": [{"cursors": cursors}],
        }
        self._sync = masked(json.dumps(call).encode() + b"\x1e")
        self._seen = b""
        self._said = 0
        self._transport: asyncio.Transport
        self.resumed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._seen, self._said = b"", 0
        self._transport = transport  # type: ignore[assignment]
        self._transport.write(self._upgrade)

    def data_received(self, data: bytes) -> None:
        if self.resumed:
            return
        self._seen += data
        if self._said == 0 and b"\r\n\r\n" in self._seen:
            if not self._seen.startswith(b"HTTP/1.1 101"):
                self._again(self._seen[9:12].decode(), RETRY_HTTP)
                return
            self._said = 1
            self._transport.write(masked(HANDSHAKE))
        if self._said == 1 and b"{}\x1e" in self._seen:
            self._said, self._seen = 2, b""
            self._transport.write(self._sync)
        if self._said == 2 and COMPLETED in self._seen and self._seen[-1] == 0x1E:
            self._completed()

    def _completed(self) -> None:
        if FAILED in self._seen:
            self._storm.refusals["Sync"] += 1
            found = RETRY_HUB.search(self._seen)
            delay_s = (int(found[1]) if found else 1) + random.random()
            self._seen = b""
            loop = asyncio.get_running_loop()
            loop.call_later(delay_s, self._transport.write, self._sync)
            return
        assert self._seen.count(b"message.created") == MISSED, self._seen
        self.resumed = True
        self._storm.resumed_s.append(time.monotonic() - self._storm.began_s)

    def _again(self, why: str, pattern: re.Pattern[bytes]) -> None:
        self._storm.refusals[why] += 1
        found = pattern.search(self._seen)
        self._said = -1
        self._transport.abort()
        delay_s = (int(found[1]) if found else 1) + random.random()
        self._storm.dial(self, delay_s)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._said >= 0 and not self.resumed:
            self._storm.refusals["lost"] += 1
            self._storm.dial(self, random.uniform(0.5, 1.5))


async def fill(folder: Path, people: int) -> None:
    """A school with so many more students, in classes of thirty."""
    clock = SystemClock()
    store = open_store(
        folder / "chatd.sqlite3", clock=clock, on_committed=lambda _: None
    )
    await create_demo(store, clock)
    for first in range(0, people, CLASS):
        name = f"class-{first // CLASS}"
        ids = [f"p{number}" for number in range(first, min(first + CLASS, people))]
        writes: list[Write] = [PutPerson(one, one, ("student",)) for one in ids]
        writes.append(PutRoster("course", name, name))
        writes.append(PutRosterMember("course", name, "anna", "teacher"))
        writes += [PutRosterMember("course", name, one, "student") for one in ids]
        await store.commit(Change(TENANT, clock.now_ms(), tuple(writes)))
    await store.close()


async def talk(server: Server, classes: int) -> list[str]:
    """A conversation in every class, in which something is said; their ids."""
    found = []
    headers = {"Authorization": f"Bearer {token('anna')}"}
    async with httpx2.AsyncClient(headers=headers, base_url=server.url) as http:
        for number in range(classes):
            answer = await http.post(
                "/v1/conversations",
                json={
                    "recipients": [{"kind": "course", "id": f"class-{number}"}],
                    "mode": "group",
                    "clientRequestId": f"class-{number}",
                },
            )
            answer.raise_for_status()
            place = str(answer.json()["conversation"]["id"])
            for message in range(MISSED):
                said = {
                    "text": f"News {message}",
                    "clientMessageId": f"m{number}-{message}",
                }
                answer = await http.post(
                    f"/v1/conversations/{place}/messages", json=said
                )
                answer.raise_for_status()
            found.append(place)
    return found


async def senders_waits(socket: Socket, place: str, stop: asyncio.Event) -> list[float]:
    """Seconds that each of the other person's sends took."""
    waits: list[float] = []
    while not stop.is_set():
        began = time.monotonic()
        key = f"during-{len(waits)}"
        said = {"conversationId": place, "clientMessageId": key, "text": "Busy?"}
        await socket.call("SendMessage", said)
        waits.append(time.monotonic() - began)
        await asyncio.sleep(SEND_EVERY_S)
    return waits


def centile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


async def storm(
    server: Server, places: list[str], people: int, jitter_s: float
) -> None:
    """The measured part: a cold server and everybody at its door."""
    students = [f"p{number}" for number in range(people)]
    bearers = [token(one) for one in students]
    # A conversation of nobody in the storm, so that all of them miss the same.
    (busy,) = places[people // CLASS + 1 :]
    sender = await connect(server.port, token("anna"))
    seen = Storm(server.port)
    clients = [
        Client(seen, bearer, {places[number // CLASS]: 1})
        for number, bearer in enumerate(bearers)
    ]
    stop = asyncio.Event()
    sending = asyncio.ensure_future(senders_waits(sender, busy, stop))
    await asyncio.sleep(1)
    cpu, memory, seen.began_s = cpu_s(server), memory_bytes(server), time.monotonic()
    own = time.process_time()
    for client in clients:
        seen.dial(client, random.uniform(0, jitter_s))
    while len(seen.resumed_s) < people:
        await asyncio.sleep(0.05)
        if time.monotonic() - seen.began_s > GIVE_UP_S:
            sys.exit(
                f"{people - len(seen.resumed_s)} have not resumed: {seen.refusals}"
            )
    spent = cpu_s(server) - cpu
    stop.set()
    waits = await sending
    row(f"{people:,} clients, the last resumed after", seen.resumed_s[-1], "s")
    row("half of them after", centile(seen.resumed_s, 50), "s")
    row("99 % of them after", centile(seen.resumed_s, 99), "s")
    row("server CPU for each", spent / people * 1e3, "ms")
    row("server CPU in all", spent, "s")
    row("client CPU in all", time.process_time() - own, "s")
    row(
        "server memory for each", (memory_bytes(server) - memory) / people / 1024, "KiB"
    )
    row("somebody else's send, p50", centile(waits, 50) * 1e3, "ms")
    row("somebody else's send, p99", centile(waits, 99) * 1e3, "ms")
    row("somebody else's send, longest", max(waits) * 1e3, "ms")
    for why, count in seen.refusals.most_common():
        row(f"refused: {why}", count, "times")


async def measure(people: int, jitter_s: float) -> None:
    limits = [part for name in LIMITS for part in ("--limit", f"{name}=1000000")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        classes = people // CLASS + 2
        await fill(folder, classes * CLASS)
        async with serving(folder, *limits) as server:
            places = await talk(server, classes)
            await server.kill()
            await server.start()
            await storm(server, places, people, jitter_s)
            await server.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--jitter", type=float, default=0.0, metavar="SECONDS")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(given.clients, given.jitter))


if __name__ == "__main__":
    main()
