"""The store on PostgreSQL: two lanes that write, a pool that reads, one primary.

Sends have a lane of their own, so that a course of a thousand people that is being
taken in delays nobody's message.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import asyncpg

from chatd.clock import Clock
from chatd.domain.announcements import Announcement
from chatd.errors import Refused
from chatd.ids import new_id
from chatd.store.change import Change, Committed
from chatd.store.engine.answering import Listener
from chatd.store.engine.migrating import SchemaError, load, meta, migrate
from chatd.store.engine.postgres.batches import (
    apply_in_turn,
    pick_others,
    pick_sends,
    send_of,
    send_together,
)
from chatd.store.engine.postgres.connections import (
    Connection,
    Place,
    Pool,
    PostgresTransaction,
    farewell,
    lost,
    unique_name,
)
from chatd.store.engine.postgres.lanes import DEADLINE_S, RETRY_S, Lane
from chatd.store.engine.postgres.statistics import Statistics
from chatd.store.transaction import Transaction
from chatd.telemetry import log

P = ParamSpec("P")
T = TypeVar("T")

READERS: Final = 8
"""Connections that read, beside two that write; a process needs no more than these."""

PATIENCE_S: Final = 10.0
"""How long a read may wait for its turn, each before it being bounded by `DEADLINE_S`:
when everybody comes at once, late is better than again."""

MIGRATING: Final = 0x63686174
"""The advisory lock of whoever changes the schema: "chat"."""

_NOTHING: Final = Change("", 0, ())


class PostgresWorkbench(PostgresTransaction):
    """See `migrating.Workbench`."""

    __slots__ = ()

    async def begin(self) -> None:
        """Begin, and hold the lock of migrations."""
        await self._connection.execute("BEGIN")
        await self._connection.execute(f"SELECT pg_advisory_xact_lock({MIGRATING})")

    async def script(self, sql: str) -> None:
        """Statements without parameters."""
        await self._connection.execute(sql)

    async def commit(self) -> None:
        """End the transaction: all of it."""
        await self._connection.execute("COMMIT")

    async def rollback(self) -> None:
        """End the transaction, if one is open: nothing of it."""
        if self._connection.is_in_transaction():
            await self._connection.execute("ROLLBACK")


class PostgresStore:
    """The store of one process. Made by `open_store`."""

    def __init__(self, place: Place, epoch: str, on_committed: Listener) -> None:
        self.engine = "postgres"
        self.epoch = epoch
        self._closed = False
        self._readers = Pool(place, READERS)
        self._statistics = Statistics(place)

        def committed(announcements: Sequence[Announcement]) -> None:
            self._statistics.wrote(len(announcements))
            on_committed(announcements)

        self._sends = Lane(place, pick_sends, send_together, committed)
        self._others = Lane(place, pick_others, apply_in_turn, committed)

    async def read(
        self,
        function: Callable[Concatenate[Transaction, P], Coroutine[Any, Any, T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """See `Store.read`."""
        if self._closed:
            raise Refused("storage_unavailable")
        try:
            async with asyncio.timeout(PATIENCE_S), self._readers.turn():
                async with asyncio.timeout(DEADLINE_S):
                    return await self._read(lambda tx: function(tx, *args, **kwargs))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.error("read failed", postgres=type(error).__name__)
            raise Refused("storage_unavailable") from error

    async def commit(self, change: Change) -> Committed:
        """See `Store.commit`."""
        lane = self._others if send_of(change) is None else self._sends
        return await lane.commit(change)

    async def ready(self) -> bool:
        """Whether the database answers and takes writes: both are tried."""
        try:
            await self.read(_probe)
            await self.commit(_NOTHING)
        except Refused:
            return False
        return True

    async def close(self) -> None:
        """Finish what is queued, then let all connections go."""
        self._closed = True
        await asyncio.gather(self._sends.close(), self._others.close())
        await self._statistics.close()
        await self._readers.close()

    async def _read(self, work: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        while True:
            try:
                async with self._readers.connection() as connection:
                    return await _snapshot(connection, work)
            except asyncpg.ReadOnlySQLTransactionError:
                raise
            except Exception as error:
                if not lost(error) or isinstance(error, TimeoutError):
                    raise
                await asyncio.sleep(RETRY_S)


async def _snapshot(
    connection: Connection, work: Callable[[Transaction], Coroutine[Any, Any, T]]
) -> T:
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        result = await work(PostgresTransaction(connection))
    except Exception:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
    await connection.execute("ROLLBACK")
    return result


async def _probe(tx: Transaction) -> None:
    await tx.one("SELECT count(*) FROM meta")


async def open_store(
    url: str, *, clock: Clock, on_committed: Listener, unsafe_durability: bool = False
) -> PostgresStore:
    """Open (and fill, and migrate) the database of a `postgresql://` address.

    Raises:
        SchemaError: there is none, it cannot be used by this code, or it could lose
            what it was given in a power cut and nobody said that this is wanted.
    """
    place = Place(url, durable=not unsafe_durability)
    try:
        connection = await place.connect(
            unique_name("migration"), statement_timeout="0", lock_timeout="0"
        )
        try:
            bench = PostgresWorkbench(connection)
            migrations = load("postgres")
            await migrate(bench, migrations, epoch=new_id(), now_ms=clock.now_ms())
            epoch = await meta(bench, "epoch") or ""
        finally:
            await farewell(connection)
    except (
        OSError,
        ValueError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
    ) as error:
        raise SchemaError(f"PostgreSQL: {type(error).__name__}: {error}") from error
    return PostgresStore(place, epoch, on_committed)
