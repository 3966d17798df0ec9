"""Facts that decisions rest on, kept between calls until they move.

A cached fact that is stale can do no harm: every Change names the versions it was
decided on, and one that moved has it decided again. What is kept is dropped when the
store announces another version.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from chatd.domain.announcements import Announcement, FactsMoved
from chatd.domain.cases import Case
from chatd.domain.conversations import ConversationRecord
from chatd.domain.members import Interval, Range, visible_ranges
from chatd.domain.policy import Action, Policy, Verdict
from chatd.domain.presets.changing import effective
from chatd.domain.relations import NOTHING, Between, Party
from chatd.domain.verdicts import decide
from chatd.store import conversations, members, people, tenants
from chatd.store.between import acquaintances
from chatd.store.change import Guard
from chatd.store.engine.interface import Store
from chatd.store.transaction import Transaction

ENTRIES_MAX: Final = 50_000
"""People in conversations that are kept: some 50 MB, an evening's active pairs."""

MANY: Final = 1_000
"""Places that are forgotten one by one; of more, most of them, all are at once."""


@dataclass(frozen=True, slots=True)
class Place:
    """One person's place in one conversation: what may be done and what may be seen."""

    case: Case
    conversation: ConversationRecord
    intervals: tuple[Interval, ...]
    tenant: Guard
    cleared_seq: int = 0
    _verdicts: dict[Action, Verdict] = field(default_factory=dict, compare=False)

    def may(self, action: Action) -> Verdict:
        """What `decide` says here; asked once, as a place never changes."""
        verdict = self._verdicts.get(action)
        if verdict is None:
            verdict = self._verdicts[action] = decide(action, self.case)
        return verdict

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The versions of everything that a verdict on this place relies on.

        A person's version moves with the rosters, contacts and blocks of that person.
        """
        conversation, person = self.conversation, self.case.sender.person
        guards = (
            self.tenant,
            Guard("conversation", conversation.id, conversation.version),
            Guard("person", person.id, person.version),
        )
        if self.case.recipient is None:
            return guards
        other = self.case.recipient.person
        return (*guards, Guard("person", other.id, other.version))

    @property
    def left_seq(self) -> int | None:
        """The last position that somebody who has left may see; None for a member."""
        here = self.case.member or self.case.through == "guest"
        return None if here else self.intervals[-1].left_seq

    def sees(self, seq: int) -> bool:
        """Whether a position of the log is visible from here."""
        ranges = self.ranges(max(seq, self.conversation.head_seq))
        return any(one.first <= seq <= one.last for one in ranges)

    def ranges(self, head_seq: int) -> tuple[Range, ...]:
        """What is visible of a log that reaches to `head_seq`."""
        history = self.case.policy.history_for_new_members
        return visible_ranges(
            self.intervals, head_seq, cleared_seq=self.cleared_seq, history=history
        )


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
        place = await self._store.read(place_now, tenant, conversation_id, user_id)
        # What moved while we read may be in what we read, or not.
        if place is not None and moves == self._moves:
            self._keep(key, place)
        return place

    def listen(self, announcements: Sequence[Announcement]) -> None:
        """Drop what moved."""
        for announcement in announcements:
            if isinstance(announcement, FactsMoved):
                self.drop(announcement.tenant, announcement.noun, announcement.id)

    def seen(self, tenant: str, noun: str, id_: str, version: int) -> None:
        """Forget what rests on another version of this fact than the store has."""
        kept = self._by_fact.get((tenant, noun, id_), ())
        if any(
            (guard.noun, guard.id) == (noun, id_) and guard.version != version
            for key in kept
            if (place := self._places.get(key)) is not None
            for guard in place.guards
        ):
            self.drop(tenant, noun, id_)

    def clear(self) -> None:
        """Forget everything: nobody can say what has moved."""
        self._moves += 1
        self._places.clear()
        self._by_fact.clear()

    def drop(self, tenant: str, noun: str, id_: str) -> None:
        """Forget everything that rests on this fact."""
        self._moves += 1
        gone = self._by_fact.pop((tenant, noun, id_), set())
        if 2 * len(gone) > MANY + len(self._places):
            self.clear()
            return
        for key in gone:
            if (place := self._places.pop(key, None)) is None:
                continue
            for fact in _facts_of(key, place):
                resting = self._by_fact.get(fact, set())
                resting.discard(key)
                if not resting:
                    self._by_fact.pop(fact, None)

    def _keep(self, key: Key, place: Place) -> None:
        if len(self._places) >= ENTRIES_MAX:
            self.clear()
        self._places[key] = place
        for fact in _facts_of(key, place):
            self._by_fact.setdefault(fact, set()).add(key)


def _facts_of(key: Key, place: Place) -> list[Key]:
    """What a kept place rests on, named as announcements name it."""
    return [(key[0], guard.noun, guard.id) for guard in place.guards]


async def place_now(
    tx: Transaction, tenant: str, conversation_id: str, user_id: str
) -> Place | None:
    """A person's place as it is in this transaction; None as `Facts.place` says."""
    found = await places_now(tx, tenant, [conversation_id], user_id)
    return found.get(conversation_id)


