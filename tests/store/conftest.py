"""A store with five people and a group of three; whole when the test is over."""

from collections.abc import AsyncIterator

import pytest

from tests.store.invariants import check_database
from tests.store.shelf import Shelf, shelf_at


@pytest.fixture
async def shelf(database: str) -> AsyncIterator[Shelf]:
    """People ada, ben, cleo, dan, eve; the group `talk` of ada, ben and cleo."""
    async with shelf_at(database) as made:
        await made.people("ada", "ben", "cleo", "dan", "eve")
        await made.talk("talk", "ada", "ben", "cleo")
        made.batches.clear()
        yield made
    await check_database(database)
