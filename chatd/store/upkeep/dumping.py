"""Copies of a PostgreSQL database, by PostgreSQL's own programs.

`pg_dump` reads one consistent moment while servers go on. Putting a dump back renames
the schema that is there and restores into a new one, so that the way back is a rename.
Passwords go by the environment: arguments are for everybody of the machine to read.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import asyncpg
import orjson

from chatd.store.engine.migrating import SchemaError, load
from chatd.store.upkeep.condition import Condition
from chatd.store.upkeep.copying import CopyError, persist
from chatd.store.upkeep.erasures import Erasure

DEBIAN: Final = Path("/usr/lib/postgresql")
CONNECT_S: Final = 10.0
OTHERS: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
SETTINGS: Final = (
    "SELECT name, setting FROM pg_settings WHERE name IN"
    " ('fsync', 'full_page_writes', 'synchronous_commit', 'server_version')"
)

NOW: Final = "SELECT extract(epoch FROM clock_timestamp())"


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_S)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = f"{type(error).__name__}: {error}"
        raise CopyError(f"the database cannot be reached ({why})") from error
    try:
        yield connection
    finally:
        await connection.close()


async def copy(url: str, target: Path) -> None:
    """Write a dump of one moment to a new file, and have the disk keep it.

    Raises:
        CopyError: the database cannot be read, or there is no room.
        FileExistsError: the target is there already.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    await _run(
        "pg_dump",
        url,
        *("--format=custom", "--schema=public", "--no-owner", "--no-privileges"),
        f"--file={target}",
    )
    persist(target)


async def inspect(url: str) -> Condition:
    """Look at a database and change nothing.

    Raises:
        CopyError: it cannot be reached.
        SchemaError: it is no database of chatd's.
    """
    async with _opened(url) as connection:
        try:
            rows = await connection.fetch("SELECT name, value FROM meta")
            schema = await connection.fetchval("SELECT max(number) FROM migration")
            said = dict(map(tuple, rows))
            return Condition(
                schema=schema,
                known=len(load("postgres")),
                compatible_with=int(said["compatible_with"]),
                epoch=said["epoch"],
            )
        except (asyncpg.PostgresError, KeyError, TypeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise SchemaError(f"it is no database of chatd ({why})") from error


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server says of itself: `durable` is what it does before it answers."""

    version: str
    durable: Mapping[str, str]
    now_ms: int

    @property
    def forgets(self) -> tuple[str, ...]:
        """The settings by which it could lose what it has answered."""
        return tuple(
            f"{name} {value}"
            for name, value in self.durable.items()
            if value != "on" and not value.startswith("remote_")
        )


async def settings(url: str) -> Settings:
    """Ask a server how it is set up.

    Raises:
        CopyError: it cannot be reached.
    """
    async with _opened(url) as connection:
        said = dict(map(tuple, await connection.fetch(SETTINGS)))
        now_s = await connection.fetchval(NOW)
        return Settings(said.pop("server_version"), said, int(now_s * 1000))


async def ledger(url: str) -> list[Erasure]:
    """The erasures that a database knows of, oldest first.

    Raises:
        CopyError: it cannot be reached.
        SchemaError: it has none that can be read.
    """
    async with _opened(url) as connection:
        try:
            rows = await connection.fetch(
                "SELECT tenant, kind, id, data_json, at_ms FROM erasure"
                " ORDER BY position"
            )
        except asyncpg.PostgresError as error:
            raise SchemaError(f"it has no ledger of erasures ({error})") from error
    return [
        Erasure(tenant, kind, id_, orjson.loads(data), at_ms)
        for tenant, kind, id_, data, at_ms in map(tuple, rows)
    ]


async def begin_epoch(url: str, epoch: str) -> None:
    """From now on this is another database, to everybody who knew the old one."""
    async with _opened(url) as connection:
        await connection.execute(
            "UPDATE meta SET value = $1 WHERE name = 'epoch'", epoch
        )


async def is_empty(url: str) -> bool:
    """Whether there is nothing in the database yet.

    Raises:
        CopyError: it cannot be reached.
    """
    async with _opened(url) as connection:
        found = await connection.fetchval(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        )
        return bool(found == 0)


@asynccontextmanager
async def replaced(url: str, source: Path, aside: str) -> AsyncIterator[None]:
    """Within the block a dump is in the place of what was there; after it for good.

    What was there is kept as schema `aside`, and comes back if the block fails.

    Raises:
        CopyError: somebody is connected, or the dump cannot be restored.
    """
    async with _opened(url) as connection:
        if others := await connection.fetchval(OTHERS):
            raise CopyError(
                f"{others} connections use the database: stop the servers first"
            )
        await connection.execute(
            f'ALTER SCHEMA public RENAME TO "{aside}"; CREATE SCHEMA public'
        )
    try:
        await _run(
            "pg_restore",
            url,
            *("--no-owner", "--no-privileges", "--single-transaction"),
            *("--exit-on-error", "--schema=public", str(source)),
        )
        yield
    except BaseException:
        async with _opened(url) as connection:
            await connection.execute(
                f'DROP SCHEMA public CASCADE; ALTER SCHEMA "{aside}" RENAME TO public'
            )
        raise


async def _run(program: str, url: str, *arguments: str) -> None:
    parts = urlsplit(url)
    environment = dict(os.environ)
    if parts.password is not None:
        environment["PGPASSWORD"] = unquote(parts.password)
        url = url.replace(f":{parts.password}@", "@", 1)
    path = _program(program)
    process = await asyncio.create_subprocess_exec(
        *(path, f"--dbname={url}", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    _, said = await process.communicate()
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or ["no word"]
        raise CopyError(f"{program} failed: {lines[-1]}")


def _program(name: str) -> str:
    """Of several versions the newest: an older one cannot read a newer server."""
    found = sorted(
        DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]), reverse=True
    )
    path = str(found[0]) if found else shutil.which(name)
    if path is None:
        raise CopyError(f"{name} is not installed: it comes with PostgreSQL's client")
    return path
