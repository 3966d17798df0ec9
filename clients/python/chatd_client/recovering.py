"""Keeping a replica whole: what to ask the server, in which order, and for how long.

The replica knows what is missing; this module asks for it. `ask` performs one call on
the connection of the moment, and `Work` ends with that connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from chatd_client.errors import Refused
from chatd_client.replica import Replica, Update
from chatd_client.signalr import ConnectionLost
from chatd_protocol.chat.base import PAGE_MAX, Request, Shape
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.requests import (
    GetConversation,
    GetMe,
    ListConversations,
    Sync,
)
from chatd_protocol.chat.results import ConversationPage, Me, Synced

PAUSE_S: Final = 1.0
"""Between attempts while the server is too busy to answer."""

T = TypeVar("T", bound=Shape)
Ask = Callable[[Request], Awaitable[Shape]]
Emit = Callable[[Sequence[Update]], None]


@dataclass(frozen=True, slots=True)
class Recovery:
    """One connection's work on the replica."""

    replica: Replica
    ask: Ask
    emit: Emit
    offered: asyncio.Event  # set whenever a live event was offered

    async def catch_up(self) -> None:
        """Bring the replica from where it was to now; `begin` was called before.

        Raises what `ask` raises.
        """
        if not self.replica.epoch or not await self._sync_all():
            await self._begin_anew()
        self.emit(self.replica.finish(_now_s()))

    async def mend(self) -> None:
        """Ask for what has been missing for too long, for ever.

        Raises what `ask` raises, except refusals, which are waited out.
        """
        while True:
            due_s = self.replica.due_s()
            self.offered.clear()
            try:
                timeout_s = None if due_s is None else max(due_s - _now_s(), 0.0)
                async with asyncio.timeout(timeout_s):
                    await self.offered.wait()
            except TimeoutError:
                try:
                    await self._mend_once()
                except Refused:
                    await asyncio.sleep(PAUSE_S)

    async def _mend_once(self) -> None:
        overdue = self.replica.overdue(_now_s())
        for name in overdue.unknown:
            try:
                facts = await self._asked(
                    GetConversation(conversation_id=name), Conversation
                )
            except Refused as refusal:
                if refusal.retry == "later":
                    raise
                self.replica.give_up(name)
            else:
                self.emit(self.replica.adopt(facts, _now_s()))
        if overdue.behind and not await self._sync(overdue.behind):
            self.replica.begin()
            await self._begin_anew()
            self.emit(self.replica.finish(_now_s()))

    async def _begin_anew(self) -> None:
        while True:
            await self._baseline()
            if not self.replica.lost_events:
                return
            self.replica.begin()
            if await self._sync_all():
                return

    async def _sync_all(self) -> bool:
        """False when the server's history is another one now."""
        while await self._sync(None):
            if not self.replica.lost_events:
                return True
            self.replica.begin()
        return False

    async def _sync(self, conversation_ids: Sequence[str] | None) -> bool:
        for request in self.replica.requests(conversation_ids):
            asked: Sync | None = None
            while True:
                request = self.replica.again(request)
                if request == asked:
                    raise ConnectionLost("The server's answers lead nowhere.")
                synced = await self._asked(request, Synced)
                if synced.epoch != self.replica.epoch:
                    return False
                self.emit(self.replica.absorb(synced, _now_s()))
                if not synced.more:
                    break
                asked = request
        return True

    async def _baseline(self) -> None:
        """Begin anew, the own position first: nothing falls between."""
        me = await self._asked(GetMe(), Me)
        found: dict[str, Conversation] = {}
        for which in ("all", "archived"):
            cursor: str | None = None
            while True:
                page = await self._asked(
                    ListConversations(filter=which, cursor=cursor, limit=PAGE_MAX),
                    ConversationPage,
                )
                found.update((row.id, row) for row in page.conversations)
                cursor = page.next
                if cursor is None:
                    break
        self.emit(self.replica.baseline(me, found.values()))

    async def _asked(self, request: Request, answer: type[T]) -> T:
        result = await self.ask(request)
        if not isinstance(result, answer):
            raise TypeError(f"{type(request).__name__} answers no {answer.__name__}")
        return result


def _now_s() -> float:
    return asyncio.get_running_loop().time()
