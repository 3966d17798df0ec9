"""The store on SQLite: one writer thread with group commit, readers beside it.

What is queued is committed together, each Change in a savepoint of its own; nothing is
waited for. An answer leaves only after the commit is on disk (`synchronous=FULL`).
All writes and checkpoints go through the one writer connection, so the rare damage of
two connections writing the log at once cannot happen; readers may only read.
"""

import asyncio
import os
import re
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import apsw

from chatd import metrics
from chatd.clock import Clock
from chatd.errors import Refused
from chatd.ids import new_id
from chatd.store.change import Change, Committed
from chatd.store.engine.answering import Listener
from chatd.store.engine.migrating import SchemaError, load, meta, migrate
from chatd.store.engine.scrubbing import Scrubber, cut
from chatd.store.engine.writer import Look, Marks, Writer
from chatd.store.transaction import Engine, Row, SqlValue, Transaction, drive
from chatd.telemetry import log

P = ParamSpec("P")
T = TypeVar("T")

SQLITE_MIN: Final = (3, 51, 3)
"""Before it, two connections checkpointing at one instant could damage the file."""

READERS: Final = 3
"""Threads that read; more would only wait for the interpreter."""

BUSY_MS: Final = 5_000
"""How long another process may hold the file before we say so."""

_PLACEHOLDER: Final = re.compile(r"\$(\d+)")


@lru_cache(maxsize=1024)
def _translated(sql: str) -> str:
    # SQLite would take `$2` as a name and bind by order of appearance.
    return _PLACEHOLDER.sub(r"?\1", sql)


class SqliteTransaction:
    """A transaction on one connection; its methods never suspend."""

    __slots__ = ("_connection",)
    engine: Engine = "sqlite"

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    async def all(self, sql: str, *parameters: SqlValue) -> list[Row]:
        """All rows."""
        return self._connection.execute(_translated(sql), parameters).fetchall()

    async def one(self, sql: str, *parameters: SqlValue) -> Row | None:
        """The first row, if there is one."""
        row: Row | None = self._connection.execute(
            _translated(sql), parameters
        ).fetchone()
        return row

    async def run(self, sql: str, *parameters: SqlValue) -> int:
        """How many rows it changed."""
        self._connection.execute(_translated(sql), parameters).fetchall()
        return self._connection.changes()


