"""Connections come and go: a person's memberships are read once for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from chatd import metrics
from chatd.bus.leases import Leases
from chatd.errors import Refused
from chatd.hub.fanout import Fanout
from chatd.hub.online import Online
from chatd.hub.personal import PersonalEvents
from chatd.hub.rooms import Key, Presence, Rooms
from chatd.signalr.connections.connection import Connection
from chatd.telemetry import spawn

ReadMemberships = Callable[
    [str, str], Awaitable[tuple[int, Sequence[tuple[str, int, int]]]]
]
"""Of (tenant, user), in one snapshot: the head of the personal state, and for every
current membership (conversation, joined position, head position)."""


class Presences:
    """Brings connections into the rooms of their person, and takes them out."""

    def __init__(
        self,
        rooms: Rooms,
        fanout: Fanout,
        personal: PersonalEvents,
        read: ReadMemberships,
        leases: Leases,
        online: Online,
        *,
        connections_max: int,
    ) -> None:
        self._rooms = rooms
        self._fanout = fanout
        self._personal = personal
        self._read = read
        self._leases = leases
        self._online = online
        self._connections_max = connections_max
        self._tasks: set[asyncio.Task[None]] = set()

    async def arrive(self, key: Key, connection: Connection) -> None:
        """Return when the connection gets all events of its person.

        Raises:
            Refused: `rate_limited` with too many connections of one person, or the
                store does not answer.
        """
        presence = self._rooms.people.get(key)
        if presence is None:
            presence = Presence(key)
            presence.connections.add(connection)
            self._rooms.load_begins(presence)
            self._online.came(key)
            # A task of its own: who came first may be gone before the others are in.
            spawn(self._tasks, self._load(presence), f"memberships {key[1]}")
        elif len(presence.connections) >= self._connections_max:
            raise self._too_many()
        elif presence.conversations is None:
            presence.connections.add(connection)
        else:
            for room in self._rooms.add(presence, connection):
                self._fanout.advance(room)
        self._hold(key)
        elsewhere = await self._leases.elsewhere([key])
        if elsewhere.get(key, 0) + len(presence.connections) > self._connections_max:
            self.depart(key, connection)
            raise self._too_many()
        await presence.loaded.wait()
        if presence.failure is not None:
            raise presence.failure
        if connection.closed:
            self.depart(key, connection)

    def checked(self, key: Key, version: int) -> None:
        """A connection of this person may stay, by this version of the person.

        So nobody has to be looked at again for the first thing that happens to him.
        """
        presence = self._rooms.people.get(key)
        if presence is not None:
            known = presence.version
            presence.version = version if known is None else min(known, version)

    def depart(self, key: Key, connection: Connection) -> None:
        """The connection has ended."""
        was_here = key in self._rooms.people
        self._rooms.remove(key, connection)
        if was_here and key not in self._rooms.people:
            self._online.went(key)
        self._hold(key)

    def _hold(self, key: Key) -> None:
        presence = self._rooms.people.get(key)
        self._leases.hold(key, 0 if presence is None else len(presence.connections))

    def _too_many(self) -> Refused:
        metrics.RATE_LIMITED.labels("connections").inc()
        return Refused("rate_limited", connections=self._connections_max)

    async def stop(self) -> None:
        """End all work."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _load(self, presence: Presence) -> None:
        try:
            personal_seq, memberships = await self._read(*presence.key)
        except Refused as refusal:
            self._rooms.load_failed(presence, refusal)
            return
        except BaseException:
            self._rooms.load_failed(presence, Refused("internal"))
            raise
        for room in self._rooms.load_ends(presence, personal_seq, memberships):
            self._fanout.advance(room)
        self._personal.advance(presence)
