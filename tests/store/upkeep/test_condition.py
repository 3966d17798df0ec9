"""If these fail, an old server goes on writing into a database that it misreads."""

from pathlib import Path

import apsw
import pytest

from chatd.store.engine.migrating import SchemaError, load
from chatd.store.upkeep.condition import fits, inspect
from tests.store.shelf import Shelf
from tests.support.databases import execute

KNOWN = len(load("sqlite"))


async def test_a_database_that_was_just_opened(shelf: Shelf) -> None:
    """No server would ever be ready."""
    assert await shelf.store.read(fits, KNOWN, shelf.store.epoch)


@pytest.mark.parametrize(
    ("name", "value"), [("compatible_with", str(KNOWN + 1)), ("epoch", "another")]
)
async def test_one_that_moved_on(shelf: Shelf, name: str, value: str) -> None:
    """After an upgrade, or a restore behind its back, a server would do harm."""
    sql = f"UPDATE meta SET value = '{value}' WHERE name = '{name}'"
    await execute(shelf.url, sql)
    assert not await shelf.store.read(fits, KNOWN, shelf.store.epoch)


@pytest.mark.engines("sqlite")
async def test_a_file_is_looked_at_while_it_is_in_use(shelf: Shelf) -> None:
    """Nobody could ask after a database whose server runs."""
    found = inspect(shelf.path)
    assert (found.schema, found.known, found.usable) == (KNOWN, KNOWN, True)
    assert found.epoch == shelf.store.epoch


@pytest.mark.engines("sqlite")
async def test_a_newer_database_is_not_usable(shelf: Shelf) -> None:
    """A step back to an old release would be advised, and would do harm."""
    connection = apsw.Connection(str(shelf.path))
    connection.execute(
        "UPDATE meta SET value = ?1 WHERE name = 'compatible_with'", (str(KNOWN + 1),)
    )
    connection.close()
    assert not inspect(shelf.path).usable


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_what_is_no_database(tmp_path: Path, content: bytes) -> None:
    """An operator would be told a riddle of SQLite's."""
    path = tmp_path / "x.sqlite3"
    path.write_bytes(content)
    with pytest.raises(SchemaError, match=r"x\.sqlite3 is no database of chatd"):
        inspect(path)
    assert path.read_bytes() == content
