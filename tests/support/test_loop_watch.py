"""The watch over the event loop, tested with code that does block."""

import asyncio
import time

import pytest

from tests.support.loop_watch import LoopBlockedError, loop_watch


async def test_blocking_code_is_named() -> None:
    """A test could block the loop for everybody and pass."""

    async def block() -> None:
        with loop_watch(0.05):
            asyncio.get_running_loop().call_soon(time.sleep, 0.5)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    with pytest.raises(LoopBlockedError, match="sleep"):
        await block()


async def test_waiting_is_not_blocking() -> None:
    """A test that waits for something would be told that it blocks."""
    with loop_watch(0.5):
        await asyncio.sleep(0.6)
