"""What no announcement told: the heads in the store, compared with what is known here.

Asked every other second, and at once when the bus is in doubt. One at a time: it is one
indexed query, and what it finds missing goes the way that an announcement would go, so
events are still delivered once, in order, and read once per process.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from chatd import metrics
from chatd.actions.basis.facts import Facts
from chatd.domain.announcements import PersonalMoved
from chatd.errors import Refused
from chatd.hub.fanout import Fanout
from chatd.hub.personal import PersonalEvents
from chatd.hub.rooms import Presence, Rooms
from chatd.store.upkeep.heads import Heads
from chatd.telemetry import log, spawn

CHECK_S: Final = 2.0
"""Between checks without a doubt: with a read, what is lost comes within 5 s."""

SOONEST_S: Final = 0.2
"""Between checks in the worst of doubts: of thousands who connect, each raises one."""

GRACE_S: Final = 0.1
"""What was committed a moment ago is on its way: time for a hint to overtake us."""

ReadHeads = Callable[[int], Awaitable[Heads]]
Recheck = Callable[[Presence], Awaitable[None]]
"""Close those connections of somebody that may not stay. Raises `Refused` when the
store does not answer."""


class HeadChecks:
    """The checks of this process."""

    def __init__(
        self,
        rooms: Rooms,
        fanout: Fanout,
        personal: PersonalEvents,
        facts: Facts,
        *,
        read: ReadHeads,
        recheck: Recheck,
    ) -> None:
        self._rooms = rooms
        self._fanout = fanout
        self._personal = personal
        self._facts = facts
        self._read = read
        self._recheck = recheck
        self._mark = 0
        self._doubtful = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Check from now on."""
        spawn(self._tasks, self._keep_checking(), "head checks")

    def doubt(self, why: str) -> None:
        """Announcements may have been lost. Never waits."""
        if why != "subscribed":
            # Nobody can say which fact has moved meanwhile.
            self._facts.clear()
        self._doubtful.set()

    async def stop(self) -> None:
        """End all work."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_checking(self) -> None:
        while True:
            self._doubtful.clear()
            try:
                await self.check()
            except Refused as refusal:
                log.warning("head check waits for the store", code=refusal.code)
            except Exception:  # noqa: BLE001 - it must be there when all else fails
                log.exception("head check failed")
            await asyncio.sleep(SOONEST_S)
            try:
                async with asyncio.timeout(CHECK_S - SOONEST_S):
                    await self._doubtful.wait()
            except TimeoutError:
                pass

    async def check(self) -> None:
        """Compare once.

        Raises:
            Refused: the store does not answer; the next check finds what this missed.
        """
        heads = await self._read(self._mark)
        await asyncio.sleep(GRACE_S)
        for tenant, _version in heads.tenants:
            self._facts.drop(tenant, "tenant", tenant)
        for tenant, id_, seq, version in heads.conversations:
            self._facts.seen(tenant, "conversation", id_, version)
            self._compare_room((tenant, id_), seq)
        for tenant, id_, seq, version in heads.people:
            self._facts.seen(tenant, "person", id_, version)
            await self._compare_person((tenant, id_), seq, version)
        self._mark = heads.mark

    def _compare_room(self, key: tuple[str, str], seq: int) -> None:
        room = self._rooms.rooms.get(key)
        if room is None:
            self._rooms.miss(key, seq)
        elif seq > max(room.last, *room.pending, 0):
            metrics.GAP_FILLS.labels("head_check").inc()
            room.note(seq, None)
            self._fanout.advance(room)

    async def _compare_person(
        self, key: tuple[str, str], seq: int, version: int
    ) -> None:
        presence = self._rooms.people.get(key)
        if presence is None:
            return
        if seq > max(presence.personal_seq, presence.personal_target):
            if presence.conversations is not None:
                metrics.GAP_FILLS.labels("head_check").inc()
            self._personal.offer(PersonalMoved(*key, seq))
        if presence.version != version:
            await self._recheck(presence)
            presence.version = version
