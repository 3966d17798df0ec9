"""Group commit on PostgreSQL: a task with a connection, and the Changes that wait.

Take what is queued, commit, repeat. Whoever waits is answered after COMMIT only. When
the answer to a COMMIT is lost, the database is asked what became of it, by the keys
that make every deed happen once; nothing is taken for done, and nothing is done twice.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import asyncpg

from chatd import metrics
from chatd.errors import Refused
from chatd.failpoints import reach_async
from chatd.store.change import Change, Committed, Moved
from chatd.store.effects import Effects
from chatd.store.engine.answering import Listener, Outcome, Waiting, settle
from chatd.store.engine.applying import kept_result
from chatd.store.engine.migrating import SchemaError
from chatd.store.engine.postgres.batches import apply_in_turn
from chatd.store.engine.postgres.connections import (
    Connection,
    Place,
    PostgresTransaction,
    farewell,
    lost,
    unique_name,
)
from chatd.store.engine.postgres.locks import touched
from chatd.store.messages import InsertMessage
from chatd.telemetry import log, spawn

QUEUE_MAX: Final = 10_000
"""Changes that may wait: about a second's work of this lane."""

DEADLINE_S: Final = 2.0
"""How long a Change may wait for its turn, and then a batch for the database."""

ROW_S: Final = 0.01
"""Added for each row that a batch writes: a course may have a thousand people."""

RETRY_S: Final = 0.05
"""Between two tries to reach a database that is not there."""

DEADLOCKS_MAX: Final = 3
"""Tries of one Change. The order of locks allows for none; roster removals may."""

BY_KEY: Final[Mapping[str, str]] = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""All that is written is found by its key. A plan that is made while a table is empty
is kept, and must not read all of it when it is full."""

Together = Callable[[PostgresTransaction, Sequence[Change]], Awaitable[list[Outcome]]]


class _Doubt(Exception):
    """The answer to a COMMIT was lost; `outcomes` are what they are if it was done."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__("commit in doubt")
        self.outcomes = outcomes


