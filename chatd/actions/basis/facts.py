"""Facts that decisions rest on, kept between calls until they move.

A cached fact that is stale can do no harm: every Change names the versions it was
decided on, and one that moved has it decided again. What is kept is dropped when the
store announces another version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chatd.domain.announcements import Announcement, FactsMoved
from chatd.domain.conversations import ConversationRecord
from chatd.domain.members import Interval, Range, visible_ranges
from chatd.domain.people import PersonRecord
from chatd.domain.policy import Policy
from chatd.domain.presets import PRESETS
from chatd.domain.verdicts import Standing
from chatd.store import conversations, members, people, rosters, tenants
from chatd.store.change import Guard
from chatd.store.engine.interface import Store
from chatd.store.transaction import Transaction

ENTRIES_MAX: Final = 50_000
"""People in conversations that are kept: some 50 MB, an evening's active pairs."""


@dataclass(frozen=True, slots=True)
class Place:
    """One person's place in one conversation: what may be done and what may be seen."""

    standing: Standing
    intervals: tuple[Interval, ...]

    @property
    def conversation(self) -> ConversationRecord:
        """The conversation; its `head_seq` is as old as this place."""
        return self.standing.conversation

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The versions of everything that a verdict on this place relies on."""
        standing = self.standing
        guards = (
            Guard("conversation", self.conversation.id, self.conversation.version),
            Guard("person", standing.person.id, standing.person.version),
        )
        if standing.peer is None:
            return guards
        return (*guards, Guard("person", standing.peer.id, standing.peer.version))

    @property
    def left_seq(self) -> int | None:
        """The last position that somebody who has left may see; None for a member."""
        return None if self.standing.member else self.intervals[-1].left_seq

    def sees(self, seq: int) -> bool:
        """Whether a position of the log is visible from here."""
        ranges = self.ranges(max(seq, self.conversation.head_seq))
        return any(one.first <= seq <= one.last for one in ranges)

    def ranges(self, head_seq: int) -> tuple[Range, ...]:
        """What is visible of a log that reaches to `head_seq`."""
        history = self.standing.policy.history_for_new_members
        return visible_ranges(self.intervals, head_seq, history=history)


Key = tuple[str, str, str]


class Facts:
    """Places of people in conversations, by tenant, conversation and user."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._places: dict[Key, Place] = {}
        self._by_fact: dict[tuple[str, str, str], set[Key]] = {}
        self._moves = 0

    async def place(
        self, tenant: str, conversation_id: str, user_id: str
    ) -> Place | None:
        """A person's place in a conversation.

        `None` when there is no such conversation, or the person never was in it: the
        two look the same to whoever asks.
        """
        key = (tenant, conversation_id, user_id)
        if (kept := self._places.get(key)) is not None:
            return kept
        moves = self._moves
        place = await self._store.read(_place, tenant, conversation_id, user_id)
        # What moved while we read may be in what we read, or not.
        if place is not None and moves == self._moves:
            self._keep(key, place)
        return place

    def listen(self, announcements: Sequence[Announcement]) -> None:
        """Drop what moved."""
        for announcement in announcements:
            if isinstance(announcement, FactsMoved):
                self.drop(announcement.tenant, announcement.noun, announcement.id)

    def drop(self, tenant: str, noun: str, id_: str) -> None:
        """Forget everything that rests on this fact."""
        self._moves += 1
        for key in self._by_fact.pop((tenant, noun, id_), ()):
            self._places.pop(key, None)

    def _keep(self, key: Key, place: Place) -> None:
        if len(self._places) >= ENTRIES_MAX:
            self._places.clear()
            self._by_fact.clear()
        self._places[key] = place
        tenant = key[0]
        nouns = [(guard.noun, guard.id) for guard in place.guards]
        for noun, id_ in (*nouns, ("tenant", tenant)):
            self._by_fact.setdefault((tenant, noun, id_), set()).add(key)


async def _place(
    tx: Transaction, tenant: str, conversation_id: str, user_id: str
) -> Place | None:
    record = await conversations.record(tx, tenant, conversation_id)
    intervals = await members.intervals(tx, tenant, conversation_id, user_id)
    person = await people.get(tx, tenant, user_id)
    if record is None or person is None or not intervals:
        return None
    return Place(
        Standing(
            policy=await policy_of(tx, tenant),
            person=person,
            conversation=record,
            member=intervals[-1].left_seq is None,
            roster_role=await _roster_role(tx, tenant, record, user_id),
            peer=await _peer(tx, tenant, record, user_id),
        ),
        intervals,
    )


async def _roster_role(
    tx: Transaction, tenant: str, record: ConversationRecord, user_id: str
) -> str | None:
    if record.roster_kind is None or record.roster_id is None:
        return None
    roster = (record.roster_kind, record.roster_id)
    return (await rosters.roles_of(tx, tenant, user_id, [roster])).get(roster)


async def _peer(
    tx: Transaction, tenant: str, record: ConversationRecord, user_id: str
) -> PersonRecord | None:
    if record.kind != "direct":
        return None
    ids = await members.current_ids(tx, tenant, record.id)
    other = next((id_ for id_ in ids if id_ != user_id), None)
    return None if other is None else await people.get(tx, tenant, other)


async def policy_of(tx: Transaction, tenant: str) -> Policy:
    """The rules of a tenant.

    Raises:
        LookupError: there is no such tenant, which nobody who was let in can see.
    """
    record = await tenants.get(tx, tenant)
    if record is None:
        raise LookupError("no such tenant")
    return PRESETS[record.preset]
