"""Real connections without a network, and a log in memory that the hub reads.

What a connection would put on its socket is kept by a pipe and can be looked at; the
log can be told to keep its readers waiting, or to fail.
"""

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from chatd.bus.local import LocalBus
from chatd.clock import SystemClock
from chatd.domain.announcements import Logged
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.hub.fanout import Fanout
from chatd.hub.rooms import Key, Presence, Rooms
from chatd.identity.claims import Identity
from chatd.signalr.connections.connection import Connection
from chatd.signalr.hub import Hub
from chatd.signalr.registry import HubContext
from chatd.signalr.requests import Handshake
from chatd.signalr.ticks import Flusher, Wheel
from chatd_protocol.chat.events import (
    ConversationCreated,
    LogEvent,
    MessageCreated,
    MessageEdited,
    ParticipantsAdded,
    ParticipantsRemoved,
)
from chatd_protocol.chat.objects import ConversationFacts, Message, PersonName
from tests.support.waiting import wait_until

TENANT = "school"
ROOM: Key = (TENANT, "c1")
AT = "2026-11-21T09:30:00.000Z"
ANNA = PersonName(id="anna", name="Anna")
RETRY_S = 0.01


class KeptPipe:
    """A transport that keeps what was written."""

    transport = "kept"
    framed = False
    text_only = False
    writable = True
    close_code: Final = None

    def __init__(self) -> None:
        self.messages: list[dict] = []

    def write(self, data: bytes) -> None:
        found = [json.loads(record) for record in data.split(b"\x1e") if record]
        self.messages += [one for one in found if one["type"] != 6]

    def write_handshake(self, data: bytes, *, binary: bool) -> None:
        pass

    def close(self) -> None:
        pass

    abort = pause_reading = resume_reading = close


class Ear:
    """One connection of somebody, and what it heard."""

    def __init__(self, stage: "Stage", user_id: str, query: dict[str, str]) -> None:
        self.user_id = user_id
        self.key = (TENANT, user_id)
        self.pipe = KeptPipe()
        now_ms = stage.clock.now_ms()
        identity = Identity(Caller(TENANT, user_id), True, now_ms, now_ms + 3_600_000)
        handshake = Handshake(path="/hub", headers={}, query=query)
        self.connection: Connection = stage.hub.open(identity, handshake)
        self.connection.attach(self.pipe)
        self.connection.receive(b'{"protocol":"json","version":1}\x1e')

    @property
    def targets(self) -> list[str]:
        return [one["target"] for one in self.pipe.messages if one["type"] == 1]

    @property
    def events(self) -> list[dict]:
        return [one["arguments"][0] for one in self.pipe.messages if one["type"] == 1]

    @property
    def seqs(self) -> list[int]:
        return [event["seq"] for event in self.events]

    @property
    def closing(self) -> dict | None:
        return next((one for one in self.pipe.messages if one["type"] == 7), None)


