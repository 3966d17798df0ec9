"""`WatchEvents`: every event of a tenant from a cursor on, for embedding applications.

The log in the store is what is streamed; an announcement only ends the waiting.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from chatd.actions import recovery
from chatd.actions.basis.context import Context
from chatd.domain.people import Caller
from chatd_protocol.chat.requests import WatchEvents
from chatd_protocol.chat.results import WatchedEvent

LOOK_AGAIN_S: Final = 2.0
"""Between looks when nothing is announced: a lost hint costs no more than this."""

BATCH: Final = 200
"""Events read at a time."""


class Watchers:
    """The streams of this process, by tenant."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._over = False

    def wake(self, tenant: str) -> None:
        """Something was committed for this tenant."""
        for news in self._waiting.get(tenant, ()):
            news.set()

    def stop(self) -> None:
        """End all streams: whoever reads comes again with the last cursor."""
        self._over = True
        for tenant in tuple(self._waiting):
            self.wake(tenant)

    async def batches(
        self, context: Context, caller: Caller, request: WatchEvents
    ) -> AsyncIterator[Sequence[WatchedEvent]]:
        """The events after the request's cursor, and those to come, as they are read.

        An empty batch comes when there was nothing for a while: the reader may want to
        show that it is there.

        Raises:
            Refused: `forbidden` without the scope `events`, or an invalid cursor.
        """
        news = asyncio.Event()
        waiting = self._waiting.setdefault(caller.tenant, set())
        waiting.add(news)
        cursor = request.cursor
        clock = context.clock
        quiet_until_s = 0.0
        try:
            while not self._over:
                news.clear()
                batch = await recovery.tenant_events(context, caller, cursor, BATCH)
                # What woke us may be nothing that is told: not even that is shown.
                if batch or clock.monotonic() >= quiet_until_s:
                    quiet_until_s = clock.monotonic() + LOOK_AGAIN_S
                    yield batch
                if batch:
                    cursor = batch[-1].cursor
                else:
                    await _wait(news, quiet_until_s - clock.monotonic())
        finally:
            waiting.discard(news)
            if not waiting:
                self._waiting.pop(caller.tenant, None)


async def _wait(news: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await news.wait()
    except TimeoutError:
        pass
