"""What is done behind: bytes and uploads nobody needs deleted, the index completed.

Woken by removals, so that what was removed is gone from the disk within a moment; and
every minute, for what was missed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from chatd.actions.basis.context import Context
from chatd.actions.content.attachments import SMALL
from chatd.domain.announcements import Announcement, Logged
from chatd.errors import Refused
from chatd.files.depot import Depot
from chatd.store.change import Change, Write
from chatd.store.content import attachments, search
from chatd.store.content.attachments import DropAttachments, ForgetBlobs
from chatd.store.content.search import IndexBacklog
from chatd.telemetry import log, spawn

UNCLAIMED_MS: Final = 24 * 3_600_000
"""How long an upload waits to be sent: a draft that is older starts anew."""

EVERY_S: Final = 60.0
AT_ONCE: Final = 100

_WAKING: Final = frozenset({"message.removed", "message.edited"})


class Sweeper:
    """One of these runs in every process; deleting twice does no harm."""

    def __init__(self, context: Context, depot: Depot) -> None:
        self._context = context
        self._depot = depot
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to sweep; needs a running loop."""
        spawn(self._tasks, self._run(), "sweeper")

    async def stop(self) -> None:
        """Stop; what was not done is done after the next start."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def listen(self, announcements: Sequence[Announcement]) -> None:
        """Look soon if there was a removal. Never waits."""
        for one in announcements:
            if isinstance(one, Logged) and one.kind in _WAKING:
                self._wake.set()

    async def sweep(self) -> int:
        """Delete whatever is due and return how many blobs were."""
        now_ms = self._context.clock.now_ms()
        read = self._context.store.read
        old = await read(attachments.unclaimed, now_ms - UNCLAIMED_MS, AT_ONCE)
        for tenant, ids in _by_tenant(old).items():
            await self._commit(tenant, DropAttachments(ids))
        while late := await read(search.backlog, AT_ONCE):
            for tenant, ids in _by_tenant(late).items():
                await self._commit(tenant, IndexBacklog(ids))
        deleted = 0
        while due := await read(attachments.doomed, now_ms, AT_ONCE):
            for tenant, blobs in _by_tenant(due).items():
                for blob in blobs:
                    await self._depot.delete(blob)
                    await self._depot.delete(blob + SMALL)
                await self._commit(tenant, ForgetBlobs(blobs))
            deleted += len(due)
        return deleted

    async def _commit(self, tenant: str, write: Write) -> None:
        now_ms = self._context.clock.now_ms()
        await self._context.store.commit(Change(tenant, now_ms, (write,)))

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.sweep()
            except Refused as refused:
                log.warning("sweeping failed", code=refused.code)
            except Exception:  # noqa: BLE001 - one bad file must not end all sweeping
                log.exception("sweeping failed")
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                continue


def _by_tenant(pairs: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for tenant, id_ in pairs:
        grouped[tenant].append(id_)
    return {tenant: tuple(ids) for tenant, ids in grouped.items()}
