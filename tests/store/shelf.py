"""A real store on a file, durable as in production, and shortcuts to fill it."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import apsw
import asyncpg

from chatd.domain.announcements import Announcement
from chatd.domain.conversations import Kind
from chatd.ids import new_id
from chatd.store.change import Change, Committed, Write
from chatd.store.conversations import CreateConversation
from chatd.store.engine import sqlite
from chatd.store.engine.interface import Store
from chatd.store.engine.opening import open_store
from chatd.store.engine.postgres.connections import PostgresTransaction
from chatd.store.engine.sqlite import SqliteTransaction
from chatd.store.engine.writer import Look, Marks
from chatd.store.members import NewMember
from chatd.store.messages import InsertMessage
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant
from chatd.store.transaction import Transaction, drive
from tests.support.databases import is_postgres, path_of, url_of
from tests.support.house import HandClock

TENANT = "school"

T = TypeVar("T")


@dataclass(slots=True)
class Shelf:
    """The store; `batches` holds what was announced, a list for each call."""

    url: str
    store: Store
    clock: HandClock
    batches: list[list[Announcement]] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return path_of(self.url)

    @property
    def announced(self) -> list[Announcement]:
        return [one for batch in self.batches for one in batch]

    def change(self, *writes: Write, tenant: str = TENANT) -> Change:
        return Change(tenant, self.clock.at_ms, writes)

    async def write(self, *writes: Write, tenant: str = TENANT) -> Committed:
        return await self.store.commit(self.change(*writes, tenant=tenant))

    async def people(self, *ids: str, tenant: str = TENANT) -> None:
        puts = (PutPerson(id_, id_.title(), ("student",)) for id_ in ids)
        await self.write(PutTenant("School", "itslearning"), *puts, tenant=tenant)

    async def talk(
        self, id_: str, *members: str, tenant: str = TENANT, kind: Kind = "group"
    ) -> None:
        seats = tuple(NewMember(user_id) for user_id in members)
        made = CreateConversation(id_, kind, id_.title(), members[0], seats)
        await self.write(made, tenant=tenant)

    async def say(
        self, author: str, text: str = "Hi", *, to: str = "talk", tenant: str = TENANT
    ) -> tuple[str, int]:
        """The id and the position of the new message."""
        write = said(author, text, to=to)
        done = await self.write(write, tenant=tenant)
        return write.id, done.seqs[0]

    async def tried(self, work: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        """What it returns; what it wrote is undone."""
        if is_postgres(self.url):
            link = await asyncpg.connect(self.url)
            try:
                await link.execute("BEGIN")
                return await work(PostgresTransaction(link))
            finally:
                await link.close()
        connection = apsw.Connection(str(self.path))
        Marks(connection, self.clock).serve(connection, Look())
        try:
            connection.execute("BEGIN IMMEDIATE")
            return drive(work(SqliteTransaction(connection)))
        finally:
            connection.execute("ROLLBACK")
            connection.close()


def said(
    author: str,
    text: str = "Hi",
    *,
    to: str = "talk",
    client_id: str | None = None,
    digest: bytes = b"same",
) -> InsertMessage:
    """A new message under a client id of its own."""
    id_ = new_id()
    return InsertMessage(id_, to, author, text, client_id or id_, digest)


@asynccontextmanager
async def shelf_at(
    where: Path | str, *, busy_ms: int | None = None
) -> AsyncIterator[Shelf]:
    """Opens the store of a file or an address and closes it."""
    clock = HandClock()
    batches: list[list[Announcement]] = []

    def keep(announcements: Sequence[Announcement]) -> None:
        batches.append(list(announcements))

    url = url_of(where)
    store: Store
    if busy_ms is None:
        store = await open_store(url, clock=clock, on_committed=keep)
    else:
        store = sqlite.open_store(
            path_of(url), clock=clock, on_committed=keep, busy_ms=busy_ms
        )
    try:
        yield Shelf(url, store, clock, batches)
    finally:
        await store.close()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another connection has begun to write, as another process would."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()
