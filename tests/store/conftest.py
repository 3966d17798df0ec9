"""A store with five people and a group of three; whole when the test is over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.store.invariants import check
from tests.store.shelf import Shelf, shelf_at


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    """People ada, ben, cleo, dan, eve; the group `talk` of ada, ben and cleo."""
    path = tmp_path / "chat.sqlite3"
    async with shelf_at(path) as made:
        await made.people("ada", "ben", "cleo", "dan", "eve")
        await made.talk("talk", "ada", "ben", "cleo")
        made.batches.clear()
        yield made
    check(path)
