"""One client that does not read harms nobody else (faults, row 14)."""

import asyncio
from pathlib import Path

import httpx2

from tests.end_to_end.raw_clients import asked, connected, started
from tests.signalr.raw import Raw, call
from tests.support.server import Server, serving
from tests.support.waiting import wait_until

MESSAGES = 400
TEXT = "x" * 15_000
LIMITS = ("--limit", "sends_per_second=100000", "--limit", "sends_burst=100000")


async def metric(server: Server, name: str) -> float:
    async with httpx2.AsyncClient() as http:
        lines = (await http.get(f"{server.url}/metrics")).text.splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name} ")]
    return float(line.split()[1])


async def all_in_order(reader: Raw) -> bool:
    """Whether every message came, each once."""
    for number in range(MESSAGES):
        await reader.until(f'"text":"{number} '.encode(), 60)
    return True


async def test_who_does_not_read_is_let_go_and_loses_nothing(tmp_path: Path) -> None:
    """A phone in a tunnel would hold up a class, or fill the server's memory."""
    async with serving(tmp_path, "--demo", *LIMITS) as server:
        course = await started(server, "course", "math-7a")
        anna = await connected(server, "anna")
        readers = [await connected(server, f"s{number:03}") for number in range(2, 7)]
        slow = await connected(server, "s001", receive_bytes=4096)
        slow.pause()
        reading = asyncio.gather(*map(all_in_order, readers))
        waiting = 0.0
        for number in range(MESSAGES):
            said = {
                "conversationId": course,
                "clientMessageId": str(number),
                "text": f"{number} {TEXT}",
            }
            await asked(anna, number, "SendMessage", **said)
            if number % 50 == 0:
                waiting = max(
                    waiting, await metric(server, "chatd_outbound_queue_bytes")
                )
        assert all(await reading)
        assert waiting <= 6 * 2**20

        async def let_go() -> bool:
            return await metric(server, "chatd_slow_consumer_closes_total") == 1

        await wait_until(let_go, 60)
        # Out of the tunnel: everything that was missed is still there.
        again = await connected(server, "s001")
        page = await asked(again, 1, "ListMessages", conversationId=course, limit=1)
        assert page["messages"][0]["text"].startswith(f"{MESSAGES - 1} ")
        again.send(call(2, "Sync", {"cursors": {course: 1}}))
        assert b'"more":true' in await again.until(b'"more":true')
        for raw in (anna, slow, again, *readers):
            raw.writer.transport.abort()
