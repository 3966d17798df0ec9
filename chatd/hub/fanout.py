"""What was committed reaches the connections here: each event once, in order, no gap.

One serial fan-out per conversation: event N reaches everybody before N + 1 starts, and
memberships change at the event that brings them. An event in order with a small
audience is delivered at once; anything else is a task's work for as long as there is
any: an event that must be read, a gap, a large audience, a connection that enters late.

Announcements are hints: the log in the store is what is delivered, so a lost, doubled
or reordered hint costs a read and nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

from chatd import metrics
from chatd.actions.events import veiled
from chatd.clock import Clock, SystemClock
from chatd.domain.announcements import Hinted, Logged
from chatd.errors import Refused
from chatd.hub.parcels import RECIPIENTS_PER_TURN, send_to
from chatd.hub.rooms import Room, Rooms
from chatd.telemetry import log, spans, spawn
from chatd_protocol.chat.events import (
    ConversationCreated,
    LogEvent,
    MessageEdited,
    MessageRemoved,
    ParticipantsAdded,
    ParticipantsRemoved,
    TypingHint,
    UserUpdated,
)

HOLD_S: Final = 0.05
"""How long a gap may be a mere reordering before it is read from the log."""

RETRY_S: Final = 1.0
"""Between attempts to read while the store does not answer."""

FAILURES_MAX: Final = 3
"""Attempts at one event before the room goes on without it."""

PENDING_MAX: Final = 1_000
"""Events that one room keeps; beyond, it keeps the position and reads them later."""

MEMBERSHIP_EVENTS: Final = (ConversationCreated, ParticipantsAdded, ParticipantsRemoved)

JOINING: Final = frozenset({"conversation.created", "participants.added"})
"""Kinds of log rows that can bring people into a room that is not open here."""

ReadEvents = Callable[[str, str, int, int], Awaitable[Sequence[LogEvent]]]
"""Events of (tenant, conversation) with `after < seq <= until`."""

AMENDMENTS: Final = (MessageEdited, MessageRemoved)
"""Events about an earlier message, which not every member of now may see."""

ReadBlind = Callable[[str, str, int], Awaitable[Collection[str]]]
"""Members of (tenant, conversation) who may not see a position."""

ReadMembers = Callable[[str, str, int], Awaitable[tuple[Sequence[str], Sequence[str]]]]
"""Who of (tenant, conversation) joined and who left at a position."""


class Fanout:
    """Delivers the logs of conversations to the rooms of this process."""

    def __init__(
        self,
        rooms: Rooms,
        read_events: ReadEvents,
        read_members: ReadMembers,
        read_blind: ReadBlind,
        retry_s: float = RETRY_S,
        clock: Clock | None = None,
    ) -> None:
        self._rooms = rooms
        self._read_events = read_events
        self._read_members = read_members
        self._read_blind = read_blind
        self._retry_s = retry_s
        self._clock = clock or SystemClock()
        self._tasks: set[asyncio.Task[None]] = set()

    def offer(self, logged: Logged) -> None:
        """Something was committed to a log. Never waits, never raises."""
        if not self._rooms.people:
            return
        key = (logged.tenant, logged.conversation_id)
        room = self._rooms.rooms.get(key)
        event = logged.event if isinstance(logged.event, LogEvent) else None
        if room is None:
            if logged.kind not in JOINING:
                self._rooms.miss(key, logged.seq)
                return
            # It may make people who are connected here members.
            room = self._rooms.open(key, logged.seq - 1)
        if event is not None and len(room.pending) >= PENDING_MAX:
            event = None
        room.note(logged.seq, event)
        if room.behind_since_s is None:
            room.behind_since_s = self._clock.monotonic()
        if logged.origin is not None:
            room.origin = logged.origin
        self.advance(room)

    def hint(self, hinted: Hinted) -> None:
        """Tell the others of something that may be lost. Never waits."""
        room = self._rooms.rooms.get((hinted.tenant, hinted.conversation_id))
        event = hinted.event
        if room is None or not isinstance(event, TypingHint | UserUpdated):
            return
        others, _ = room.audience.parted((hinted.actor_id,))
        if len(others) <= RECIPIENTS_PER_TURN:
            others.send(event)
        else:
            spawn(self._tasks, others.send_in_turns(event), f"hint {room.key[1]}")

    def advance(self, room: Room) -> None:
        """Deliver what can be delivered at once, and have a task do the rest."""
        if room.pumping:
            return
        while (
            (event := room.pending.get(room.last + 1)) is not None
            and not room.entering
            and not isinstance(event, (*MEMBERSHIP_EVENTS, *AMENDMENTS))
            and len(room.audience) <= RECIPIENTS_PER_TURN
        ):
            try:
                room.audience.send(event)
            except Exception:  # noqa: BLE001 - the task tries again, then gives it up
                log.exception("fan-out failed", **_about(room))
                break
            room.last += 1
            del room.pending[room.last]
        if room.pending or room.entering:
            room.pumping = True
            spawn(self._tasks, self._pump(room), f"fan-out {room.key[1]}")
        else:
            self._caught_up(room)
            self._rooms.drop_if_idle(room)

    async def stop(self) -> None:
        """End all work; what was not delivered is in the log."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pump(self, room: Room) -> None:
        failures = 0
        try:
            while room.pending or room.entering:
                try:
                    await self._step(room)
                    failures = 0
                except Refused as refusal:
                    log.warning(
                        "fan-out waits for the store", code=refusal.code, **_about(room)
                    )
                    await asyncio.sleep(self._retry_s)
                except Exception:  # noqa: BLE001 - one bad event must not stop a room
                    failures += 1
                    log.exception("fan-out failed", **_about(room))
                    await asyncio.sleep(self._retry_s)
                    if failures == FAILURES_MAX:
                        self._skip(room)
                        failures = 0
            self._caught_up(room)
        finally:
            room.pumping = False
            self._rooms.drop_if_idle(room)

    def _caught_up(self, room: Room) -> None:
        """Everything announced was handed out; the sockets are written next turn."""
        since_s, room.behind_since_s = room.behind_since_s, None
        origin, room.origin = room.origin, None
        if since_s is not None and room.audience:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._observe, since_s, origin, room.key[1])

    def _observe(self, since_s: float, origin: str | None, id_: str) -> None:
        if origin is not None:
            spans.followed(origin, "fanout.deliver", since_s)
            log.debug("delivered", conversation=id_, **spans.labels_of(origin))
        metrics.FANOUT_SECONDS.observe(self._clock.monotonic() - since_s)

    async def _step(self, room: Room) -> None:
        await self._admit(room)
        for seq in [seq for seq in room.pending if seq <= room.last]:
            del room.pending[seq]
        if not room.pending:
            return
        seq = room.last + 1
        if seq not in room.pending:
            await self._hold(room, seq)
        if (event := room.pending.get(seq)) is None:
            await self._read(room)
        else:
            await self._deliver(room, seq, event)

    @staticmethod
    def _skip(room: Room) -> None:
        """Give up what cannot be built: clients see the gap and `Sync`."""
        late = [one for one, after in room.entering.items() if after < room.last]
        for connection in late:
            del room.entering[connection]
            room.audience.add(connection)
        if not late and room.pending:
            room.last += 1
            room.pending.pop(room.last, None)

    async def _admit(self, room: Room) -> None:
        """Bring those who enter up to where the room is, and let them in."""
        for connection, after in tuple(room.entering.items()):
            if after > room.last:
                continue
            if after < room.last:
                for event in await self._read_events(*room.key, after, room.last):
                    sees = connection.user_id not in await self._blind(room, event)
                    if connection not in room.entering:
                        break  # gone again meanwhile
                    send_to(connection, veiled(event, sees=sees))
            if room.entering.pop(connection, None) is not None:
                room.audience.add(connection)

    async def _hold(self, room: Room, seq: int) -> None:
        """Give a position that others have overtaken a moment to arrive by itself."""
        room.arrived = asyncio.Event()
        try:
            async with asyncio.timeout(HOLD_S):
                while seq not in room.pending:
                    room.arrived.clear()
                    await room.arrived.wait()
        except TimeoutError:
            metrics.GAP_FILLS.labels("bus_gap").inc()
            log.info("gap read from the log", conversation=room.key[1], seq=seq)
        finally:
            room.arrived = None

    async def _read(self, room: Room) -> None:
        """Fetch what is missing next from the log, as far as it is known to reach."""
        until = room.last + 1
        known = max(room.pending)
        while until < known and room.pending.get(until + 1) is None:
            until += 1
        events = await self._read_events(*room.key, room.last, until)
        for event in events:
            room.note(event.seq, event)
        first = min((event.seq for event in events), default=until + 1)
        if first > room.last + 1:
            # Announced, yet not in the log: after a restore from a backup only.
            metrics.violated("announced_is_logged")
            log.error("announced event is not in the log", conversation=room.key[1])
            room.last = first - 1

    async def _blind(self, room: Room, event: LogEvent) -> Collection[str]:
        if not isinstance(event, AMENDMENTS):
            return ()
        return await self._read_blind(*room.key, event.message.seq)

    async def _deliver(self, room: Room, seq: int, event: LogEvent) -> None:
        left: Sequence[str] = ()
        if isinstance(event, MEMBERSHIP_EVENTS):
            joined, left = await self._read_members(*room.key, seq)
            self._rooms.joined(room, seq, joined)
        seeing, blind = room.audience.parted(await self._blind(room, event))
        await seeing.send_in_turns(event)
        await blind.send_in_turns(veiled(event, sees=False))
        room.last = seq
        room.pending.pop(seq, None)
        self._rooms.left(room, seq, left)


def _about(room: Room) -> dict[str, str]:
    return {"conversation": room.key[1], **spans.labels_of(room.origin)}
