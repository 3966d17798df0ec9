"""First numbers: what a send, a delivery, a connection costs the whole server.

`./dev bench first_numbers` starts the real server, one process on SQLite with
`synchronous=FULL`, and prints a table. CPU is that of the server process alone.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from bench.sockets import Socket, connect_all
from tests.support.server import Server, serving
from tests.support.tokens import token

RECEIVERS = 1_000
DEVICES_EACH = 4
MESSAGES = 200
BURST = 10
SEND_SECONDS = 5.0
SENDERS = (1, 64)
TEXT = "A message of the usual length: two sentences, some eighty characters or so."

UNBOUND = (
    "sends_per_second",
    "sends_burst",
    "new_conversations_per_hour",
    "connections_per_user",
)
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def fresh_server() -> AsyncIterator[Server]:
    """A server with the demo tenant and without rate limits."""
    limits = [part for name in UNBOUND for part in ("--limit", f"{name}=1000000")]
    with tempfile.TemporaryDirectory() as folder:
        async with serving(Path(folder), "--demo", *limits) as server:
            yield server


def cpu_s(server: Server) -> float:
    """Processor time of the server so far, all its threads."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def memory_bytes(server: Server) -> int:
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * PAGE_BYTES


def row(what: str, value: float, unit: str) -> None:
    print(f"{what:<58} {value:>10,.1f} {unit}", flush=True)


async def start(server: Server, recipient: dict[str, str], key: str) -> str:
    """Has anna start a conversation; returns its id."""
    headers = {"Authorization": f"Bearer {token('anna')}"}
    async with httpx2.AsyncClient(headers=headers) as http:
        answer = await http.post(
            f"{server.url}/v1/conversations",
            json={"recipients": [recipient], "mode": "group", "clientRequestId": key},
        )
    answer.raise_for_status()
    return str(answer.json()["conversation"]["id"])


async def send(socket: Socket, conversation_id: str, key: str) -> None:
    await socket.call(
        "SendMessage",
        {"conversationId": conversation_id, "clientMessageId": key, "text": TEXT},
    )


async def connections(server: Server) -> list[Socket]:
    """Opens the receivers, and tells what opening and keeping them costs."""
    students = [f"s{number:03}" for number in range(1, 351)]
    bearers = [token(students[number // DEVICES_EACH]) for number in range(RECEIVERS)]
    memory, cpu, began = memory_bytes(server), cpu_s(server), time.monotonic()
    sockets = await connect_all(server.port, bearers)
    took = time.monotonic() - began
    row("connect: CPU each", (cpu_s(server) - cpu) / RECEIVERS * 1e3, "ms")
    row("connect: rate, 32 at a time", RECEIVERS / took, "/s")
    await asyncio.sleep(1)
    held = memory_bytes(server) - memory
    row("memory: each idle connection", held / RECEIVERS / 1024, "KiB")
    return sockets


async def arrival(sockets: list[Socket], count: int) -> None:
    """Waits until every receiver has been told of so many messages."""
    deadline = time.monotonic() + 60
    while any(socket.events != count for socket in sockets):
        await asyncio.sleep(0.002)
        if time.monotonic() > deadline:
            sys.exit("deliveries are missing")


async def deliveries() -> None:
    """One conversation with 1,000 sockets in it."""
    async with fresh_server() as server:
        course = await start(server, {"kind": "course", "id": "physics-9"}, "bench")
        sockets = await connections(server)
        (sender,) = await connect_all(server.port, [token("anna")])
        sent = 0
        for together in (1, 1, BURST):
            cpu, began, first = cpu_s(server), time.monotonic(), sent
            while sent < first + MESSAGES:
                for _ in range(together):
                    sent += 1
                    await send(sender, course, f"delivery-{sent}")
                await arrival(sockets, sent)
            if first == 0:
                continue  # warm now
            took, count = time.monotonic() - began, (sent - first) * RECEIVERS
            label = f"delivery, {RECEIVERS:,} receivers, {together} at a time"
            row(f"{label}: CPU each", (cpu_s(server) - cpu) / count * 1e6, "µs")
            row(f"{label}: rate", count / took, "/s")
        for socket in (*sockets, sender):
            socket.close()


async def sends(senders: int) -> None:
    """Every sender writes, as fast as answers come, to a conversation of its own."""
    async with fresh_server() as server:
        students = [f"s{number:03}" for number in range(1, senders + 1)]
        places = [
            await start(server, {"kind": "user", "id": student}, f"with-{student}")
            for student in students
        ]
        sockets = await connect_all(server.port, list(map(token, students)))
        waits: list[float] = []
        until = time.monotonic() + SEND_SECONDS

        async def keep_sending(socket: Socket, place: str, name: str) -> None:
            number = 0
            while (began := time.monotonic()) < until:
                number += 1
                await send(socket, place, f"{name}-{number}")
                waits.append(time.monotonic() - began)

        cpu = cpu_s(server)
        await asyncio.gather(*map(keep_sending, sockets, places, students))
        used = cpu_s(server) - cpu
        label = f"send, durable, {senders} sender{'s' * (senders > 1)}"
        row(f"{label}: rate", len(waits) / SEND_SECONDS, "/s")
        waits.sort()
        row(f"{label}: median", statistics.median(waits) * 1e3, "ms")
        row(f"{label}: 99th percentile", waits[int(len(waits) * 0.99)] * 1e3, "ms")
        row(f"{label}: CPU each", used / len(waits) * 1e6, "µs")
        for socket in sockets:
            socket.close()


async def main() -> None:
    await deliveries()
    for senders in SENDERS:
        await sends(senders)


if __name__ == "__main__":
    asyncio.run(main())