async def places_now(
    tx: Transaction, tenant: str, ids: Sequence[str], user_id: str
) -> dict[str, Place]:
    """A person's places in those of these conversations in which there is one.

    The statements do not grow with how many there are.
    """
    records = await conversations.many(tx, tenant, ids)
    stays = await members.stays(tx, tenant, user_id, list(records)) if records else {}
    records = {id_: one for id_, one in records.items() if stays[id_]}
    if not records:
        return {}
    direct = [id_ for id_, one in records.items() if one.kind == "direct"]
    seats = await members.current_of(tx, tenant, direct)
    others = {
        id_: next((one for one in both if one != user_id), None)
        for id_, both in seats.items()
    }
    ids_ = sorted({one for one in others.values() if one is not None})
    known = await parties(tx, tenant, [user_id, *ids_])
    if user_id not in known:
        return {}
    policy, guard = await rules_of(tx, tenant)
    between = await acquaintances.between(tx, tenant, user_id, ids_)
    cleared = await members.cleared(tx, tenant, user_id, list(records))
    found = {}
    for id_, record in records.items():
        other, intervals = others.get(id_) or "", stays[id_]
        case = Case(
            policy=policy,
            sender=known[user_id],
            recipient=known.get(other),
            between=between.get(other, NOTHING),
            conversation=record,
            member=any(not one.of_guest and one.left_seq is None for one in intervals),
            through="guest" if any(one.of_guest for one in intervals) else "",
            roster_role=roster_role(record, known[user_id]),
        )
        found[id_] = Place(case, record, intervals, guard, cleared.get(id_, 0))
    return found


async def parties(tx: Transaction, tenant: str, ids: Sequence[str]) -> dict[str, Party]:
    """People with all that connects them; unknown ids are left out."""
    known = await people.many(tx, tenant, ids)
    places = await people.enrolments(tx, tenant, list(known))
    return {id_: Party(person, places[id_]) for id_, person in known.items()}


async def between_two(
    tx: Transaction, tenant: str, user_id: str, other: str | None
) -> Between:
    """What a person and another one have done about each other, if there is one."""
    if other is None:
        return NOTHING
    return (await acquaintances.between(tx, tenant, user_id, [other]))[other]


def roster_role(record: ConversationRecord, party: Party) -> str | None:
    """A person's role on the roster that a conversation follows."""
    if record.roster_kind is None or record.roster_id is None:
        return None
    return party.role_in(record.roster_kind, record.roster_id)


async def rules_of(tx: Transaction, tenant: str) -> tuple[Policy, Guard]:
    """The rules of a tenant and their version.

    Raises:
        LookupError: there is no such tenant, which nobody who was let in can see.
    """
    record = await tenants.get(tx, tenant)
    if record is None:
        raise LookupError("no such tenant")
    guard = Guard("tenant", tenant, record.version)
    return effective(record.preset, record.changes), guard


async def policy_of(tx: Transaction, tenant: str) -> Policy:
    """The rules of a tenant, where a verdict is not acted upon.

    Raises:
        LookupError: as `rules_of` does.
    """
    return (await rules_of(tx, tenant))[0]
