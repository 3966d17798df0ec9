"""Who of whom is connected to this process: people, and the rooms they listen to.

A *room* is a conversation with connections here, or with an event that may bring some.
Nothing in this module waits: each function leaves the books right.
"""

import asyncio
from collections.abc import Iterable

from chatd.bus.interface import Bus
from chatd.hub.parcels import Audience
from chatd.signalr.connections.connection import Connection
from chatd_protocol.chat.events import LogEvent

Key = tuple[str, str]
"""Tenant and id; the same id of another tenant is another thing."""


class Room:
    """One conversation: its audience and how far its log has been delivered to it.

    Attributes:
        last: the log position that the whole audience has been given.
        pending: later positions that are known, with the event where it came along.
        entering: connections to be given everything after a position before they join.
        behind_since_s: when the first came of what was announced and not delivered yet.
        origin: the deed that the last of it came from, where its trace is known.
    """

    __slots__ = (
        "arrived",
        "audience",
        "behind_since_s",
        "entering",
        "key",
        "last",
        "origin",
        "pending",
        "pumping",
    )

    def __init__(self, key: Key, last: int) -> None:
        self.key = key
        self.last = last
        self.origin: str | None = None
        self.audience = Audience()
        self.pending: dict[int, LogEvent | None] = {}
        self.entering: dict[Connection, int] = {}
        self.pumping = False
        self.behind_since_s: float | None = None
        self.arrived: asyncio.Event | None = None

    @property
    def idle(self) -> bool:
        """Nobody listens and nothing is on the way."""
        return not (self.audience or self.entering or self.pending or self.pumping)

    def note(self, seq: int, event: LogEvent | None) -> None:
        """There is an event at this position."""
        if seq > self.last and (event is not None or seq not in self.pending):
            self.pending[seq] = event
            if self.arrived is not None:
                self.arrived.set()

    def enter(self, connection: Connection, after: int) -> None:
        """Let a connection in that has been told everything up to `after`.

        Positions between `after` and `last` are for the fan-out to bring; one ahead of
        `last` waits for the room, so that nothing from before it is delivered.
        """
        if connection in self.audience:
            return
        if after == self.last and not self.pumping and not self.pending:
            self.audience.add(connection)
            return
        self.entering[connection] = after
        if after > self.last:
            self.note(after, None)

    def leave(self, connection: Connection) -> None:
        """The connection gets nothing more from here."""
        self.audience.discard(connection)
        self.entering.pop(connection, None)


class Presence:
    """One person's connections to this process and what those listen to.

    While `conversations` is None they are being read from the store; memberships that
    change meanwhile are kept in `changes` as (position, whether a member since).
    `origin` is the deed that the last news came from, where its trace is known.
    `departures` has the positions at which conversations were left; `version` is the
    person's, by which all connections were found to be allowed here.
    """

    __slots__ = (
        "changes",
        "connections",
        "conversations",
        "departures",
        "failure",
        "key",
        "loaded",
        "origin",
        "personal_seq",
        "personal_target",
        "pumping",
        "version",
    )

    def __init__(self, key: Key) -> None:
        self.key = key
        self.connections = Audience()
        self.conversations: set[str] | None = None
        self.changes: dict[str, tuple[int, bool]] = {}
        self.departures: dict[str, int] = {}
        self.version: int | None = None
        self.loaded = asyncio.Event()
        self.failure: Exception | None = None
        self.origin: str | None = None
        self.personal_seq = 0
        self.personal_target = 0
        self.pumping = False


