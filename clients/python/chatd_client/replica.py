"""One person's conversations, kept whole whatever the network does.

Pure: events, answers and the time go in; what changed comes out. Log events are applied
in order of `seq`: the next one at once, older ones never, later ones after at most
500 ms, when `Sync` is asked for what is missing. Personal rows count by `personalSeq`,
the newest of each wins. From `begin` to `finish` everything live waits for `Sync`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from chatd_client.personal import Membership, PersonalState, subject
from chatd_client.room import HELD_MAX, Room
from chatd_protocol.chat.base import SYNC_CURSORS_MAX
from chatd_protocol.chat.events import (
    ConversationJoined,
    Event,
    Hint,
    LogEvent,
    PersonalEvent,
)
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.requests import Sync
from chatd_protocol.chat.results import Me, MessagePage, PersonalRow, Synced

HOLD_S: Final = 0.5
"""How long an event may wait for one that is missing before `Sync` is asked."""

JOIN_HOLD_S: Final = 0.05
"""The same for what came before a person joined, which will hardly come by itself."""

BUFFER_MAX: Final = 10_000
"""Live events that may wait while catching up; beyond, `Sync` goes round again."""

UNKNOWN_ROOMS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Reset:
    """What was known of a conversation, or of all of them, was dropped."""

    conversation_id: str | None = None


Update: TypeAlias = Event | PersonalRow | Reset
"""What changed: an event, in order and once; a personal row that `Sync` brought in an
event's place; or a reset."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """What the owner of a replica should ask the server for now."""

    behind: tuple[str, ...] = ()  # conversations to Sync
    unknown: tuple[str, ...] = ()  # conversations to get


