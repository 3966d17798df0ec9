"""A real store with a tenant in it, and the context that actions are handed.

Time is moved by hand; what the store announces is kept in order.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import Facts
from chatd.domain.announcements import Announcement
from chatd.domain.people import Caller
from chatd.limits import Limits
from chatd.store.change import Change, Write
from chatd.store.conversations import CreateConversation
from chatd.store.engine.opening import open_store
from chatd.store.members import NewMember
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember
from chatd.store.tenants import PutTenant
from tests.support.databases import url_of

TENANT = "school"
START_MS = 1_763_700_000_000
PLATFORM = Caller(TENANT, "lms", frozenset({"directory", "admin"}))


@dataclass(slots=True)
class HandClock:
    """A clock that a test moves by hand."""

    at_ms: int = START_MS

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic(self) -> float:
        return self.at_ms / 1000


@dataclass(slots=True)
class House:
    """The context of a tenant, and shortcuts to fill it."""

    context: Context
    clock: HandClock
    announced: list[Announcement] = field(default_factory=list)
    listeners: list[Callable[[Sequence[Announcement]], None]] = field(
        default_factory=list
    )
    platform: Caller = PLATFORM

    async def write(self, *writes: Write, tenant: str = TENANT) -> None:
        """Straight into the store."""
        await self.context.store.commit(Change(tenant, self.clock.at_ms, writes))

    async def people(self, *ids: str, role: str = "student") -> None:
        """Adds people who are called like their ids."""
        await self.write(*(PutPerson(id_, id_.title(), (role,)) for id_ in ids))

    async def course(self, id_: str, **roles: str) -> None:
        """Adds a course with these people on it."""
        await self.write(
            PutRoster("course", id_, id_.title()),
            *(PutRosterMember("course", id_, u, role) for u, role in roles.items()),
        )

    async def conversation(
        self, id_: str, *members: str, tenant: str = TENANT, **fields: str
    ) -> None:
        """Adds a conversation; `kind` and more by name."""
        values: dict = {"kind": "group", "title": id_.title(), "created_by": None}
        await self.write(
            CreateConversation(
                id=id_,
                members=tuple(NewMember(user_id) for user_id in members),
                **values | fields,
            ),
            tenant=tenant,
        )


@asynccontextmanager
async def house(
    where: Path | str, limits: Limits | None = None
) -> AsyncIterator[House]:
    """A house with one tenant and nobody in it, in this folder or database."""
    clock = HandClock()
    announced: list[Announcement] = []
    listeners: list[Callable[[Sequence[Announcement]], None]] = []

    def keep(announcements: Sequence[Announcement]) -> None:
        announced.extend(announcements)
        facts.listen(announcements)
        for listener in listeners:
            listener(announcements)

    store = await open_store(
        url_of(where / "house.sqlite3" if isinstance(where, Path) else where),
        clock=clock,
        on_committed=keep,
        unsafe_durability=True,
    )
    facts = Facts(store)
    try:
        context = Context(
            store=store,
            clock=clock,
            limits=limits or Limits(),
            facts=facts,
            publish=keep,
        )
        made = House(context, clock, announced, listeners)
        await made.write(PutTenant("School", "itslearning"))
        yield made
    finally:
        await store.close()
