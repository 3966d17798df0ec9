"""Group commit: a thread that takes whatever Changes wait and commits them together.

No artificial delay: take what is queued, commit, repeat. One disk sync then serves
everybody who came meanwhile. A Change that fails undoes only itself; when the commit
itself fails nobody is answered and nothing is announced.
"""

import asyncio
import queue
import threading
from typing import Final

import apsw

from chatd import metrics
from chatd.clock import Clock
from chatd.errors import Refused
from chatd.failpoints import reach
from chatd.store.change import Change, Committed, Moved
from chatd.store.engine.answering import Listener, Outcome, Waiting, settle
from chatd.store.engine.applying import apply
from chatd.store.transaction import Transaction, drive
from chatd.telemetry import log

BATCH_MAX: Final = 256
"""Changes in one commit; beyond, the sync's share per Change no longer matters."""

QUEUE_MAX: Final = 10_000
"""Changes that may wait: about a second's work of this writer."""

_TOUCH: Final = "UPDATE meta SET value = value WHERE name = 'epoch'"

_TAKEN: Final = (
    apsw.SQLITE_CONSTRAINT_UNIQUE,
    apsw.SQLITE_CONSTRAINT_PRIMARYKEY,
)


_LAST: Final = (
    "SELECT max((SELECT coalesce(max(changed_in), 0) FROM conversation),"
    " (SELECT coalesce(max(changed_in), 0) FROM person),"
    " (SELECT coalesce(max(changed_in), 0) FROM tenant),"
    " (SELECT coalesce(max(changed_in), 0) FROM log))"
)


class Look:
    """What one connection has to take for settled: as of before its snapshot."""

    __slots__ = ("mark",)

    def __init__(self) -> None:
        self.mark = 0


class Marks:
    """The numbers of a file's commits: by them a look finds what changed since.

    PostgreSQL has transaction ids and snapshots for that. Here one writer counts, on
    from where the newest rows ended, and connections are given functions of the same
    names as there.
    """

    def __init__(self, connection: apsw.Connection, clock: Clock) -> None:
        ((last,),) = connection.execute(_LAST).fetchall()
        self._clock = clock
        self._current = int(str(last))
        self._settled = self._current

    def begin(self) -> None:
        """A commit begins: its changes carry a number of their own."""
        self._current += 1

    def end(self) -> None:
        """It is on disk, or nothing of it is."""
        self._settled = self._current

    def settled(self) -> int:
        """Below it nothing will come any more, for whoever looks from now on."""
        return self._settled + 1

    def serve(self, connection: apsw.Connection, look: Look) -> None:
        """Give a connection the functions that the statements name."""

        def change_mark(*_: object) -> int:
            return self._current

        def settled_mark(*_: object) -> int:
            return look.mark

        def database_ms(*_: object) -> int:
            return self._clock.now_ms()

        for function in (change_mark, settled_mark, database_ms):
            connection.create_scalar_function(function.__name__, function, 0)


def _nothing(_name: str) -> None:
    """A place that is no fail point this time."""


class Writer:
    """Owns the one connection that writes."""

    def __init__(
        self,
        connection: apsw.Connection,
        transaction: Transaction,
        on_committed: Listener,
        clock: Clock,
        marks: Marks,
    ) -> None:
        self._connection = connection
        self._transaction = transaction
        self._on_committed = on_committed
        self._clock = clock
        self._marks = marks
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self.healthy = True
        self._thread = threading.Thread(
            # Nothing unanswered is promised, so an abrupt end need not wait for it.
            target=self._run,
            name="store-writer",
            daemon=True,
        )
        self._thread.start()

    async def commit(self, change: Change) -> Committed:
        """See `SqliteStore.commit`."""
        if self._closed:
            raise Refused("storage_unavailable")
        if self._queue.qsize() >= QUEUE_MAX:
            raise Refused("overloaded", retryAfter=1)
        answer: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()
        self._queue.put(Waiting(change, answer, self._clock.monotonic()))
        return await answer

    def stop(self) -> None:
        """Take nothing new; called on the loop, so that nobody queues behind it."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)

    def close(self) -> None:
        """After `stop`: commit what is queued, move the log into the database."""
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        ending = False
        while not ending:
            batch: list[Waiting] = []
            item = self._queue.get()
            while item is not None:
                batch.append(item)
                if len(batch) == BATCH_MAX:
                    break
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            ending = item is None
            if batch:
                with metrics.DB_POOL_IN_USE.track_inprogress():
                    outcomes = self._write(batch)
                self._answer(batch, outcomes)

    def _write(self, batch: list[Waiting]) -> list[Outcome]:
        # A mere look whether the disk takes writes is nobody's message.
        pass_by = reach if any(one.change.writes for one in batch) else _nothing
        began_s = self._clock.monotonic()
        metrics.DB_POOL_WAIT_SECONDS.observe(began_s - batch[0].since_s)
        self._marks.begin()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            pass_by("after_begin")
            if not self.healthy or not any(one.change.writes for one in batch):
                # Before anybody is told that all is well, something is really written.
                self._connection.execute(_TOUCH)
            outcomes = [self._apply(waiting.change) for waiting in batch]
            pass_by("before_commit")
            self._connection.execute("COMMIT")
            pass_by("after_commit_before_ack")
        except (apsw.Error, OSError) as error:
            self._undo()
            self.healthy = False
            full = isinstance(error, apsw.FullError)
            code = "storage_full" if full else "storage_unavailable"
            metrics.COMMIT_FAILURES.labels(code).inc()
            log.error("commit failed", code=code, sqlite=type(error).__name__)
            return [Refused(code) for _ in batch]
        finally:
            self._marks.end()
        self.healthy = True
        metrics.COMMIT_SECONDS.observe(self._clock.monotonic() - began_s)
        metrics.COMMIT_CHANGES.observe(len(batch))
        return outcomes

    def _apply(self, change: Change) -> Outcome:
        execute = self._connection.execute
        execute("SAVEPOINT one_change")
        try:
            effects = drive(apply(self._transaction, change))
        except (apsw.FullError, apsw.IOError, apsw.BusyError, apsw.CorruptError):
            raise
        except Exception as error:  # noqa: BLE001 - it is handed to whoever waits
            execute("ROLLBACK TO one_change")
            execute("RELEASE one_change")
            # A unique index was faster than the guards: the same as a moved fact.
            taken = getattr(error, "extendedresult", None) in _TAKEN
            return Moved() if taken else error
        execute("RELEASE one_change")
        return effects

    def _undo(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error:
            log.exception("rollback failed")

    def _answer(self, batch: list[Waiting], outcomes: list[Outcome]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Waiting, Outcome]]] = {}
        for waiting, outcome in zip(batch, outcomes, strict=True):
            by_loop.setdefault(waiting.answer.get_loop(), []).append((waiting, outcome))
        for loop, answers in by_loop.items():
            try:
                loop.call_soon_threadsafe(settle, answers, self._on_committed)
            except RuntimeError:
                log.warning("nobody waits any more", changes=len(answers))
