"""Connections to PostgreSQL: how they are made, when one is lost, who may use them.

Every connection goes to the primary: a read that follows a commit must see it. None is
waited for without end; the one that makes trouble is thrown away, not repaired.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from chatd import metrics
from chatd.store.engine.migrating import SchemaError
from chatd.store.transaction import Engine, Row, SqlValue

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

CONNECT_S: Final = 2.0
"""How long a connection may take to be made: a client is answered within that."""

STATEMENTS_KEPT: Final = 500
"""Prepared statements per connection; lists of another length are other statements."""

SETTINGS: Final[Mapping[str, str]] = {
    # A gateway that froze between two statements must not hold locks for ever.
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "2s",
    "statement_timeout": "10s",
    # Compiling costs more than any of our statements.
    "jit": "off",
}

SERVER_MIN: Final = 14
"""The first that says by itself whether it is the primary."""

_DURABLE: Final = (
    "SELECT name, setting FROM pg_settings"
    " WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
)


class PostgresTransaction:
    """A transaction on one connection. Beside single values it takes arrays."""

    __slots__ = ("_connection", "writes")
    engine: Engine = "postgres"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.writes = 0

    async def all(self, sql: str, *parameters: SqlValue | Sequence[Any]) -> list[Row]:
        """All rows."""
        if not sql.startswith(("SELECT", "WITH")):
            self.writes += 1
        return [tuple(row) for row in await self._connection.fetch(sql, *parameters)]

    async def one(self, sql: str, *parameters: SqlValue | Sequence[Any]) -> Row | None:
        """The first row, if there is one."""
        if not sql.startswith("SELECT"):
            self.writes += 1
        row = await self._connection.fetchrow(sql, *parameters)
        return None if row is None else tuple(row)

    async def run(self, sql: str, *parameters: SqlValue | Sequence[Any]) -> int:
        """How many rows it changed."""
        self.writes += 1
        status = await self._connection.execute(sql, *parameters)
        return int(status.rpartition(" ")[2])


def lost(error: BaseException) -> bool:
    """Whether it is the connection that failed, or a server that cannot serve now."""
    return isinstance(
        error,
        OSError
        | asyncpg.InterfaceError
        | asyncpg.PostgresConnectionError
        | asyncpg.OperatorInterventionError
        | asyncpg.TooManyConnectionsError
        | asyncpg.IdleInTransactionSessionTimeoutError
        | asyncpg.ReadOnlySQLTransactionError
        | asyncpg.InternalClientError,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where the database is, and whether it must be one that forgets nothing."""

    url: str
    durable: bool

    async def connect(self, name: str, **settings: str) -> Connection:
        """A new connection to the primary, under a name of its own.

        Raises:
            ConnectionError: it cannot be had.
            SchemaError: the server cannot promise durability.
        """
        try:
            connection: Connection = await asyncpg.connect(
                self.url,
                timeout=CONNECT_S,
                statement_cache_size=STATEMENTS_KEPT,
                max_cached_statement_lifetime=0,
                server_settings={**SETTINGS, "application_name": name, **settings},
                target_session_attrs=SessionAttribute.primary,
            )
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise ConnectionError(str(error)) from error
        try:
            await self._check(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _check(self, connection: Connection) -> None:
        # Each time, for after a failover it may be another server.
        if connection.get_server_version().major < SERVER_MIN:
            raise SchemaError(f"PostgreSQL {SERVER_MIN} or newer is needed")
        if connection.get_settings().server_encoding != "UTF8":
            raise SchemaError("the database's encoding must be UTF8")
        said = {row[0]: row[1] for row in await connection.fetch(_DURABLE)}
        level = said.pop("synchronous_commit")
        safe = level == "on" or level.startswith("remote_")
        if self.durable and not (safe and set(said.values()) == {"on"}):
            raise SchemaError(
                f"the database cannot promise durability (synchronous_commit {level},"
                f" {', '.join(f'{name} {value}' for name, value in said.items())});"
                " --unsafe-durability accepts that"
            )


def unique_name(purpose: str) -> str:
    """Tells one connection from all others in the server's list of activity."""
    return f"chatd {purpose} {secrets.token_hex(8)}"


class Pool:
    """Up to so many connections, made when there is need, used by one at a time."""

    def __init__(self, place: Place, most: int) -> None:
        self._place = place
        self._name = unique_name("reader")
        self._free = asyncio.Semaphore(most)
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """The right to one connection, when others are through with theirs."""
        with metrics.DB_POOL_WAIT_SECONDS.time():
            await self._free.acquire()
        try:
            yield
        finally:
            self._free.release()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One that nobody else has, taken back only if it is as good as new."""
        connection = await self._ready()
        self._busy.add(connection)
        try:
            with metrics.DB_POOL_IN_USE.track_inprogress():
                yield connection
        except BaseException as error:
            if lost(error) or not isinstance(error, Exception):
                connection.terminate()
            raise
        finally:
            self._busy.discard(connection)
            if not connection.is_closed():
                self._idle.append(connection)

    async def _ready(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self._place.connect(self._name)

    async def close(self) -> None:
        """Let all of them go."""
        for connection in self._busy:
            connection.terminate()
        while self._idle:
            await farewell(self._idle.pop())


async def farewell(connection: Connection) -> None:
    """End a connection in order, if it will be ended so."""
    try:
        await connection.close(timeout=CONNECT_S)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
