"""The canary: what a person wrote, wherever it was, is found nowhere afterwards.

ITS-77, MOO-91, and the promise of a purge: a word is put wherever a person can put
one, the person is erased, and every byte is looked at: the files of the database with
its log, attachments and thumbnails, what the server logged. Of PostgreSQL what it holds
is looked at, as `pg_dump` tells it; docs/operating.md says what its files keep longer.
"""

import asyncio
from pathlib import Path

import apsw
import asyncpg
import httpx2

from tests.end_to_end.test_restore import command
from tests.support.canary import (
    ASCII,
    Writer,
    empty_places,
    erase,
    found_in,
    write_everywhere,
)
from tests.support.databases import is_postgres, path_of
from tests.support.postgres import programs
from tests.support.server import Server, serving
from tests.support.tokens import token
from tests.support.waiting import wait_until


def pass_of(user: str, *scopes: str) -> str:
    return token(user, tenant="demo", scope=" ".join(scopes) or None)


async def rows(database: str, sql: str) -> int:
    """How many there are, seen by another process."""
    if is_postgres(database):
        link = await asyncpg.connect(database)
        try:
            return len(await link.fetch(sql))
        finally:
            await link.close()
    connection = apsw.Connection(str(path_of(database)))
    try:
        return len(connection.execute(sql).fetchall())
    finally:
        connection.close()


async def dumped(database: str) -> bytes:
    """All that a PostgreSQL database holds, as statements."""
    process = await asyncio.create_subprocess_exec(
        *(programs() / "pg_dump", "--inserts", database),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said


async def used(server: Server, database: str, backup: Path) -> None:
    """A school in which the word is everywhere, and then is to be nowhere.

    In between somebody takes a backup.
    """
    async with httpx2.AsyncClient(base_url=server.url, timeout=60) as http:
        ask = Writer(http, pass_of, "demo")
        await ask.platform(
            "PUT", "users/adam", json={"name": "Adam", "roles": ["admin"]}
        )
        await write_everywhere(ask)

        async def look(sql: str) -> int:
            return await rows(database, sql)

        assert await empty_places(look) == []
        assert len(found_in(server.data_dir / "attachments")) >= 4
        where = ("--data-dir", str(server.data_dir), "--database-url", database)
        assert await command("backup", *where, str(backup)) == (0, f"{backup}\n")
        await erase(ask)
    attachments = server.data_dir / "attachments"
    await wait_until(lambda: not found_in(attachments), 30, "files are deleted")


async def test_the_word_is_nowhere(database: str, tmp_path: Path) -> None:
    """A child, or whoever is asked to forget one, would be told an untruth."""
    backup, folder = tmp_path / "backup", tmp_path / "data"
    more = ("--demo", "--database-url", database, "--log-level", "debug")
    async with serving(folder, *more) as server:
        await used(server, database, backup)
    await nowhere(tmp_path, backup, database, server)
    where = ("--data-dir", str(folder), "--database-url", database)
    code, said = await command("restore", *where, str(backup))
    assert code == 0, said
    async with serving(folder, *more) as server:
        attachments = folder / "attachments"
        await wait_until(lambda: not found_in(attachments), 30, "files are deleted")
    await nowhere(tmp_path, backup, database, server)


async def nowhere(folder: Path, backup: Path, database: str, server: Server) -> None:
    """But in the backup itself, which goes when its time is over."""
    assert [one for one in found_in(folder) if backup not in one.parents] == []
    assert ASCII not in server.log.lower().encode()
    if is_postgres(database):
        dump = await dumped(database)
        assert b"INSERT INTO" in dump
        assert [line for line in dump.splitlines() if ASCII in line.lower()] == []
