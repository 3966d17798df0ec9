"""If these fail, a copy of a PostgreSQL database is none, or one in use is replaced."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from chatd.store.engine.migrating import SchemaError
from chatd.store.upkeep import dumping
from chatd.store.upkeep.copying import CopyError
from chatd.store.upkeep.erasures import Erasure
from tests.support.postgres import PostgresServer

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE migration (number BIGINT PRIMARY KEY);
CREATE TABLE erasure (position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant TEXT, kind TEXT, id TEXT, data_json TEXT, at_ms BIGINT);
INSERT INTO migration VALUES (1), (2);
INSERT INTO meta VALUES ('epoch', 'e-1'), ('compatible_with', '2');
INSERT INTO erasure (tenant, kind, id, data_json, at_ms)
  VALUES ('school', 'message', 'm-1', '{"by": null}', 5);
"""


@dataclass
class Database:
    """A database of the kind that chatd has, on a real server."""

    server: PostgresServer
    url: str
    name: str

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["asyncpg.Connection[Any]"]:
        connection = await asyncpg.connect(self.url)
        try:
            yield connection
        finally:
            await connection.close()

    async def value(self, sql: str) -> object:
        async with self.opened() as connection:
            found: object = await connection.fetchval(sql)
            return found

    async def run(self, sql: str) -> None:
        await self.server.execute(sql, self.name)


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    name = await postgres.create()
    made = Database(postgres, postgres.url(name), name)
    await made.run(SCHEMA)
    yield made
    await postgres.drop(name)


async def put_back(database: Database, dump: Path, aside: str = "aside") -> None:
    async with dumping.replaced(database.url, dump, aside):
        pass


async def test_there_and_back(database: Database, tmp_path: Path) -> None:
    """A backup of a school would be a file that nobody can use."""
    dump = tmp_path / "dump"
    await dumping.copy(database.url, dump)
    assert dump.stat().st_mode & 0o777 == 0o600
    await database.run("INSERT INTO meta VALUES ('later', 'x'); CREATE TABLE later ()")
    await put_back(database, dump, "until_now")
    assert await database.value("SELECT count(*) FROM meta") == 2
    # What a newer release had added does not stay behind.
    assert await database.value("SELECT to_regclass('later')") is None
    assert await database.value("SELECT count(*) FROM until_now.meta") == 3
    again = (
        "INSERT INTO erasure (tenant, kind, id, data_json, at_ms)"
        " VALUES ('school', 'message', 'm-2', '{}', 6) RETURNING position"
    )
    assert await database.value(again) == 2
    await dumping.copy(database.url, tmp_path / "without what was put aside")
    await put_back(database, dump, "until_later")


async def test_one_in_use_is_not_replaced(database: Database, tmp_path: Path) -> None:
    """A running server would go on with tables that nobody finds again."""
    await dumping.copy(database.url, tmp_path / "dump")
    async with database.opened() as server:
        with pytest.raises(CopyError, match="stop the servers first"):
            await put_back(database, tmp_path / "dump")
        assert await server.fetchval("SELECT count(*) FROM meta") == 2


async def test_half_a_dump_changes_nothing(database: Database, tmp_path: Path) -> None:
    """A transfer that broke off would cost the database."""
    dump = tmp_path / "dump"
    await dumping.copy(database.url, dump)
    dump.write_bytes(dump.read_bytes()[:-100])
    with pytest.raises(CopyError, match="pg_restore failed: "):
        await put_back(database, dump)
    assert await database.value("SELECT count(*) FROM meta") == 2


async def test_what_fails_after_it_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    """An erasure that cannot be done again would leave the text for all to read."""
    await dumping.copy(database.url, tmp_path / "dump")
    await database.run("INSERT INTO meta VALUES ('later', 'x')")
    with pytest.raises(KeyError, match="of the block"):
        async with dumping.replaced(database.url, tmp_path / "dump", "aside"):
            raise KeyError("of the block")
    assert await database.value("SELECT count(*) FROM meta") == 3


async def test_a_copy_is_never_written_over(database: Database, tmp_path: Path) -> None:
    """The only good backup would be replaced by a bad one."""
    (tmp_path / "dump").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        await dumping.copy(database.url, tmp_path / "dump")


async def test_what_it_says_of_itself(database: Database) -> None:
    """Nobody could tell what a database needs, or what was erased in it."""
    known = await dumping.ledger(database.url)
    assert known == [Erasure("school", "message", "m-1", {"by": None}, 5)]
    await dumping.begin_epoch(database.url, "e-2")
    found = await dumping.inspect(database.url)
    assert (found.schema, found.compatible_with, found.epoch) == (2, 2, "e-2")
    said = await dumping.settings(database.url)
    assert said.durable == {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
    }
    assert said.forgets == ()
    await database.run(f"ALTER DATABASE {database.name} SET synchronous_commit = off")
    forgetful = await dumping.settings(database.url)
    assert forgetful.forgets == ("synchronous_commit off",)


async def test_an_empty_one(postgres: PostgresServer) -> None:
    """A new machine's database would be taken for one without erasures."""
    name = await postgres.create()
    for look in (dumping.ledger, dumping.inspect):
        with pytest.raises(SchemaError):
            await look(postgres.url(name))
    assert await dumping.is_empty(postgres.url(name))
    await postgres.drop(name)


async def test_one_that_is_not_there(tmp_path: Path) -> None:
    """A wrong address would end in a traceback, or tell the password."""
    url = "postgresql://somebody:secret@127.0.0.1:1/nowhere"
    with pytest.raises(CopyError, match="cannot be reached"):
        await dumping.settings(url)
    with pytest.raises(CopyError, match="pg_dump failed: ") as refused:
        await dumping.copy(url, tmp_path / "dump")
    assert "secret" not in str(refused.value)


async def test_the_password_is_in_no_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody of the machine could read it in the list of processes."""
    program = tmp_path / "pg_dump"
    program.write_text(f'#!/bin/sh\necho "$@ / $PGPASSWORD" > {tmp_path}/said\n')
    program.chmod(0o755)
    monkeypatch.setattr(dumping, "DEBIAN", tmp_path / "no")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    await dumping.copy("postgresql://u:s%40cret@h/d", tmp_path / "dump")
    arguments, password = (tmp_path / "said").read_text().split(" / ")
    assert "--dbname=postgresql://u@h/d" in arguments
    assert password == "s@cret\n"
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CopyError, match="pg_dump is not installed"):
        await dumping.copy("postgresql://h/d", tmp_path / "again")
