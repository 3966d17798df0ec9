"""What a purge costs, and what those who write meanwhile feel of it.

`./dev bench purge` fills a database with 20,000 messages in 100 conversations, half of
them by one person, and prints: how many messages a second a purge takes away (with the
pauses between its batches and without), how long one batch keeps the writer, how long
others wait for a send in the meantime (median and worst of all), and how long it takes
to erase the person who wrote the other half. With an address, `./dev bench purge
postgresql://…/empty`, on that database instead of an SQLite file.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import Facts
from chatd.actions.keeping import erasing, purging
from chatd.actions.keeping.purging import DAY_MS, Purger
from chatd.clock import SystemClock
from chatd.domain.people import Caller
from chatd.ids import new_id
from chatd.limits import Limits
from chatd.store.change import Change, Write
from chatd.store.conversations import CreateConversation
from chatd.store.engine.interface import Store
from chatd.store.engine.opening import open_store
from chatd.store.members import NewMember
from chatd.store.messages import InsertMessage
from chatd.store.people import PutPerson
from chatd.store.tenants import PutPolicy, PutTenant
from chatd_protocol.chat.http.keeping import EraseUser

MESSAGES = 20_000
CONVERSATIONS = 100
AT_ONCE = 100
TENANT = "bench"
TEXT = "Words as people write them to each other, a line or so in length."


def said(number: int, author: str, at: str) -> InsertMessage:
    """A message under a client id of its own."""
    id_ = new_id()
    return InsertMessage(id_, at, author, f"{TEXT} {number}", id_, b"d")


async def fill(store: Store, then_ms: int) -> None:
    """Everything is a week old, and every other message ada's."""
    seats = (NewMember("ada"), NewMember("ben"))
    writes: list[Write] = [
        PutTenant("Bench", "itslearning"),
        PutPolicy("itslearning", '{"retainDays":{"group":1}}'),
        *(PutPerson(name, name, ("student",)) for name in ("ada", "ben")),
        CreateConversation("now", "direct", "", "ada", seats),
    ]
    writes += (
        CreateConversation(f"c{number}", "group", "x", "ada", seats)
        for number in range(CONVERSATIONS)
    )
    for number in range(MESSAGES):
        author = ("ada", "ben")[number % 2]
        kind = "d" if number >= MESSAGES // 2 else "c"
        if kind == "d" and number == MESSAGES // 2:
            writes.append(CreateConversation("d", "direct", "", "ben", seats))
        at = "d" if kind == "d" else f"c{number % CONVERSATIONS}"
        writes.append(said(number, author, at))
    for start in range(0, len(writes), AT_ONCE):
        part = tuple(writes[start : start + AT_ONCE])
        await store.commit(Change(TENANT, then_ms, part))


async def disturbed(store: Store, clock: SystemClock, waits: list[float]) -> None:
    """Somebody goes on writing, a message every 10 ms."""
    while True:
        began = time.perf_counter()
        write = said(0, "ben", "now")
        await store.commit(Change(TENANT, clock.now_ms(), (write,)))
        waits.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.01)


async def run(url: str) -> None:
    """Fill, purge, erase; print the numbers."""
    clock = SystemClock()
    store = await open_store(url, clock=clock, on_committed=lambda _: None)
    facts = Facts(store)
    context = Context(store, clock, Limits(), facts, lambda _: None)
    await fill(store, clock.now_ms() - 7 * DAY_MS)
    waits: list[float] = []
    writing = asyncio.create_task(disturbed(store, clock, waits))
    await asyncio.sleep(1)
    show("send, nothing else", waits)
    waits.clear()
    began = time.perf_counter()
    done = await Purger(context).purge()
    took = time.perf_counter() - began
    batches = done.messages / purging.AT_ONCE
    busy = took - batches * purging.PAUSE_S
    print(
        f"purged {done.messages} in {took:.1f} s: {done.messages / took:.0f} a second"
    )
    print(f"a batch of {purging.AT_ONCE}: {busy / batches * 1000:.0f} ms")
    show("send during the purge", waits)
    waits.clear()
    began = time.perf_counter()
    asked = EraseUser(user_id="ada")
    erased = await erasing.erase(context, Caller(TENANT, "lms"), asked)
    took = time.perf_counter() - began
    print(f"erased a person with {erased.messages} messages in {took:.1f} s")
    show("send during the erasure", waits)
    writing.cancel()
    await store.close()


def show(what: str, waits: list[float]) -> None:
    """One line of milliseconds."""
    middle, worst = statistics.median(waits), max(waits)
    print(f"{what}: {middle:.1f} ms median, {worst:.0f} ms worst of {len(waits)}")


def main() -> None:
    """Run on the given database, or on a new file."""
    if len(sys.argv) > 1:
        asyncio.run(run(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(f"sqlite:///{Path(folder) / 'bench.sqlite3'}"))


if __name__ == "__main__":
    main()