class Lane:
    """Owns one connection that writes."""

    def __init__(
        self,
        place: Place,
        pick: Callable[[deque[Waiting]], list[Waiting]],
        together: Together,
        on_committed: Listener,
    ) -> None:
        self._place = place
        self._pick = pick
        self._together = together
        self._on_committed = on_committed
        self._queue: deque[Waiting] = deque()
        self._wake = asyncio.Event()
        self._closed = False
        self._connection: Connection | None = None
        self._name = ""
        self._unanswered: list[Waiting] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._task = spawn(self._tasks, self._run(), "store-lane")

    async def commit(self, change: Change) -> Committed:
        """See `Store.commit`."""
        if self._closed:
            raise Refused("storage_unavailable")
        if len(self._queue) >= QUEUE_MAX:
            raise Refused("overloaded", retryAfter=1)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Committed] = loop.create_future()
        self._queue.append(Waiting(change, answer, loop.time()))
        self._wake.set()
        return await answer

    async def close(self) -> None:
        """Take nothing new, commit what is queued, let the connection go."""
        self._closed = True
        self._wake.set()
        await self._task

    async def _run(self) -> None:
        while self._queue or not self._closed:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            self._unanswered = self._in_time(self._pick(self._queue))
            if self._unanswered:
                await self._bounded(self._unanswered)
        if self._connection is not None:
            await farewell(self._connection)

    def _in_time(self, batch: list[Waiting]) -> list[Waiting]:
        oldest = asyncio.get_running_loop().time() - DEADLINE_S
        late = [one for one in batch if one.since_s < oldest]
        settle([(one, Refused("storage_unavailable")) for one in late], _nobody)
        return [one for one in batch if one.since_s >= oldest]

    async def _bounded(self, batch: list[Waiting]) -> None:
        try:
            async with asyncio.timeout(DEADLINE_S + ROW_S * _rows(batch)):
                await self._write(batch)
        except Exception as error:  # noqa: BLE001 - it is handed to whoever waits
            self._drop()
            expected = lost(error) or isinstance(error, SchemaError)
            code = "storage_unavailable" if expected else "internal"
            log.error("commit failed", code=code, postgres=type(error).__name__)
            metrics.COMMIT_FAILURES.labels(code).inc()
            told = Refused("storage_unavailable") if expected else error
            self._answer(self._unanswered, [told] * len(self._unanswered))

    def _answer(self, batch: Sequence[Waiting], outcomes: Sequence[Outcome]) -> None:
        settle(list(zip(batch, outcomes, strict=True)), self._on_committed)
        answered = set(map(id, batch))
        self._unanswered = [one for one in self._unanswered if id(one) not in answered]

    async def _write(self, batch: list[Waiting]) -> None:
        try:
            outcomes = await self._commit([one.change for one in batch], self._together)
        except Exception as error:
            if lost(error) or isinstance(error, SchemaError):
                raise
            for waiting in batch:
                self._answer([waiting], [await self._alone(waiting.change)])
        else:
            self._answer(batch, outcomes)

    async def _alone(self, change: Change) -> Outcome:
        for _ in range(DEADLOCKS_MAX):
            try:
                (outcome,) = await self._commit([change], apply_in_turn)
            except (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError):
                continue
            except asyncpg.UniqueViolationError:
                # An index was faster than the guards: the same as a moved fact.
                return Moved()
            except (asyncpg.DiskFullError, asyncpg.OutOfMemoryError):
                log.error("commit failed", code="storage_full")
                return Refused("storage_full")
            except Exception as error:
                if lost(error) or isinstance(error, SchemaError):
                    raise
                return error
            return outcome
        return Refused("overloaded", retryAfter=1)

    async def _commit(
        self, changes: Sequence[Change], together: Together
    ) -> list[Outcome]:
        """One transaction, begun again for as long as the connection is lost first."""
        while True:
            try:
                return await self._transact(changes, together)
            except _Doubt as doubt:
                name = self._name
                self._drop()
                if await self._was_committed(name, changes, doubt.outcomes):
                    return list(doubt.outcomes)
            except Exception as error:
                if not lost(error) or isinstance(error, TimeoutError):
                    raise
                self._drop()
                await asyncio.sleep(RETRY_S)

    async def _transact(
        self, changes: Sequence[Change], together: Together
    ) -> list[Outcome]:
        connection = await self._connected()
        real = any(change.writes for change in changes)
        with metrics.COMMIT_SECONDS.time():
            await connection.execute("BEGIN")
            try:
                # A mere look whether the disk takes writes is nobody's message.
                if real:
                    await reach_async("after_begin")
                outcomes = await together(PostgresTransaction(connection), changes)
                if real:
                    await reach_async("before_commit")
            except Exception as error:
                if not lost(error):
                    await connection.execute("ROLLBACK")
                raise
            try:
                await connection.execute("COMMIT")
                if real:
                    await reach_async("after_commit_before_ack")
            except Exception as error:
                if lost(error) and any(isinstance(one, Effects) for one in outcomes):
                    raise _Doubt(outcomes) from error
                raise
        metrics.COMMIT_CHANGES.observe(len(changes))
        return outcomes

    async def _was_committed(
        self, name: str, changes: Sequence[Change], outcomes: Sequence[Outcome]
    ) -> bool:
        """What became of the transaction that was being committed on a connection.

        Raises:
            ConnectionError: it cannot be told, for no Change in it has a key.
        """
        log.warning("the answer to a commit was lost", changes=len(changes))
        written = [
            change
            for change, outcome in zip(changes, outcomes, strict=True)
            if isinstance(outcome, Effects)
        ]
        while True:
            try:
                connection = await self._connected()
                await _end_of(connection, name)
                found = [await _is_there(connection, change) for change in written]
            except Exception as error:
                if not lost(error) or isinstance(error, TimeoutError):
                    raise
                self._drop()
                await asyncio.sleep(RETRY_S)
                continue
            known = [one for one in found if one is not None]
            if not known:
                raise ConnectionError("the outcome of a commit is unknown")
            return any(known)

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._name = unique_name("writer")
            self._connection = await self._place.connect(self._name, **BY_KEY)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _rows(batch: Sequence[Waiting]) -> int:
    changes = [one.change for one in batch]
    return sum(len(one.writes) + len(touched(one)) for one in changes) - len(batch)


def _nobody(_announcements: object) -> None:
    """Nothing was done, so nobody is told."""


async def _end_of(connection: Connection, name: str) -> None:
    """Wait until the server is through with a connection that we have lost.

    Until then a COMMIT that it had received may still be under way.
    """
    ending = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = $1"
    )
    # The server tells nobody; the caller bounds the time.
    while await connection.fetch(ending, name):  # noqa: ASYNC110
        await asyncio.sleep(RETRY_S)


async def _is_there(connection: Connection, change: Change) -> bool | None:
    """Whether a Change is in the database; None if it has no key to know it by."""
    key = change.key
    if key is not None:
        row = await connection.fetchrow(
            "SELECT created_at_ms, digest, result_json FROM request WHERE tenant = $1"
            " AND user_id = $2 AND client_request_id = $3",
            change.tenant,
            key.user_id,
            key.client_request_id,
        )
        return row is not None and tuple(row) == (
            change.at_ms,
            key.digest,
            kept_result(change),
        )
    for write in change.writes:
        if isinstance(write, InsertMessage):
            row = await connection.fetchrow(
                "SELECT 1 FROM message WHERE tenant = $1 AND id = $2",
                change.tenant,
                write.id,
            )
            return row is not None
    return None
