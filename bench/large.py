"""A large school: ten thousand people come in at once, and one conversation is long.

`./dev bench large` imports 10,000 people, 500 courses and 20,000 enrolments, kind by
kind, with `chatd import` into a running server, and prints how long that took (a file
in which kinds change with every line takes twice as long). Then it writes
100,000 messages into one conversation and 100 into another, and opens each 200 times at
the first unread message, at its end and far back: one request, milliseconds, median and
99th of a hundred. How many statements and rows it takes does not depend on the length
(`tests/actions/test_bounds.py` counts them) but for unread messages, which are counted
up to 999.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from bench.first_numbers import row
from chatd.clock import SystemClock
from chatd.demo import TENANT, create_demo
from chatd.ids import new_id
from chatd.store.change import Change, Write
from chatd.store.conversations import CreateConversation
from chatd.store.engine.sqlite import open_store
from chatd.store.members import NewMember
from chatd.store.messages import InsertMessage
from tests.support.server import Server, serving
from tests.support.tokens import SECRET, token

PEOPLE, COURSES, COURSES_EACH = 10_000, 500, 2
LENGTHS = {"short": 100, "long": 100_000}
AT_ONCE = 256
RUNS = 200
TEXT = "A message of the usual length: two sentences, some eighty characters or so."


def lines() -> list[dict[str, object]]:
    """What a platform says of its people."""
    told: list[dict[str, object]] = []
    for number in range(COURSES):
        course = {"courseId": f"course-{number}", "name": f"Course {number}"}
        told.append({"do": "putCourse", "request": course})
    for number in range(PEOPLE):
        person = {"userId": f"big-{number}", "name": f"Person {number}"}
        request = {**person, "roles": ["student"]}
        told.append({"do": "putUser", "request": request})
    for number in range(PEOPLE * COURSES_EACH):
        course_id = f"course-{(number + number // PEOPLE) % COURSES}"
        seat = {"courseId": course_id, "userId": f"big-{number % PEOPLE}"}
        request = {**seat, "role": "student"}
        told.append({"do": "putCourseMember", "request": request})
    return told


async def bring_in(server: Server, folder: Path) -> None:
    """The import, by the command that an operator has."""
    file = folder / "school.ndjson"
    told = lines()
    file.write_text("\n".join(map(json.dumps, told)))
    command = (
        *(sys.executable, "-m", "chatd", "import", "--tenant", TENANT),
        *("--url", server.url, str(file)),
    )
    began = time.perf_counter()
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        env={"CHATD_SECRET": SECRET},
        stdout=subprocess.PIPE,
        check=True,
    )
    took = time.perf_counter() - began
    results = [json.loads(line)["status"] for line in done.stdout.splitlines()]
    assert results == [200] * len(told)
    row(f"import of {PEOPLE:,} people, {len(told):,} lines", took, "s")


async def fill(folder: Path) -> None:
    """The conversations, said by a teacher and read by nobody."""
    clock = SystemClock()
    store = open_store(
        folder / "chatd.sqlite3", clock=clock, on_committed=lambda _: None
    )
    await create_demo(store, clock)
    seats = (NewMember("anna"), NewMember("s001"))
    made = (CreateConversation(name, "group", "", "anna", seats) for name in LENGTHS)
    await store.commit(Change(TENANT, clock.now_ms(), tuple(made)))
    for name, length in LENGTHS.items():
        began = time.perf_counter()
        for start in range(0, length, AT_ONCE):
            ids = [new_id() for _ in range(min(AT_ONCE, length - start))]
            writes: tuple[Write, ...] = tuple(
                InsertMessage(id_, name, "anna", TEXT, id_, b"d" * 32) for id_ in ids
            )
            await store.commit(Change(TENANT, clock.now_ms(), writes))
        took = time.perf_counter() - began
        row(f"{length:,} messages written", took, "s")
    await store.close()


async def open_all(server: Server) -> None:
    """Pages of both, as somebody who has read nothing of them yet."""
    headers = {"Authorization": f"Bearer {token('s001')}"}
    async with httpx2.AsyncClient(headers=headers, base_url=server.url) as http:
        for name, length in LENGTHS.items():
            for place, query in (
                ("first unread", "aroundUnread=true"),
                ("the end", "limit=50"),
                ("the middle", f"around={length // 2}"),
            ):
                path = f"/v1/conversations/{name}/messages?{query}"
                waits = []
                for _ in range(RUNS):
                    began = time.perf_counter()
                    answer = await http.get(path)
                    waits.append((time.perf_counter() - began) * 1e3)
                    assert len(answer.json()["messages"]) >= 25, answer.text
                what = f"{length:,} messages, opened at {place}"
                row(f"{what}: median", statistics.median(waits), "ms")
                worst = statistics.quantiles(waits, n=100)[98]
                row(f"{what}: 99th percentile", worst, "ms")


async def main() -> None:
    """Prints a row for each."""
    unbound = ("--limit", "reads_per_second=100000", "--limit", "reads_burst=100000")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await fill(folder)
        async with serving(folder, *unbound) as server:
            await bring_in(server, folder)
            await open_all(server)


if __name__ == "__main__":
    asyncio.run(main())