@dataclass
class Book:
    """The log of one conversation. `gate`, when there is one, keeps readers waiting."""

    events: dict[int, LogEvent] = field(default_factory=dict)
    moves: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = field(
        default_factory=dict
    )
    blind: dict[int, tuple[str, ...]] = field(default_factory=dict)
    reads: list[tuple[int, int]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    gate: asyncio.Event | None = None
    waiting: int = 0

    async def read_events(
        self, tenant: str, conversation_id: str, after: int, until: int
    ) -> Sequence[LogEvent]:
        assert (tenant, conversation_id) == ROOM
        self.reads.append((after, until))
        found = [
            self.events[s] for s in range(after + 1, until + 1) if s in self.events
        ]
        await self._obstacles()
        return found

    async def read_members(
        self, tenant: str, conversation_id: str, seq: int
    ) -> tuple[Sequence[str], Sequence[str]]:
        assert (tenant, conversation_id) == ROOM
        await self._obstacles()
        return self.moves[seq]

    async def read_blind(
        self, tenant: str, conversation_id: str, seq: int
    ) -> Collection[str]:
        assert (tenant, conversation_id) == ROOM
        await self._obstacles()
        return self.blind.get(seq, ())

    async def _obstacles(self) -> None:
        if self.gate is not None:
            self.waiting += 1
            await self.gate.wait()
            self.waiting -= 1
        if self.failures:
            raise self.failures.pop(0)


class Stage:
    """Rooms, their fan-out and a book, with as many ears as a test wants."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.book = Book()
        self.rooms = Rooms(LocalBus())
        self.fanout = Fanout(
            self.rooms,
            self.book.read_events,
            self.book.read_members,
            self.book.read_blind,
            RETRY_S,
        )
        self._wheel = Wheel(self.clock)
        self.hub = HubContext("/hub", Hub({}), self._wheel, Flusher())

    async def stop(self) -> None:
        await self.fanout.stop()
        await self.hub.finish()
        self._wheel.stop()

    def ear(self, user_id: str, **query: str) -> Ear:
        return Ear(self, user_id, query)

    def loading(self, *ears: Ear) -> Presence:
        """Somebody whose memberships are being read."""
        presence = Presence(ears[0].key)
        for ear in ears:
            presence.connections.add(ear.connection)
        self.rooms.load_begins(presence)
        return presence

    def loaded(self, presence: Presence, *memberships: tuple[str, int, int]) -> None:
        for room in self.rooms.load_ends(presence, 0, memberships):
            self.fanout.advance(room)

    def seat(self, user_id: str, head: int, **query: str) -> Ear:
        """A member of the conversation who is told everything after `head`."""
        ear = self.ear(user_id, **query)
        self.loaded(self.loading(ear), (ROOM[1], 1, head))
        return ear

    def write(self, *events: LogEvent) -> None:
        """Into the log only."""
        self.book.events |= {event.seq: event for event in events}

    def moved(
        self, seq: int, joined: tuple[str, ...] = (), left: tuple[str, ...] = ()
    ) -> LogEvent:
        """Writes a change of the members."""
        self.book.moves[seq] = (joined, left)
        event = added(seq) if joined else gone(seq)
        self.write(event)
        return event

    def tell(self, *events: LogEvent, bare: bool = False) -> None:
        """Into the log, and announced; `bare` without the event itself."""
        self.write(*events)
        for event in events:
            kind = str(type(event).__struct_config__.tag)
            self.fanout.offer(Logged(*ROOM, event.seq, kind, None if bare else event))

    async def heard(self, ear: Ear, *seqs: int) -> None:
        """Waits until the ear has heard just this."""
        await wait_until(lambda: len(ear.seqs) >= len(seqs), what=f"{seqs}")
        assert ear.seqs == list(seqs)

    async def quiet(self) -> None:
        """Waits until the fan-out has nothing to do and everything is written."""
        rooms = self.rooms.rooms
        await wait_until(lambda: not any(one.pumping for one in rooms.values()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def said(seq: int, text: str = "hello") -> MessageCreated:
    message = Message(
        id=f"m{seq}",
        conversation_id=ROOM[1],
        seq=seq,
        kind="text",
        author=ANNA,
        created_at=AT,
        text=text,
    )
    return MessageCreated(conversation_id=ROOM[1], seq=seq, at=AT, message=message)


def edited(seq: int, of: int) -> MessageEdited:
    """Another text of the message at the position `of`."""
    message = msgspec.structs.replace(said(of).message, text="other words")
    return MessageEdited(
        conversation_id=ROOM[1], seq=seq, at=AT, actor=ANNA, message=message
    )


def added(seq: int) -> ParticipantsAdded:
    return ParticipantsAdded(
        conversation_id=ROOM[1],
        seq=seq,
        at=AT,
        participants=(),
        count=1,
        participant_count=3,
    )


def gone(seq: int) -> ParticipantsRemoved:
    return ParticipantsRemoved(
        conversation_id=ROOM[1],
        seq=seq,
        at=AT,
        user_ids=(),
        count=1,
        participant_count=3,
    )


def created() -> ConversationCreated:
    facts = ConversationFacts(
        id=ROOM[1],
        kind="group",
        title="Physics",
        state="open",
        participant_count=2,
        head_seq=1,
        created_at=AT,
        last_activity_at=AT,
    )
    return ConversationCreated(
        conversation_id=ROOM[1], seq=1, at=AT, conversation=facts
    )


def unavailable() -> Refused:
    return Refused("storage_unavailable")
