"""Updates on their way to those who read them with `async for`.

Every reader has a queue of its own with a bound: a slow reader loses its feed, and
neither the replica nor anybody else waits for it.
"""

import asyncio
from collections.abc import Iterable
from typing import Final, Self

from chatd_client.errors import Lagging
from chatd_client.replica import Update
from chatd_client.signalr import ClientError

WAITING_MAX: Final = 10_000
"""Updates that one reader may be behind."""


class Reader:
    """An async iterator over what happens from the moment it was made."""

    def __init__(self, feed: "Feed") -> None:
        self._feed = feed
        self._waiting: asyncio.Queue[Update | None] = asyncio.Queue()
        self._error: ClientError | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Update:
        """The next update.

        Raises Lagging for a reader that was too slow, or why the client gave up.
        """
        update = await self._waiting.get()
        if update is None:
            self._waiting.put_nowait(None)  # for whoever asks again
            if self._error is not None:
                raise self._error
            raise StopAsyncIteration
        return update

    def close(self) -> None:
        """Take part no longer."""
        self._feed.leave(self, None)

    def push(self, update: Update) -> bool:
        """Queue an update; False when the reader is too far behind."""
        if self._waiting.qsize() >= WAITING_MAX:
            return False
        self._waiting.put_nowait(update)
        return True

    def end(self, error: ClientError | None) -> None:
        """There will be no more, for this reason."""
        self._error = error
        self._waiting.put_nowait(None)


class Feed:
    """All readers of one client."""

    def __init__(self) -> None:
        self._readers: set[Reader] = set()
        self._ended = False
        self._error: ClientError | None = None

    def reader(self) -> Reader:
        """A new reader, which sees what comes from now on."""
        reader = Reader(self)
        if self._ended:
            reader.end(self._error)
        else:
            self._readers.add(reader)
        return reader

    def emit(self, updates: Iterable[Update]) -> None:
        """Hand updates to every reader."""
        for update in updates:
            for reader in [row for row in self._readers if not row.push(update)]:
                self.leave(reader, Lagging("Too many updates are waiting."))

    def leave(self, reader: Reader, error: ClientError | None) -> None:
        """End one reader."""
        if reader in self._readers:
            self._readers.discard(reader)
            reader.end(error)

    def end(self, error: ClientError | None) -> None:
        """End all readers, those to come included."""
        self._ended, self._error = True, error
        for reader in tuple(self._readers):
            self.leave(reader, error)