class Replica:
    """What one person's client knows."""

    def __init__(self) -> None:
        self.user_id = ""
        self.epoch = ""
        self.rooms: dict[str, Room] = {}
        self.personal = PersonalState(self.rooms)
        self._buffer: list[Event] | None = None
        self._buffer_full = False
        self._unknown: dict[str, dict[int, LogEvent]] = {}
        self._unknown_since_s: dict[str, float] = {}

    @property
    def personal_seq(self) -> int:
        """Up to where the person's own state is known."""
        return self.personal.seq

    def conversations(self) -> list[Conversation]:
        """All conversations as they are now, latest activity first."""
        found = [room.snapshot(self.user_id) for room in self.rooms.values()]
        found.sort(key=lambda row: (row.last_activity_at, row.id), reverse=True)
        return found

    def baseline(self, me: Me, conversations: Iterable[Conversation]) -> list[Update]:
        """Begin with a snapshot, dropping everything known before.

        `me` must have been read before `conversations` and after the connection began
        to receive, so that nothing falls between.
        """
        self.user_id, self.epoch = me.person.id, me.epoch
        self.rooms.clear()
        self._unknown.clear()
        self._unknown_since_s.clear()
        self.personal.begin(me.personal_seq, me.preferences)
        for facts in conversations:
            self.rooms[facts.id] = Room(facts, facts.head_seq)
        return [Reset()]

    def begin(self) -> None:
        """A connection is new: from here on live events wait."""
        self._buffer = []
        self._buffer_full = False

    def finish(self, now_s: float) -> list[Update]:
        """Caught up: apply what waited.

        If more came than could wait, the replica is still not whole; `lost_events`
        was true then, and the owner catches up once more.
        """
        waiting, self._buffer = self._buffer or [], None
        return [update for event in waiting for update in self.offer(event, now_s)]

    @property
    def lost_events(self) -> bool:
        """Whether live events were dropped since `begin`."""
        return self._buffer_full

    def offer(self, event: Event, now_s: float) -> list[Update]:
        """Take a live event; what it changed, in order.

        `now_s` is any clock that does not go back, in seconds.
        """
        if isinstance(event, Hint):
            return [event]
        if self._buffer is not None:
            self._wait(event)
            return []
        if isinstance(event, PersonalEvent):
            return self._personal([event], now_s)
        return self._logged(event, now_s)

    def requests(self, conversation_ids: Iterable[str] | None = None) -> list[Sync]:
        """The `Sync` calls for these conversations, or for everything.

        Newest conversations first, 500 a call, and at least one call for the person's
        own state.
        """
        if conversation_ids is None:
            wanted = sorted(
                (item for item in self.rooms.items() if item[1].wants_sync),
                key=lambda item: item[1].facts.last_activity_at,
                reverse=True,
            )
        else:
            wanted = [(name, self.rooms[name]) for name in conversation_ids]
        cursors = [(name, room.cursor) for name, room in wanted]
        return [
            Sync(
                cursors=dict(cursors[at : at + SYNC_CURSORS_MAX]),
                personal_seq=self.personal_seq,
            )
            for at in range(0, max(len(cursors), 1), SYNC_CURSORS_MAX)
        ]

    def again(self, request: Sync) -> Sync:
        """The same request from where this replica is now."""
        # Of a guest's visit that is over nothing is left to ask for.
        here = [name for name in request.cursors if name in self.rooms]
        cursors = {name: self.rooms[name].cursor for name in here}
        return Sync(cursors=cursors, personal_seq=self.personal_seq)

    def absorb(self, synced: Synced, now_s: float) -> list[Update]:
        """Apply an answer to one of `requests`; what it changed, in order.

        Its epoch must be this replica's: another one means that the server's history
        is another, and only a new `baseline` helps.
        """
        updates = self._personal(synced.personal, now_s)
        self.personal.seq = max(self.personal.seq, synced.personal_seq)
        for row in synced.conversations:
            room = self.rooms.get(row.conversation_id)
            if room is None:
                continue
            if row.too_long:
                room.forget(row.head_seq)
                updates.append(Reset(row.conversation_id))
            updates += room.take_synced(
                row.events, row.head_seq, complete=not synced.more
            )
            room.gap_since_s = None
            self._note_gap(room, now_s)
        return updates

    def adopt(self, facts: Conversation, now_s: float) -> list[Update]:
        """Take a conversation that was asked for: unknown, stale, or just loaded."""
        room = self.rooms.get(facts.id)
        if room is not None:
            room.take_snapshot(facts)
            return []
        held = self._unknown.pop(facts.id, {})
        self._unknown_since_s.pop(facts.id, None)
        room = self.rooms[facts.id] = Room(
            facts, min(held, default=facts.head_seq + 1) - 1
        )
        return [
            row for event in held.values() for row in self._take(room, event, now_s)
        ]

    def load(self, conversation_id: str, page: MessagePage) -> None:
        """Add a page of history."""
        self.rooms[conversation_id].take_page(page)

    def overdue(self, now_s: float) -> Overdue:
        """What has been missing for too long."""
        # Compared as `due_s` says it: by the rounding of floats alone, something could
        # be due and not overdue, and be asked for again and again at one instant.
        return Overdue(
            tuple(
                name
                for name, room in self.rooms.items()
                if room.gap_since_s is not None and room.gap_since_s + HOLD_S <= now_s
            ),
            tuple(
                name
                for name, since_s in self._unknown_since_s.items()
                if since_s + HOLD_S <= now_s
            )
            + tuple(name for name, room in self.rooms.items() if room.stale),
        )

    def due_s(self) -> float | None:
        """When `overdue` will next have something to say, None for never."""
        if any(room.stale for room in self.rooms.values()):
            return 0.0
        since = [room.gap_since_s for room in self.rooms.values()]
        known = [value for value in since if value is not None]
        known += self._unknown_since_s.values()
        return min(known) + HOLD_S if known else None

    def give_up(self, conversation_id: str) -> None:
        """The server knows no such conversation, or not for this person."""
        self._unknown.pop(conversation_id, None)
        self._unknown_since_s.pop(conversation_id, None)
        room = self.rooms.get(conversation_id)
        if room is not None:
            room.stale = False
            room.gap_since_s = None

    def _wait(self, event: Event) -> None:
        if self._buffer is not None and len(self._buffer) < BUFFER_MAX:
            self._buffer.append(event)
        else:
            self._buffer_full = True

    def _logged(self, event: LogEvent, now_s: float) -> list[Update]:
        room = self.rooms.get(event.conversation_id)
        if room is not None:
            return self._take(room, event, now_s)
        if (
            len(self._unknown) < UNKNOWN_ROOMS_MAX
            or event.conversation_id in self._unknown
        ):
            held = self._unknown.setdefault(event.conversation_id, {})
            if len(held) < HELD_MAX:
                held[event.seq] = event
            self._unknown_since_s.setdefault(event.conversation_id, now_s)
        return []

    def _take(self, room: Room, event: LogEvent, now_s: float) -> list[Update]:
        applied: list[Update] = list(room.take(event))
        self._note_gap(room, now_s)
        return applied

    def _personal(
        self, changes: Sequence[PersonalEvent | PersonalRow], now_s: float
    ) -> list[Update]:
        updates: list[Update] = []
        for change in changes:
            if not self.personal.take(change):
                continue
            updates.append(change)
            if isinstance(change, Membership) and change.too_long:
                updates.append(Reset(subject(change)))
            room = self.rooms.get(subject(change))
            if room is None:
                continue
            for event in self._unknown.pop(room.facts.id, {}).values():
                updates += self._take(room, event, now_s)
            self._unknown_since_s.pop(room.facts.id, None)
            self._note_gap(room, now_s)
            if isinstance(change, ConversationJoined) and room.gap_since_s is not None:
                room.gap_since_s = now_s - HOLD_S + JOIN_HOLD_S
        return updates

    def _note_gap(self, room: Room, now_s: float) -> None:
        if room.cursor >= room.head or not room.wants_sync:
            room.gap_since_s = None
        elif room.gap_since_s is None:
            room.gap_since_s = now_s
