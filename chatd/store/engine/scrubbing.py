"""What was removed leaves SQLite's log soon, also while the server runs.

`secure_delete` overwrites removed content in the pages of the database. But the pages
as they were before stand in the write-ahead log, until a checkpoint moves all of it
into the database and cuts it to nothing; by itself SQLite does the one only now and
then and the other never.

A checkpoint waits for nobody for long: somebody who reads is tried again later. Its
work is done in a thread of its own before writers are kept out for the last step.
"""

import asyncio
from pathlib import Path
from typing import Final

import apsw

from chatd import metrics
from chatd.clock import Clock
from chatd.store.change import Change
from chatd.store.content.attachments import DropAttachments
from chatd.store.keeping.erasing import ErasePerson
from chatd.store.keeping.vault import EmptyVault
from chatd.store.messages import EditMessage, RemoveMessage
from chatd.store.saying.held import DropHeld, HoldEdit
from chatd.telemetry import log

ERASING: Final = (
    EditMessage,
    RemoveMessage,
    HoldEdit,
    DropHeld,
    DropAttachments,
    EmptyVault,
    ErasePerson,
)
"""Writes after which there is something that nobody may find any more."""

DELAY_S: Final = 20.0
"""Removals of this time share a checkpoint; a teacher who tidies up makes many."""

BUSY_MS: Final = 50
"""How long the last step may keep writers waiting for somebody who reads."""


class Scrubber:
    """Sees to it for one database file. Used on the event loop."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._waiting = 0
        self._since_s = 0.0
        self._stopped = False
        self._timer: asyncio.TimerHandle | None = None
        self._work: asyncio.Future[bool] | None = None

    def after(self, change: Change) -> None:
        """A Change is, or may be, on disk."""
        if self._stopped or not any(isinstance(one, ERASING) for one in change.writes):
            return
        if not self._waiting:
            self._since_s = self._clock.monotonic()
        self._waiting += 1
        metrics.PURGE_PENDING.inc()
        self._plan()

    async def stop(self) -> None:
        """No more; whoever closes the database cuts the log for good."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._work is not None:
            await asyncio.wait([self._work])
        metrics.PURGE_PENDING.dec(self._waiting)

    def _plan(self) -> None:
        if self._timer is None and self._work is None and not self._stopped:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(DELAY_S, self._begin)

    def _begin(self) -> None:
        self._timer = None
        count, since_s = self._waiting, self._since_s
        # What comes from now on may be behind the part that is being moved.
        self._waiting = 0
        loop = asyncio.get_running_loop()
        self._work = loop.run_in_executor(None, cut, self._path)
        self._work.add_done_callback(lambda done: self._end(done, count, since_s))

    def _end(self, done: asyncio.Future[bool], count: int, since_s: float) -> None:
        self._work = None
        if not done.cancelled() and done.result():
            metrics.PURGE_PENDING.dec(count)
            metrics.PURGE_LAG_SECONDS.observe(self._clock.monotonic() - since_s)
        else:
            self._waiting += count
            self._since_s = since_s
        if self._waiting:
            self._plan()


def cut(path: Path) -> bool:
    """Move the whole log into the database and cut it; False: somebody reads, or so."""
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            # Most of it without a lock; then what is left, with writers kept out.
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            connection.set_busy_timeout(BUSY_MS)
            found = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()
    except apsw.Error as error:
        log.warning("the log is not cut yet", sqlite=type(error).__name__)
        return False
    return bool(found[0][0] == 0)