class Rooms:
    """All rooms and people of this process; the bus follows what is in them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.rooms: dict[Key, Room] = {}
        self.people: dict[Key, Presence] = {}
        self._loading = 0
        self._missed: dict[Key, int] = {}

    def open(self, key: Key, last: int) -> Room:
        """The room of a conversation; made, at position `last`, if there is none."""
        room = self.rooms.get(key)
        if room is None:
            room = self.rooms[key] = Room(key, last)
            self._bus.follow("conversation", *key)
            missed = self._missed.get(key, 0)
            if missed > last:
                room.note(missed, None)
        return room

    def drop_if_idle(self, room: Room) -> None:
        """Forget a room that nobody needs."""
        if room.idle and self.rooms.get(room.key) is room:
            del self.rooms[room.key]
            self._bus.unfollow("conversation", *room.key)
            self.miss(room.key, room.last)

    def miss(self, key: Key, seq: int) -> None:
        """Remember a position of a conversation that nobody here listens to *yet*.

        Somebody's memberships may have been read just before it and be entered just
        after: `open` then knows that there is more.
        """
        if self._loading:
            self._missed[key] = max(seq, self._missed.get(key, 0))

    # -------------------------------------------------- memberships from the store

    def load_begins(self, presence: Presence) -> None:
        """Memberships of this person are about to be read."""
        self.people[presence.key] = presence
        self._bus.follow("person", *presence.key)
        self._loading += 1

    def load_ends(
        self,
        presence: Presence,
        personal_seq: int,
        memberships: Iterable[tuple[str, int, int]],
    ) -> list[Room]:
        """Enter what was read, as (conversation, joined position, head position).

        Returns:
            Rooms with something for the fan-out to do.
        """
        if self.people.get(presence.key) is not presence:
            self._load_is_over(presence)  # all its connections ended meanwhile
            return []
        tenant, _ = presence.key
        presence.personal_seq = personal_seq
        presence.conversations = set()
        positions = {id_: (joined, head) for id_, joined, head in memberships}
        for id_, (seq, member) in presence.changes.items():
            joined, _head = positions.get(id_, (0, 0))
            if seq <= joined:
                continue  # what was read is newer
            if member:
                # Also for a member of before: there may be a leaving in between.
                positions[id_] = (seq, seq - 1)
            else:
                positions.pop(id_, None)
        busy = []
        for id_, (_joined, head) in positions.items():
            presence.conversations.add(id_)
            room = self.open((tenant, id_), head)
            for connection in presence.connections.connections():
                room.enter(connection, head)
            if room.pending or room.entering:
                busy.append(room)
        self._load_is_over(presence)
        return busy

    def load_failed(self, presence: Presence, failure: Exception) -> None:
        """The memberships could not be read: nobody may wait for them."""
        presence.failure = failure
        if self.people.get(presence.key) is presence:
            self._forget(presence)
        self._load_is_over(presence)

    def _load_is_over(self, presence: Presence) -> None:
        presence.changes.clear()
        presence.loaded.set()
        self._loading -= 1
        if not self._loading:
            self._missed.clear()

    # ------------------------------------------------------------- come and go

    def add(self, presence: Presence, connection: Connection) -> list[Room]:
        """One more connection of somebody whose memberships are known.

        Returns:
            Rooms with something for the fan-out to do.
        """
        presence.connections.add(connection)
        tenant, _ = presence.key
        busy = []
        for id_ in presence.conversations or ():
            room = self.rooms[tenant, id_]
            room.enter(connection, room.last)
            if room.entering:
                busy.append(room)
        return busy

    def remove(self, key: Key, connection: Connection) -> None:
        """A connection ended."""
        presence = self.people.get(key)
        if presence is None or connection not in presence.connections:
            return
        presence.connections.discard(connection)
        for id_ in presence.conversations or ():
            room = self.rooms[key[0], id_]
            room.leave(connection)
        if not presence.connections:
            self._forget(presence)
            for id_ in presence.conversations or ():
                self.drop_if_idle(self.rooms[key[0], id_])

    def _forget(self, presence: Presence) -> None:
        del self.people[presence.key]
        self._bus.unfollow("person", *presence.key)

    # ------------------------------------------------- memberships from the log

    def joined(self, room: Room, seq: int, user_ids: Iterable[str]) -> None:
        """At this position of the room's log these people became members."""
        tenant, conversation_id = room.key
        for user_id in user_ids:
            presence = self.people.get((tenant, user_id))
            if presence is None:
                continue
            if presence.conversations is None:
                presence.changes[conversation_id] = (seq, True)
                continue
            presence.conversations.add(conversation_id)
            for connection in presence.connections.connections():
                room.entering.pop(connection, None)
                room.audience.add(connection)

    def left(self, room: Room, seq: int, user_ids: Iterable[str]) -> None:
        """At this position of the room's log these people ceased to be members."""
        tenant, conversation_id = room.key
        for user_id in user_ids:
            presence = self.people.get((tenant, user_id))
            if presence is None:
                continue
            if presence.conversations is None:
                presence.changes[conversation_id] = (seq, False)
                continue
            presence.departures[conversation_id] = seq
            presence.conversations.discard(conversation_id)
            for connection in presence.connections.connections():
                room.leave(connection)

    def member_at(
        self, presence: Presence, conversation_id: str, head: int
    ) -> Room | None:
        """Somebody is a member, says a snapshot in which the log reached to `head`.

        Who joins on another gateway may not be known to any room here: the person's own
        row tells it, and it cannot be lost.

        Returns:
            The room, if there is something for the fan-out to do.
        """
        if presence.conversations is None or conversation_id in presence.conversations:
            return None
        if presence.departures.get(conversation_id, 0) > head:
            return None  # the log, which was faster, knows of a leaving since
        presence.conversations.add(conversation_id)
        room = self.open((presence.key[0], conversation_id), head)
        for connection in presence.connections.connections():
            room.enter(connection, head)
        return room if room.pending or room.entering else None

    def gone_since(
        self, presence: Presence, conversation_id: str, left_seq: int
    ) -> None:
        """Somebody has no right to what comes behind a position, says the own row.

        Of a guest who goes the log tells nothing. Who leaves otherwise is still to hear
        of that: where the room is not beyond that position, the log does the rest.
        """
        room = self.rooms.get((presence.key[0], conversation_id))
        known = presence.conversations or set()
        if room is None or conversation_id not in known or room.last <= left_seq:
            return
        known.discard(conversation_id)
        for connection in presence.connections.connections():
            room.leave(connection)
        self.drop_if_idle(room)
