"""What a search costs among 100,000 messages, and what the index adds to a send.

`./dev bench search` fills a database with 100,000 messages of words as rare and as
common as in a language (Zipf's law), in 200 conversations of one tenant, and prints how
long that took and the size of the file. Then it searches 200 times each for common and
rare words, beginnings, phrases and pairs of Chinese characters, as somebody who is in
one, in 50 and in all of the conversations: milliseconds, median and worst.
"""

import asyncio
import hashlib
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from chatd.clock import SystemClock
from chatd.domain.content.searching import terms_of
from chatd.ids import new_id
from chatd.store.change import Change, Write
from chatd.store.content import search
from chatd.store.content.search import Sought
from chatd.store.conversations import CreateConversation
from chatd.store.engine.sqlite import SqliteStore, open_store
from chatd.store.members import NewMember
from chatd.store.messages import InsertMessage
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant

MESSAGES = 100_000
CONVERSATIONS = 200
WORDS = 20_000
WORDS_A_MESSAGE = 14
AT_ONCE = 256
RUNS = 200
PAGE = 20
TENANT = "bench"
HAN = "学校老师同学作业数学语文今天明天考试时间地点问题答案"
MEMBERS = {"one": 1, "fifty": 50, "all": CONVERSATIONS}
QUERIES = {
    "common word": lambda n: f"w{n % 3} ",
    "middling word": lambda n: f"w{100 + n} ",
    "rare word": lambda n: f"w{15_000 + n} ",
    "two words": lambda n: f"w{n % 5} w{10 + n % 7} ",
    "beginning": lambda n: f"w{1 + n % 9}",
    "phrase": lambda n: f'"w{n % 3} w{n % 2}"',
    "Chinese": lambda n: HAN[n % 20 : n % 20 + 3],
    "nothing": lambda n: f"absent{n} ",
}


def numbers() -> Iterator[float]:
    """Numbers in [0, 1), the same in every run."""
    for block in itertools.count():
        digest = hashlib.blake2b(str(block).encode()).digest()
        for at in range(0, 64, 4):
            yield int.from_bytes(digest[at : at + 4], "big") / 2**32


def texts() -> Iterator[str]:
    """Messages in which word n is about n times rarer than the first."""
    drawn = numbers()
    while True:
        ranks = (WORDS ** next(drawn) - 1 for _ in range(WORDS_A_MESSAGE))
        start = int(next(drawn) * 20)
        yield " ".join(f"w{int(rank)}" for rank in ranks) + HAN[start : start + 4]


async def fill(store: SqliteStore, clock: SystemClock) -> float:
    """Seconds that it took to send all messages."""
    people = [PutPerson(name, name, ("student",)) for name in ("ada", *MEMBERS)]
    seats = [
        ("ada", *(name for name, count in MEMBERS.items() if number < count))
        for number in range(CONVERSATIONS)
    ]
    made = (
        CreateConversation(
            f"c{number}", "group", "", "ada", tuple(map(NewMember, names))
        )
        for number, names in enumerate(seats)
    )
    writes: tuple[Write, ...] = (PutTenant("Bench", "itslearning"), *people, *made)
    await store.commit(Change(TENANT, clock.now_ms(), writes))
    began, waiting = time.perf_counter(), texts()

    async def send(number: int) -> None:
        id_ = new_id()
        place, text = f"c{number % CONVERSATIONS}", next(waiting)
        write = InsertMessage(id_, place, "ada", text, id_, b"d" * 32)
        await store.commit(Change(TENANT, clock.now_ms(), (write,)))

    for start in range(0, MESSAGES, AT_ONCE):
        batch = range(start, min(start + AT_ONCE, MESSAGES))
        await asyncio.gather(*map(send, batch))
    return time.perf_counter() - began


async def look(store: SqliteStore, who: str, kind: str) -> tuple[float, float, float]:
    """Median and worst milliseconds of a page, and how many messages it had."""
    waits, found = [], 0
    places = await store.read(search.places, TENANT, who, CONVERSATIONS)
    for number in range(RUNS):
        sought = Sought(who, terms_of(QUERIES[kind](number)), places, "all")
        began = time.perf_counter()
        hits = await store.read(search.find, TENANT, sought, PAGE)
        waits.append((time.perf_counter() - began) * 1e3)
        found += len(hits.found)
    return statistics.median(waits), max(waits), found / RUNS


async def main() -> None:
    """Prints what it measured."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "search.sqlite3"
        store = open_store(path, clock=clock, on_committed=lambda _: None)
        took = await fill(store, clock)
        size = await asyncio.to_thread(lambda: path.stat().st_size)
        print(f"{MESSAGES:,} sends in {took:.1f} s: {MESSAGES / took:,.0f} a second,")
        print(f"{size / MESSAGES:,.0f} bytes of the file for each\n")
        heads = ("in", "query", "median ms", "worst ms", "hits")
        print("{:<8}{:<16}{:>12}{:>12}{:>8}".format(*heads))
        for who, kind in itertools.product(MEMBERS, QUERIES):
            row = await look(store, who, kind)
            print("{:<8}{:<16}{:>12.2f}{:>12.2f}{:>8.1f}".format(who, kind, *row))
        await store.close()


if __name__ == "__main__":
    asyncio.run(main())
