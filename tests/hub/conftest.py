"""Fixtures of the hub's tests: a stage without a network, and a running server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.hub.listeners import Stage
from tests.hub.peers import House, open_house

OpenHouse = Callable[..., Awaitable[House]]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    await made.stop()


@pytest.fixture
async def opening(tmp_path: Path) -> AsyncIterator[OpenHouse]:
    """Starts the server with limits of one's own: `await opening(readsBurst=1)`."""
    async with AsyncExitStack() as running:

        async def start(**limits: int) -> House:
            return await running.enter_async_context(open_house(tmp_path, limits))

        yield start


@pytest.fixture
async def school(opening: OpenHouse) -> House:
    return await opening()
