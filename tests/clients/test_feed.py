"""Readers of events: each at its own pace, none in another's way."""

import pytest

from chatd_client.errors import Lagging
from chatd_client.feed import WAITING_MAX, Feed
from chatd_client.replica import Reset
from chatd_client.signalr import CannotConnect


async def test_every_reader_sees_everything_from_its_beginning() -> None:
    """Two parts of a program would steal each other's events."""
    feed = Feed()
    first = feed.reader()
    feed.emit([Reset("a")])
    second = feed.reader()
    feed.emit([Reset("b")])
    feed.end(None)
    assert [update async for update in first] == [Reset("a"), Reset("b")]
    assert [update async for update in second] == [Reset("b")]
    assert [update async for update in feed.reader()] == []


async def test_a_reader_that_sleeps_is_left_behind() -> None:
    """A program that forgot its reader would fill the memory."""
    feed = Feed()
    slow, quick = feed.reader(), feed.reader()
    for number in range(WAITING_MAX + 1):
        feed.emit([Reset(str(number))])
        assert await anext(quick) == Reset(str(number))
    seen = [await anext(slow) for _ in range(WAITING_MAX)]
    assert seen[-1] == Reset(str(WAITING_MAX - 1))
    with pytest.raises(Lagging):
        await anext(slow)


async def test_why_it_ended_is_told_again_and_again() -> None:
    """A reader would wait for ever after the end."""
    feed = Feed()
    reader = feed.reader()
    feed.end(CannotConnect("no"))
    for late in (reader, reader, feed.reader()):
        with pytest.raises(CannotConnect):
            await anext(late)


async def test_a_closed_reader_ends() -> None:
    """Somebody who no longer reads would still be written to."""
    feed = Feed()
    reader = feed.reader()
    reader.close()
    feed.emit([Reset("a")])
    assert [update async for update in reader] == []
