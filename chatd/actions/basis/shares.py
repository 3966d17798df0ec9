"""How much of a process one tenant may have at a time, however busy it is.

Everybody shares the threads and connections of the store. Without a bound the deeds of
one tenant would fill every queue on the way, and the others would wait behind all of
them; so the rest of its deeds wait in a line of its own.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from chatd.errors import Refused

AT_ONCE: Final = 256
"""As many as the store commits together: one tenant alone loses nothing by it, and
another one's deed has no more than one such batch before it."""

WAITING: Final = 4_000
"""Deeds in a tenant's line; at some thousand a second it moves up within seconds."""


class _Share:
    """What one tenant has under way and in line."""

    __slots__ = ("busy", "line")

    def __init__(self) -> None:
        self.busy = 0
        self.line: deque[asyncio.Future[None]] = deque()


class Shares:
    """The tenants that have something to do just now."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._at_once = at_once
        self._waiting = waiting
        self._shares: dict[str, _Share] = {}

    def __len__(self) -> int:
        return len(self._shares)

    @asynccontextmanager
    async def one_of(self, tenant: str) -> AsyncIterator[None]:
        """A deed of this tenant, when it is its turn.

        Raises:
            Refused: `overloaded`, when too many of its deeds wait already.
        """
        share = self._shares.get(tenant)
        if share is None:
            share = self._shares[tenant] = _Share()
        if share.busy < self._at_once:
            share.busy += 1
        elif len(share.line) >= self._waiting:
            raise Refused("overloaded", retryAfter=1)
        else:
            await self._wait(tenant, share)
        try:
            yield
        finally:
            self._next(tenant, share)

    async def _wait(self, tenant: str, share: _Share) -> None:
        turn = asyncio.get_running_loop().create_future()
        share.line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next(tenant, share)
            raise

    def _next(self, tenant: str, share: _Share) -> None:
        while share.line:
            turn = share.line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        share.busy -= 1
        if not share.busy:
            del self._shares[tenant]
