"""If these fail, an old server goes on writing into a database that it misreads."""

import apsw
import pytest

from chatd.store.engine.migrating import load
from chatd.store.upkeep.condition import fits
from tests.store.shelf import Shelf

KNOWN = len(load("sqlite"))


async def test_a_database_that_was_just_opened(shelf: Shelf) -> None:
    """No server would ever be ready."""
    assert await shelf.store.read(fits, KNOWN, shelf.store.epoch)


@pytest.mark.parametrize(
    ("name", "value"), [("compatible_with", str(KNOWN + 1)), ("epoch", "another")]
)
async def test_one_that_moved_on(shelf: Shelf, name: str, value: str) -> None:
    """After an upgrade, or a restore behind its back, a server would do harm."""
    connection = apsw.Connection(str(shelf.path))
    connection.execute("UPDATE meta SET value = ?2 WHERE name = ?1", (name, value))
    connection.close()
    assert not await shelf.store.read(fits, KNOWN, shelf.store.epoch)
