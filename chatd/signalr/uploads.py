"""Streams of items that a client sends along with a call."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from chatd.signalr.hub import HubException


class Upload(AsyncIterator[object]):
    """The items of one stream, in order, to be iterated by one method.

    Holds `items_max` items that nobody has asked for yet. The reference server stops
    reading the whole connection then, pings included; here the stream fails instead.
    """

    def __init__(self, items_max: int) -> None:
        self._items_max = items_max
        self._items: deque[object] = deque()
        self._ended = False
        self._error: Exception | None = None
        self._news = asyncio.Event()

    def push(self, item: object) -> None:
        """An item has arrived."""
        if self._ended:
            return
        if len(self._items) >= self._items_max:
            self._items.clear()
            self.end(HubException("The stream sends faster than it is read."))
            return
        self._items.append(item)
        self._news.set()

    def end(self, error: Exception | None = None) -> None:
        """No more items: the method's loop ends, or raises `error`."""
        if not self._ended:
            self._ended = True
            self._error = error
            self._news.set()

    async def __anext__(self) -> object:
        while not self._items:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._items.popleft()
