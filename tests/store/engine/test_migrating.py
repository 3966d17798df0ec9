import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol

import apsw
import asyncpg
import pytest

from chatd.store.engine.migrating import (
    Migration,
    SchemaError,
    Workbench,
    load,
    meta,
    migrate,
)
from chatd.store.engine.postgres.connections import Connection
from chatd.store.engine.postgres.store import PostgresWorkbench
from chatd.store.engine.sqlite import SqliteWorkbench
from tests.store.engine.test_writer import ENVIRONMENT, ROOT
from tests.support.databases import is_postgres, path_of
from tests.support.postgres import PostgresServer

OPEN = """
import asyncio, sys
from chatd.clock import SystemClock
from chatd.store.engine.opening import open_store
async def main():
    store = await open_store(sys.argv[1], clock=SystemClock(), on_committed=print)
    print(store.epoch)
    await store.close()
asyncio.run(main())
"""

_SCHEMA = (
    "SELECT table_name::text, column_name::text FROM information_schema.columns"
    " WHERE table_schema = 'public' ORDER BY 1, 2"
)


@pytest.fixture
async def empty(
    server_of: PostgresServer | None, tmp_path: object
) -> AsyncIterator[str]:
    """The address of a database without any table."""
    if server_of is None:
        yield f"sqlite:///{tmp_path}/chat.sqlite3"
        return
    name = await server_of.create()
    yield server_of.url(name)
    await server_of.drop(name)


class Bench(Workbench, Protocol):
    """A workbench of either engine."""


@pytest.fixture
async def bench(empty: str) -> AsyncIterator[Bench]:
    if is_postgres(empty):
        link: Connection = await asyncpg.connect(empty)
        yield PostgresWorkbench(link)
        await link.close()
    else:
        connection = apsw.Connection(str(path_of(empty)))
        yield SqliteWorkbench(connection)
        connection.close()


def known_to(bench: Bench) -> tuple[Migration, ...]:
    return load("postgres" if isinstance(bench, PostgresWorkbench) else "sqlite")


async def run(bench: Bench, *migrations: Migration, epoch: str = "e") -> int:
    return await migrate(bench, migrations, epoch=epoch, now_ms=7)


async def schema(bench: Bench) -> list[tuple]:
    if isinstance(bench, PostgresWorkbench):
        return await bench.all(_SCHEMA)
    return await bench.all("SELECT * FROM sqlite_schema ORDER BY name")


async def test_a_new_database_and_again(bench: Bench) -> None:
    """A server would not start on a new database, or not a second time."""
    known = known_to(bench)
    assert await run(bench, *known) == len(known) >= 2
    before = await schema(bench)
    assert await run(bench, *known, epoch="other") == 0
    assert await schema(bench) == before
    assert await meta(bench, "epoch") == "e"
    assert await meta(bench, "no such") is None


async def test_only_what_is_missing(bench: Bench) -> None:
    """An update would run old steps again, or leave new ones out."""
    known = known_to(bench)
    await run(bench, *known)
    sql = "CREATE TABLE more (a TEXT); DROP TABLE more"
    more = Migration(len(known) + 1, "more", sql)
    assert await run(bench, *known, more) == 1
    assert await run(bench, *known, more) == 0
    rows = await bench.all("SELECT number, applied_at_ms FROM migration ORDER BY 1")
    assert rows == [(number, 7) for number in range(1, len(known) + 2)]


async def test_a_file_that_was_changed(bench: Bench) -> None:
    """Two databases of one version would have two schemas."""
    first, *rest = known_to(bench)
    await run(bench, first, *rest)
    changed = replace(first, sql=first.sql + "-- and one more thing")
    with pytest.raises(SchemaError, match="changed after it was applied"):
        await run(bench, changed, *rest)
    assert await run(bench, first, *rest) == 0


async def test_a_database_of_a_later_release(bench: Bench) -> None:
    """An old release would write what the new one cannot read, or refuse idly."""
    known = known_to(bench)
    later = Migration(len(known) + 1, "later", "CREATE TABLE later (a TEXT)")
    await run(bench, *known, later)
    assert await run(bench, *known) == 0
    await bench.run(
        "UPDATE meta SET value = $1 WHERE name = 'compatible_with'", str(later.number)
    )
    before = await schema(bench)
    with pytest.raises(SchemaError, match="needs a chatd that knows"):
        await run(bench, *known)
    assert await schema(bench) == before


async def test_a_step_that_fails_leaves_nothing(bench: Bench) -> None:
    """A failed update would leave a database that no release can use."""
    known = known_to(bench)
    await run(bench, *known)
    before = await schema(bench)
    sql = "CREATE TABLE bad (a TEXT); CREATE TABLE bad (b TEXT)"
    with pytest.raises((apsw.SQLError, asyncpg.DuplicateTableError)):
        await run(bench, *known, Migration(len(known) + 1, "bad", sql))
    assert await schema(bench) == before
    assert await run(bench, *known) == 0


def test_an_unknown_engine_has_no_migrations() -> None:
    """A misspelt engine would start with an empty schema."""
    with pytest.raises((SchemaError, FileNotFoundError)):
        load("nosql")


async def test_several_processes_at_once(empty: str) -> None:
    """Of several servers that start at once on a new database, some would fail."""
    starting = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", OPEN, empty),
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(4)
    ]
    async with asyncio.timeout(200):
        said = [(await one.communicate())[0] for one in starting]
    assert [one.returncode for one in starting] == [0] * 4, said
    assert len(set(said)) == 1
