"""A house for each test of the directory."""

from collections.abc import AsyncIterator

import pytest

from tests.support.house import House, house


@pytest.fixture
async def school(database: str) -> AsyncIterator[House]:
    async with house(database) as made:
        yield made
