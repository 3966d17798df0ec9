"""One person's own events, to all connections of that person, in order.

An announcement says only that a person's state moved. What moved is read from the
person's rows, by the very function that `Sync` uses: live and replayed cannot differ.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from chatd.domain.announcements import PersonalMoved
from chatd.errors import Refused
from chatd.hub.fanout import Fanout
from chatd.hub.rooms import Presence, Rooms
from chatd.telemetry import log, spans, spawn
from chatd_protocol.chat.events import (
    ConversationJoined,
    ConversationLeft,
    PersonalEvent,
)

RETRY_S: Final = 1.0
"""Between attempts to read while the store does not answer."""

FAILURES_MAX: Final = 3
"""Attempts at one reading that fails for a reason nobody knows."""

ReadPersonal = Callable[[str, str, int], Awaitable[Sequence[PersonalEvent]]]
"""Events of (tenant, user) with `personalSeq` above a position, in its order."""


class PersonalEvents:
    """Delivers personal events to the people who are connected to this process."""

    def __init__(
        self,
        rooms: Rooms,
        fanout: Fanout,
        read: ReadPersonal,
        retry_s: float = RETRY_S,
    ) -> None:
        self._rooms = rooms
        self._fanout = fanout
        self._read = read
        self._retry_s = retry_s
        self._tasks: set[asyncio.Task[None]] = set()

    def offer(self, moved: PersonalMoved) -> None:
        """A person's state moved. Never waits, never raises."""
        presence = self._rooms.people.get((moved.tenant, moved.user_id))
        if presence is None:
            return
        presence.personal_target = max(presence.personal_target, moved.personal_seq)
        if moved.origin is not None:
            presence.origin = moved.origin
        self.advance(presence)

    def advance(self, presence: Presence) -> None:
        """Deliver what is known to be there, in a task."""
        if presence.pumping or presence.conversations is None:
            return
        if presence.personal_seq < presence.personal_target:
            presence.pumping = True
            spawn(self._tasks, self._pump(presence), f"personal {presence.key[1]}")

    async def stop(self) -> None:
        """End all work; what was not delivered is in the store."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pump(self, presence: Presence) -> None:
        failures = 0
        try:
            while presence.connections and (
                presence.personal_seq < presence.personal_target
            ):
                try:
                    await self._step(presence)
                    failures = 0
                except Exception:
                    # Nothing else would bring the last event: its hint was heard.
                    failures += 1
                    if failures == FAILURES_MAX:
                        raise
                    log.exception(
                        "personal events failed", **spans.labels_of(presence.origin)
                    )
                    await asyncio.sleep(self._retry_s)
            origin, presence.origin = presence.origin, None
            if (about := spans.labels_of(origin)) and presence.connections:
                log.debug("delivered", user=presence.key[1], **about)
        finally:
            presence.pumping = False

    async def _step(self, presence: Presence) -> None:
        target = presence.personal_target
        try:
            events = await self._read(*presence.key, presence.personal_seq)
        except Refused as refusal:
            about = spans.labels_of(presence.origin)
            log.warning(
                "personal events wait for the store", code=refusal.code, **about
            )
            await asyncio.sleep(self._retry_s)
            return
        for event in events:
            try:
                presence.connections.send(event)
                self._enter(presence, event)
            except Exception:  # noqa: BLE001 - one bad event must not stop a person
                about = spans.labels_of(presence.origin)
                log.exception("personal event failed", seq=event.personal_seq, **about)
        last = events[-1].personal_seq if events else target
        presence.personal_seq = max(last, presence.personal_seq + 1)

    def _enter(self, presence: Presence, event: PersonalEvent) -> None:
        """Whoever was told of a new conversation is told what happens there."""
        if isinstance(event, ConversationJoined):
            conversation = event.conversation
            room = self._rooms.member_at(
                presence, conversation.id, conversation.head_seq
            )
            if room is not None:
                self._fanout.advance(room)
        if isinstance(event, ConversationLeft):
            self._rooms.gone_since(
                presence, event.conversation_id or "", event.left_seq
            )