class SqliteWorkbench(SqliteTransaction):
    """See `migrating.Workbench`."""

    __slots__ = ()

    async def begin(self) -> None:
        """Begin, and hold the write lock."""
        self._connection.execute("BEGIN IMMEDIATE")

    async def script(self, sql: str) -> None:
        """Statements without parameters."""
        self._connection.execute(sql).fetchall()

    async def commit(self) -> None:
        """End the transaction: all of it."""
        self._connection.execute("COMMIT")

    async def rollback(self) -> None:
        """End the transaction, if one is open: nothing of it."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


class SqliteStore:
    """The store of one process. Made by `open_store`."""

    def __init__(
        self,
        path: Path,
        connection: apsw.Connection,
        on_committed: Listener,
        busy_ms: int,
        clock: Clock,
    ) -> None:
        self.engine = "sqlite"
        self.epoch = drive(meta(SqliteTransaction(connection), "epoch")) or ""
        self._path = path
        self._busy_ms = busy_ms
        self._clock = clock
        self._closed = False
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._scrubber = Scrubber(path, clock)
        self._marks = Marks(connection, clock)
        self._marks.serve(connection, Look())
        # All at once: later there may be no descriptors left to open one by.
        self._idle = deque(self._reader() for _ in range(READERS))
        transaction = SqliteTransaction(connection)
        self._writer = Writer(connection, transaction, on_committed, clock, self._marks)

    async def read(
        self,
        function: Callable[Concatenate[Transaction, P], Coroutine[Any, Any, T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a store function on one consistent snapshot.

        Raises:
            Refused: `storage_unavailable`.
        """
        if self._closed:
            raise Refused("storage_unavailable")
        since_s = self._clock.monotonic()

        def work() -> T:
            metrics.DB_POOL_WAIT_SECONDS.observe(self._clock.monotonic() - since_s)
            with metrics.DB_POOL_IN_USE.track_inprogress():
                return self._read(lambda tx: function(tx, *args, **kwargs))

        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def commit(self, change: Change) -> Committed:
        """Return when the Change is on disk. Cancelling the caller does not undo it.

        Raises:
            Moved: a guard failed; decide again.
            AlreadyDone: the same request was carried out before.
            Refused: `idempotency_conflict`, `storage_unavailable`, `storage_full`,
                `overloaded`.
        """
        try:
            return await self._writer.commit(change)
        finally:
            # Also for a caller who does not wait: the Change goes on without him.
            self._scrubber.after(change)

    async def ready(self) -> bool:
        """Whether the database answers and takes writes: both are tried.

        An empty Change touches one row, so that a disk that is full or read-only is
        known before somebody's message meets it.
        """
        try:
            await self.read(_probe)
            await self._writer.commit(_NOTHING)
        except Refused:
            return False
        return True

    async def close(self) -> None:
        """Finish what is queued, then close the file."""
        self._closed = True
        await self._scrubber.stop()
        self._writer.stop()
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _close(self) -> None:
        self._readers.shutdown()
        for connection, _ in self._idle:
            connection.close()
        self._writer.close()

    def _read(self, work: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        # As many as threads. The one used last: its statements are prepared.
        own = connection, look = self._idle.pop()
        try:
            look.mark = self._marks.settled()
            connection.execute("BEGIN")
            try:
                return drive(work(SqliteTransaction(connection)))
            finally:
                connection.execute("ROLLBACK")
        except apsw.Error as error:
            log.exception("read failed", sqlite=type(error).__name__)
            raise Refused("storage_unavailable") from error
        finally:
            self._idle.append(own)

    def _reader(self) -> tuple[apsw.Connection, Look]:
        connection = apsw.Connection(
            str(self._path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=200
        )
        connection.set_busy_timeout(self._busy_ms)
        _prepare(connection)
        connection.execute("PRAGMA query_only = ON").fetchall()
        look = Look()
        self._marks.serve(connection, look)
        # The first look opens the log, too.
        drive(_probe(SqliteTransaction(connection)))
        return connection, look


def _prepare(connection: apsw.Connection) -> None:
    """What holds for whoever writes and whoever reads."""
    connection.execute("PRAGMA mmap_size = 0").fetchall()
    # A sort would write texts to a file beside the database, where no removal reaches
    # them, and fail when there are no descriptors left.
    connection.execute("PRAGMA temp_store = MEMORY").fetchall()


_NOTHING: Final = Change("", 0, ())


async def _probe(tx: Transaction) -> None:
    await tx.one("SELECT count(*) FROM meta")


def open_store(
    path: Path,
    *,
    clock: Clock,
    on_committed: Listener,
    unsafe_durability: bool = False,
    busy_ms: int = BUSY_MS,
) -> SqliteStore:
    """Open (and make, and migrate) the database file.

    `busy_ms` is how long to wait for another process that holds it.

    Raises:
        SchemaError: the file cannot be used by this code, or could lose what it was
            given in a power cut and nobody said that this is wanted.
    """
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < SQLITE_MIN:
        raise SchemaError(f"SQLite {apsw.sqlite_lib_version()} can damage a database")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made before SQLite would, readable by its user alone; its logs follow suit.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = apsw.Connection(str(path), statementcachesize=200)
    except (OSError, apsw.Error) as error:
        raise SchemaError(f"{path}: {error}") from error
    try:
        connection.set_busy_timeout(busy_ms)
        _prepare(connection)
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        synchronous = "NORMAL" if unsafe_durability else "FULL"
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        # One by one: a pragma that answers would end a list of them there.
        connection.execute("PRAGMA secure_delete = ON").fetchall()
        connection.execute("PRAGMA foreign_keys = ON").fetchall()
        level = connection.execute("PRAGMA synchronous").fetchone()
        if not unsafe_durability and (mode != ("wal",) or level != (2,)):
            raise SchemaError(
                "the database cannot promise durability (journal mode"
                f" {mode}, synchronous {level}); --unsafe-durability accepts that"
            )
        bench = SqliteWorkbench(connection)
        now_ms = clock.now_ms()
        drive(migrate(bench, load("sqlite"), epoch=new_id(), now_ms=now_ms))
        # A crash may have left what was removed in the log.
        cut(path)
        return SqliteStore(path, connection, on_committed, busy_ms, clock)
    except apsw.Error as error:
        connection.close()
        raise SchemaError(f"{path}: {error}") from error
    except BaseException:
        connection.close()
        raise
