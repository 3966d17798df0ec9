"""What a durable send costs the store alone, by how many are under way at once.

`./dev bench store_writes` writes to an SQLite file with `synchronous=FULL`, then to a
PostgreSQL of its own on the same disk with `synchronous_commit=on`: to 64
conversations, to a single one, and from two gateways at once. For each number of
concurrent senders it prints sends per second, processor time per send of this process
(PostgreSQL's own is not in it), changes per commit, and how long a sender waits.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from chatd.clock import SystemClock
from chatd.domain.announcements import Announcement
from chatd.ids import new_id
from chatd.store.change import Change, Guard, Write
from chatd.store.conversations import CreateConversation
from chatd.store.engine.interface import Store
from chatd.store.engine.opening import open_store
from chatd.store.members import NewMember
from chatd.store.messages import InsertMessage
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant
from tests.support.postgres import postgres_server

CONCURRENT = (1, 8, 64, 256)
SECONDS = 3.0
CONVERSATIONS = 64
POSTGRES = (
    ("PostgreSQL", 1, CONVERSATIONS),
    ("PostgreSQL, one hot conversation", 1, 1),
    ("PostgreSQL, two gateways", 2, CONVERSATIONS),
    ("PostgreSQL, two gateways, one hot conversation", 2, 1),
)
TENANT = "bench"
TEXT = "A message of the usual length: two sentences, some eighty characters or so."
COLUMNS = ("at once", "sends/s", "CPU µs/send", "per commit", "median ms", "p99 ms")


async def fill(store: Store, at_ms: int) -> None:
    """One author, a member of every conversation."""
    seats = (NewMember("ada"),)
    made = (
        CreateConversation(f"c{number}", "group", "", "ada", seats)
        for number in range(CONVERSATIONS)
    )
    ada = PutPerson("ada", "Ada", ("student",))
    writes: tuple[Write, ...] = (PutTenant("Bench", "itslearning"), ada, *made)
    await store.commit(Change(TENANT, at_ms, writes))


async def measure(urls: Sequence[str], senders: int, conversations: int) -> None:
    """One row of a table; several addresses are as many gateways."""
    batches = 0

    def count(_announcements: Sequence[Announcement]) -> None:
        nonlocal batches
        batches += 1

    clock = SystemClock()
    stores = [await open_store(url, clock=clock, on_committed=count) for url in urls]
    await fill(stores[0], clock.now_ms())
    waits: list[float] = []
    batches, began, cpu = 0, time.perf_counter(), time.process_time()

    async def send(number: int) -> None:
        place = f"c{number % conversations}"
        store = stores[number % len(stores)]
        while (start := time.perf_counter()) < began + SECONDS:
            id_ = new_id()
            write = InsertMessage(id_, place, "ada", TEXT, id_, b"d" * 32)
            # What every send rests on: the rules, the place, the person.
            guards = (
                Guard("tenant", TENANT, 1),
                Guard("conversation", place, 1),
                Guard("person", "ada", 1),
            )
            await store.commit(Change(TENANT, clock.now_ms(), (write,), guards))
            waits.append(time.perf_counter() - start)

    async with asyncio.TaskGroup() as group:
        for number in range(senders):
            group.create_task(send(number))
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    for store in stores:
        await store.close()
    sends = len(waits)
    row = (
        senders,
        sends / took,
        cpu / sends * 1e6,
        sends / batches,
        statistics.median(waits) * 1e3,
        statistics.quantiles(waits, n=100)[98] * 1e3,
    )
    print("".join(f"{value:>14,.1f}" for value in row), flush=True)


def headed(title: str) -> None:
    """The head of a table."""
    print(f"\n{title}\n" + "".join(f"{name:>14}" for name in COLUMNS))


async def main() -> None:
    """Prints the tables."""
    headed("SQLite")
    with tempfile.TemporaryDirectory() as folder:
        for senders in CONCURRENT:
            file = Path(folder) / f"{senders}.sqlite3"
            await measure([f"sqlite:///{file}"], senders, CONVERSATIONS)
    with postgres_server(on_disk=True) as server:
        for title, gateways, conversations in POSTGRES:
            headed(title)
            for senders in CONCURRENT[gateways - 1 :]:
                url = server.url(await server.create())
                await measure([url] * gateways, senders, conversations)


if __name__ == "__main__":
    asyncio.run(main())
