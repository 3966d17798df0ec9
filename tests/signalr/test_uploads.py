"""Streams of items that a client sends along with a call."""

import asyncio

import pytest

from chatd.signalr.hub import HubException
from chatd.signalr.uploads import Upload


async def test_items_come_in_order_and_end() -> None:
    """A method would miss items, or wait for ever."""
    upload = Upload(8)

    async def client() -> None:
        for item in range(3):
            upload.push(item)
            await asyncio.sleep(0)
        upload.end()
        upload.push("too late")

    async with asyncio.TaskGroup() as group:
        group.create_task(client())
        assert [item async for item in upload] == [0, 1, 2]


async def test_a_failed_stream_raises_after_its_items() -> None:
    """A method would take half a stream for a whole one."""
    upload = Upload(8)
    upload.push(1)
    upload.end(HubException("the client gave up"))
    assert await anext(upload) == 1
    with pytest.raises(HubException, match="gave up"):
        await anext(upload)


async def test_a_flood_fails_its_own_stream() -> None:
    """What nobody reads would fill the memory."""
    upload = Upload(2)
    for item in range(3):
        upload.push(item)
    with pytest.raises(HubException, match="faster"):
        await anext(upload)
