"""Brings mass messages to their people, part by part, beside everything else.

Every gateway looks for work; one at a time holds a message and says so in its row, anew
with every part. A part is one Change: whoever is reached is struck off in the same
transaction, so that a crash between two parts loses and doubles nobody. Between parts
the worker rests as long as a part took, and a while: others go first.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import policy_of
from chatd.actions.members import refusals
from chatd.actions.starting import individual
from chatd.domain.cases import switched_off
from chatd.domain.people import Caller, Enrolment
from chatd.domain.relations import Party
from chatd.errors import Refused
from chatd.ids import new_id
from chatd.store import conversations, messages, people
from chatd.store.change import Change, Guard, Moved, Write
from chatd.store.content import attachments
from chatd.store.content.attachments import Attach
from chatd.store.mass import jobs
from chatd.store.mass.jobs import DeliverMass, MassRecord, ReplyKind, TakeMass
from chatd.store.messages import InsertMessage
from chatd.store.transaction import Transaction
from chatd.telemetry import log, spawn

LOOK_S: Final = 1.0
"""Between looks for work: with the time to undo, nobody feels it."""

HELD_MS: Final = 5_000
"""How long a message stays in the hands of a gateway that says nothing more."""

SIDE_BY_SIDE: Final = 8
"""Messages that one process delivers at a time: a small one need not wait for a large
one of another school."""

AT_ONCE: Final[dict[ReplyKind, int]] = {"none": 200, "direct": 25}
"""People in one part: a few milliseconds of the database, with a conversation for each
a twentieth as many (`./dev bench mass`)."""

REST_S: Final = 0.1
"""Least rest between parts: those who are reached and online are told meanwhile."""

TRIES: Final = 5
"""Facts of a part's people that moved so often: it is tried again a look later."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What to write for the next people; `last`: nobody is left after them."""

    reached: tuple[str, ...]
    refused: tuple[str, ...]
    writes: tuple[Write, ...] = ()
    guards: tuple[Guard, ...] = ()
    last: bool = False


class Delivery:
    """One of these runs in every process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._name = new_id()
        self._tasks: set[asyncio.Task[None]] = set()
        self._hands: set[tuple[str, str]] = set()

    def start(self) -> None:
        """Begin to look for work; needs a running loop."""
        spawn(self._tasks, self._run(), "mass messages")

    async def stop(self) -> None:
        """Stop; what is left is done by the next who looks."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def work(self) -> None:
        """Deliver what is due and in nobody's hands; returns when that is done."""
        await asyncio.gather(*await self._begin())

    async def _begin(self) -> list[asyncio.Task[None]]:
        now_ms = self._context.clock.now_ms()
        found = await self._context.store.read(jobs.due, now_ms, SIDE_BY_SIDE)
        begun = []
        for tenant, record in found:
            key = (tenant, record.id)
            if key in self._hands or len(self._hands) >= SIDE_BY_SIDE:
                continue
            self._hands.add(key)
            work = self._deliver(tenant, record)
            begun.append(spawn(self._tasks, work, f"mass message {record.id}"))
        return begun

    async def _deliver(self, tenant: str, record: MassRecord) -> None:
        try:
            await self._to_the_end(tenant, record)
        except Moved:
            return  # undone meanwhile, or another gateway was faster
        except Refused as refused:
            # What is held is given up in a moment, and taken again by who looks then.
            log.warning("a mass message waits for the store", code=refused.code)
        finally:
            self._hands.discard((tenant, record.id))

    async def _to_the_end(self, tenant: str, record: MassRecord) -> None:
        await self.take(tenant, record)
        monotonic = self._context.clock.monotonic
        while True:
            begun_s = monotonic()
            if await self.part(tenant, record):
                return
            await asyncio.sleep(max(REST_S, monotonic() - begun_s))

    async def take(self, tenant: str, record: MassRecord) -> None:
        """Hold a message for a while.

        Raises:
            Moved: it is in other hands, or nothing is left of it.
        """
        await self._commit(tenant, TakeMass(record.id, self._name, self._until_ms()))

    async def part(self, tenant: str, record: MassRecord) -> bool:
        """Reach the next people of a message that is held; True when nobody is left.

        Raises:
            Moved: it was undone, or is in other hands.
        """
        for _ in range(TRIES):
            part = await self._context.store.read(_next, tenant, record)
            done = DeliverMass(
                id=record.id,
                sender_id=record.sender_id,
                by=self._name,
                until_ms=self._until_ms(),
                reached=part.reached,
                refused=part.refused,
                admitted=record.reply_kind == "none",
            )
            try:
                await self._commit(tenant, done, *part.writes, guards=part.guards)
            except Moved:
                if not part.guards:
                    raise
                continue
            return part.last
        raise Moved

    async def _commit(
        self, tenant: str, *writes: Write, guards: tuple[Guard, ...] = ()
    ) -> None:
        now_ms = self._context.clock.now_ms()
        await self._context.store.commit(Change(tenant, now_ms, writes, guards))

    def _until_ms(self) -> int:
        return self._context.clock.now_ms() + HELD_MS

    async def _run(self) -> None:
        while True:
            try:
                await self._begin()
            except Refused as refused:
                log.warning("mass messages wait for the store", code=refused.code)
            await asyncio.sleep(LOOK_S)


