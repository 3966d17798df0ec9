"""What a durable send costs the store alone, by how many are under way at once.

`./dev bench store_writes` writes to a file with `synchronous=FULL` and prints, for each
number of concurrent senders, sends per second, processor time per send of the whole
process, changes per commit, and how long a sender waits.
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
from chatd.store.change import Change, Write
from chatd.store.conversations import CreateConversation
from chatd.store.engine.sqlite import SqliteStore, open_store
from chatd.store.members import NewMember
from chatd.store.messages import InsertMessage
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant

CONCURRENT = (1, 8, 64, 256)
SECONDS = 3.0
CONVERSATIONS = 64
TENANT = "bench"
TEXT = "A message of the usual length: two sentences, some eighty characters or so."
COLUMNS = ("at once", "sends/s", "CPU µs/send", "per commit", "median ms", "p99 ms")


async def fill(store: SqliteStore, at_ms: int) -> None:
    """One author, a member of every conversation."""
    seats = (NewMember("ada"),)
    made = (
        CreateConversation(f"c{number}", "group", "", "ada", seats)
        for number in range(CONVERSATIONS)
    )
    ada = PutPerson("ada", "Ada", ("student",))
    writes: tuple[Write, ...] = (PutTenant("Bench", "itslearning"), ada, *made)
    await store.commit(Change(TENANT, at_ms, writes))


async def measure(folder: Path, senders: int) -> Sequence[float]:
    """One row of the table, on a file of its own."""
    batches = 0

    def count(_announcements: Sequence[Announcement]) -> None:
        nonlocal batches
        batches += 1

    clock = SystemClock()
    path = folder / f"{senders}.sqlite3"
    store = open_store(path, clock=clock, on_committed=count)
    await fill(store, clock.now_ms())
    waits: list[float] = []
    batches, began, cpu = 0, time.perf_counter(), time.process_time()

    async def send(number: int) -> None:
        place = f"c{number % CONVERSATIONS}"
        while (start := time.perf_counter()) < began + SECONDS:
            id_ = new_id()
            write = InsertMessage(id_, place, "ada", TEXT, id_, b"d" * 32)
            await store.commit(Change(TENANT, clock.now_ms(), (write,)))
            waits.append(time.perf_counter() - start)

    async with asyncio.TaskGroup() as group:
        for number in range(senders):
            group.create_task(send(number))
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    await store.close()
    sends = len(waits)
    return (
        senders,
        sends / took,
        cpu / sends * 1e6,
        sends / batches,
        statistics.median(waits) * 1e3,
        statistics.quantiles(waits, n=100)[98] * 1e3,
    )


async def main() -> None:
    """Prints the table."""
    print("".join(f"{name:>14}" for name in COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        for senders in CONCURRENT:
            row = await measure(Path(folder), senders)
            print("".join(f"{value:>14,.1f}" for value in row), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
