"""The production store on one database in memory, which is slow or fails at will.

The statements, the group commit and the answers are the production code; what is
replaced is the thread of the writer and those of the readers: a wait of virtual time
stands where they would take real time, and a gateway may be killed in it.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Any, TypeVar

import apsw

from chatd import failpoints
from chatd.clock import Clock
from chatd.errors import Refused
from chatd.store.change import Change, Committed
from chatd.store.engine.answering import Listener, Waiting
from chatd.store.engine.migrating import load, migrate
from chatd.store.engine.sqlite import SqliteStore, SqliteTransaction, SqliteWorkbench
from chatd.store.engine.writer import Look, Marks, Writer
from chatd.store.transaction import Transaction, drive

T = TypeVar("T")

EPOCH = "simulated"
BROKEN = failpoints._Armed("before_commit=raise")


@lru_cache(maxsize=1)
def _empty() -> bytes:
    connection = apsw.Connection(":memory:")
    bench = SqliteWorkbench(connection)
    drive(migrate(bench, load("sqlite"), epoch=EPOCH, now_ms=0))
    return bytes(connection.serialize("main"))


class Disk:
    """One database for all gateways. `down` is an outage."""

    def __init__(self, draw: random.Random, clock: Clock) -> None:
        self.connection = apsw.Connection(":memory:", statementcachesize=200)
        self.connection.deserialize("main", _empty())
        self.connection.execute("PRAGMA foreign_keys = ON").fetchall()
        self.look = Look()
        self.marks = Marks(self.connection, clock)
        self.marks.serve(self.connection, self.look)
        self.down = False
        self.slow = 1.0
        self._draw = draw

    async def wait(self) -> None:
        """As long as the way there or back takes."""
        share = self._draw.random()
        await asyncio.sleep(self.slow * (0.0005 + 0.01 * share * share * share))


class SimulatedWriter(Writer):
    """The production writer, whose thread is a task."""

    def __init__(self, disk: Disk, on_committed: Listener, clock: Clock) -> None:
        self._connection = disk.connection
        self._transaction = SqliteTransaction(disk.connection)
        self._on_committed = on_committed
        self._clock = clock
        self._closed = False
        self.healthy = True
        self._disk = disk
        self._marks = disk.marks
        self._batch: list[Waiting] = []
        self._work: asyncio.Task[None] | None = None
        self._queue = self  # type: ignore[assignment]

    def qsize(self) -> int:
        """As the queue between the loop and the thread says it."""
        return len(self._batch)

    def put(self, item: Waiting | None) -> None:
        """Something to commit; None is the end, which `finish` waits for."""
        if item is None:
            return
        self._batch.append(item)
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._work_on())

    async def _work_on(self) -> None:
        while self._batch:
            batch, self._batch = self._batch, []
            await self._disk.wait()
            failpoints._armed = BROKEN if self._disk.down else None
            try:
                outcomes = self._write(batch)
            finally:
                failpoints._armed = None
            # On disk, and nobody knows it yet.
            await self._disk.wait()
            self._answer(batch, outcomes)

    async def finish(self) -> None:
        """What the thread's end is to the production writer."""
        if self._work is not None:
            await self._work


class SimulatedStore(SqliteStore):
    """The store of one gateway."""

    def __init__(self, disk: Disk, on_committed: Listener, clock: Clock) -> None:
        self.engine = "sqlite"
        self.epoch = EPOCH
        self._disk = disk
        self._marks = disk.marks
        self._idle = deque([(disk.connection, disk.look)])
        self._closed = False
        self._writer: SimulatedWriter = SimulatedWriter(disk, on_committed, clock)

    async def read(
        self,
        function: Callable[..., Coroutine[Any, Any, T]],
        *args: object,
        **kwargs: object,
    ) -> T:
        if self._closed:
            raise Refused("storage_unavailable")
        await self._disk.wait()
        if self._disk.down:
            raise Refused("storage_unavailable")

        def work(tx: Transaction) -> Coroutine[Any, Any, T]:
            return function(tx, *args, **kwargs)

        found = self._read(work)
        await self._disk.wait()
        return found

    async def commit(self, change: Change) -> Committed:
        # A disk in memory has no log to cut.
        return await self._writer.commit(change)

    async def close(self) -> None:
        self._closed = True
        self._writer.stop()
        await self._writer.finish()