async def _next(tx: Transaction, tenant: str, record: MassRecord) -> _Part:
    most = AT_ONCE[record.reply_kind]
    ids = await jobs.still(tx, tenant, record.id, most)
    if record.reply_kind == "direct":
        part = await _one_by_one(tx, tenant, record, ids)
        return replace(part, last=len(ids) < most)
    if await _said(tx, tenant, record) is None:
        return _Part((), ids, last=len(ids) < most)  # removed: nobody else is to get it
    policy, known = await policy_of(tx, tenant), await people.many(tx, tenant, ids)
    places: Mapping[str, tuple[Enrolment, ...]] = {}
    if policy.switched_off.rosters:  # which few schools ask for, and which costs most
        places = await people.enrolments(tx, tenant, ids)
    parties = {id_: Party(one, places.get(id_, ())) for id_, one in known.items()}
    reached = tuple(
        id_
        for id_ in ids
        if id_ in parties
        and parties[id_].person.active
        and not switched_off(policy, parties[id_])
    )
    there = frozenset(reached)
    refused = tuple(id_ for id_ in ids if id_ not in there)
    return _Part(reached, refused, last=len(ids) < most)


async def _one_by_one(
    tx: Transaction, tenant: str, record: MassRecord, ids: tuple[str, ...]
) -> _Part:
    """Each as if written to alone, with all that may speak against it (MOO-62)."""
    caller = Caller(tenant, record.sender_id)
    first = await _said(tx, tenant, record)
    if first is None or not ids:
        return _Part((), ids)
    codes = await refusals(tx, caller, list(ids), kind="direct")
    found = await individual.addressed(tx, caller, ids, codes, first)
    copies = individual.copies(caller, found)
    return _Part(
        reached=tuple(found.copies),
        refused=tuple(id_ for id_ in ids if id_ not in found.copies),
        writes=copies.writes,
        guards=tuple(copies.guards),
    )


async def _said(
    tx: Transaction, tenant: str, record: MassRecord
) -> InsertMessage | None:
    """The message of the sender's own entry, to be copied; None once it was removed."""
    _, id_ = (await conversations.headings(tx, tenant, [record.id]))[record.id]
    said = None if id_ is None else await messages.by_id(tx, tenant, id_)
    if said is None or said.removed_at_ms is not None:
        return None
    files = await attachments.of_message(tx, tenant, said.id)
    return InsertMessage(
        id=said.id,
        conversation_id=record.id,
        author_id=said.author_id,
        text=said.text,
        links_json=said.links_json,
        client_message_id=said.client_message_id or record.id,
        digest=said.digest or b"",
        attached=tuple(Attach(one.id) for one in files),
        attachments_json=said.attachments_json,
    )
