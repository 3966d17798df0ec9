"""One event on its way to many connections: encoded once, whatever they asked for.

A connection gets events on a target of their type, or, opened with `?events=single`,
all on the one target `Event`. Which of the two is settled when it enters an audience,
so that nothing is asked per recipient.
"""

import asyncio
from collections.abc import Collection, Iterator

from chatd import metrics
from chatd.signalr.connections.connection import Connection
from chatd.signalr.prepared import Prepared
from chatd_protocol.chat.events import SINGLE_TARGET, Event, event_type, target_of

RECIPIENTS_PER_TURN = 256
"""Written in one turn of the loop; 5,000 at once would hold it for 50 ms."""


def wants_single_target(connection: Connection) -> bool:
    """Whether this connection asked for all events on one target."""
    return connection.handshake.query.get("events") == "single"


class Audience:
    """Connections that get the same events."""

    __slots__ = ("_by_type", "_single")

    def __init__(self) -> None:
        self._by_type: dict[Connection, None] = {}
        self._single: dict[Connection, None] = {}

    def __len__(self) -> int:
        return len(self._by_type) + len(self._single)

    def __contains__(self, connection: object) -> bool:
        return connection in self._by_type or connection in self._single

    def add(self, connection: Connection) -> None:
        """From now on it gets what is sent."""
        single = wants_single_target(connection)
        (self._single if single else self._by_type)[connection] = None

    def discard(self, connection: Connection) -> None:
        """From now on it gets nothing."""
        self._by_type.pop(connection, None)
        self._single.pop(connection, None)

    def connections(self) -> tuple[Connection, ...]:
        """All of them, as of now."""
        return (*self._by_type, *self._single)

    def parted(self, blind: Collection[str | None]) -> tuple["Audience", "Audience"]:
        """Those of other people, and those of these."""
        if not blind:
            return self, Audience()
        parts = Audience(), Audience()
        for connection in self.connections():
            parts[connection.user_id in blind].add(connection)
        return parts

    def _shares(
        self, event: Event
    ) -> Iterator[tuple[tuple[Connection, ...], Prepared]]:
        # Copies: a write can end a connection, which then leaves these very dicts.
        if self._by_type:
            yield tuple(self._by_type), Prepared(target_of(event_type(event)), event)
        if self._single:
            yield tuple(self._single), Prepared(SINGLE_TARGET, event)

    def send(self, event: Event) -> None:
        """Enqueue the event for everyone, in this turn of the loop."""
        metrics.DELIVERIES.inc(len(self))
        for connections, prepared in self._shares(event):
            for connection in connections:
                connection.send_prepared(prepared)

    async def send_in_turns(self, event: Event) -> None:
        """The same for a large audience, letting others have their turn in between."""
        if len(self) <= RECIPIENTS_PER_TURN:
            self.send(event)
            return
        metrics.DELIVERIES.inc(len(self))
        for connections, prepared in self._shares(event):
            for start in range(0, len(connections), RECIPIENTS_PER_TURN):
                for connection in connections[start : start + RECIPIENTS_PER_TURN]:
                    connection.send_prepared(prepared)
                await asyncio.sleep(0)


def send_to(connection: Connection, event: Event) -> None:
    """Enqueue an event for one connection."""
    audience = Audience()
    audience.add(connection)
    audience.send(event)
