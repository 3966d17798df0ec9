"""Who is connected, as told to those who watch them (`WatchPresence`).

A person is online who has a connection at any gateway. Coming is told at once, going
after a moment, so that a page that is loaded again goes unnoticed. All of it is a hint;
what was lost, or never said because a gateway was killed, is found by asking the leases
again after a while.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

from chatd.bus.interface import Bus
from chatd.clock import Clock, rfc3339
from chatd.domain.announcements import PresenceMoved
from chatd.hub.parcels import Audience
from chatd.hub.rooms import Key, Rooms
from chatd.signalr.connections.connection import Connection
from chatd.telemetry import log, spawn
from chatd_protocol.chat.events import PresenceChanged

GRACE_S: Final = 5.0
"""Between the end of the last connection and the word of it."""

ASK_S: Final = 10.0
"""Between looks at the leases of those who are watched here."""

TICK_S: Final = 1.0
ASKED_AT_ONCE: Final = 500

_KEY: Final = "watched"


class _Watched:
    """One person, who watches, and what they were told (None: nothing yet)."""

    __slots__ = ("audience", "online")

    def __init__(self) -> None:
        self.audience = Audience()
        self.online: bool | None = None


class Online:
    """The watchers of this process, and the goings of its people."""

    def __init__(self, rooms: Rooms, bus: Bus, clock: Clock) -> None:
        self._rooms = rooms
        self._bus = bus
        self._clock = clock
        self._watched: dict[Key, _Watched] = {}
        self._going: dict[Key, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def watch(
        self, connection: Connection, people: Sequence[Key]
    ) -> dict[Key, bool]:
        """Tell this connection of these people from now on, and of nobody else.

        Returns:
            Who of them is online now.
        """
        self.forget(connection)
        connection.items[_KEY] = tuple(people)
        for person in people:
            watched = self._watched.get(person)
            if watched is None:
                watched = self._watched[person] = _Watched()
                self._bus.follow("presence", *person)
            watched.audience.add(connection)
        now = await self._ask(people)
        if connection.closed:
            self.forget(connection)
        return {
            person: self._settle(person, online=now.get(person, False))
            for person in people
        }

    def forget(self, connection: Connection) -> None:
        """Tell this connection of nobody."""
        people = connection.items.pop(_KEY, ())
        for person in people if isinstance(people, tuple) else ():
            watched = self._watched.get(person)
            if watched is None:
                continue
            watched.audience.discard(connection)
            if not watched.audience:
                del self._watched[person]
                self._bus.unfollow("presence", *person)

    def came(self, person: Key) -> None:
        """Somebody's first connection here."""
        if self._going.pop(person, None) is None:
            self._bus.publish([PresenceMoved(*person, online=True)])

    def went(self, person: Key) -> None:
        """Somebody's last connection here has ended."""
        self._going[person] = self._clock.monotonic() + GRACE_S

    def take(self, moved: PresenceMoved) -> None:
        """A word of it, from here or from another gateway."""
        person = (moved.tenant, moved.user_id)
        if moved.online or person not in self._rooms.people:
            self._note(person, online=moved.online)

    def start(self) -> None:
        """Look after those who went and those who are watched, from now on."""
        spawn(self._tasks, self._every(TICK_S, self._tell_goings), "goings")
        spawn(self._tasks, self._every(ASK_S, self._ask_again), "presence")

    async def stop(self) -> None:
        """End all work."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --------------------------------------------------------------------- inside

    def _settle(self, person: Key, *, online: bool) -> bool:
        """What to answer to who begins to watch; others are told if it is news."""
        watched = self._watched.get(person)
        if watched is not None and watched.online is None:
            watched.online = online
        self._note(person, online=online)
        return online

    def _note(self, person: Key, *, online: bool) -> None:
        watched = self._watched.get(person)
        if watched is None or watched.online == online:
            return
        watched.online = online
        at = rfc3339(self._clock.now_ms())
        watched.audience.send(PresenceChanged(at=at, user_id=person[1], online=online))

    async def _ask(self, people: Collection[Key]) -> dict[Key, bool]:
        """Who is online; those of whom nobody can say are left out."""
        here = {one for one in people if one in self._rooms.people}
        elsewhere = await self._bus.leases.elsewhere(
            [one for one in people if one not in here]
        )
        found = {person: count > 0 for person, count in elsewhere.items()}
        return found | dict.fromkeys(here, True)

    async def _tell_goings(self) -> None:
        now_s = self._clock.monotonic()
        due = [person for person, at_s in self._going.items() if at_s <= now_s]
        for person in due:
            del self._going[person]
        if not due:
            return
        there = await self._ask(due)
        self._bus.publish(
            [
                PresenceMoved(*one, online=False)
                for one in due
                # Who has come back while the others were asked was told of already.
                if not there.get(one) and one not in self._rooms.people
            ]
        )

    async def _ask_again(self) -> None:
        people = tuple(self._watched)
        for start in range(0, len(people), ASKED_AT_ONCE):
            now = await self._ask(people[start : start + ASKED_AT_ONCE])
            for person, online in now.items():
                self._note(person, online=online)

    async def _every(self, pause_s: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(pause_s)
            try:
                await work()
            except Exception:  # noqa: BLE001 - a hint less must not end all hints
                log.exception("presence failed")
