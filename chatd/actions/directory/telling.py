"""Who is told anew what they may do, when rules or relations change.

Clients know no rules: they show what `denied` says. So whoever's `denied` is another
one after a change is told at once, on every device, and by `Sync` if away.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import msgspec

from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import parties, policy_of, roster_role
from chatd.domain.cases import Case
from chatd.domain.conversations import ConversationRecord
from chatd.domain.policy import Policy
from chatd.domain.relations import NOTHING, Between, Party
from chatd.domain.verdicts import denied
from chatd.store import conversations, members
from chatd.store.between import acquaintances
from chatd.store.change import Change
from chatd.store.personal import PermissionsMoved
from chatd.store.transaction import Transaction

PAGE: Final = 500
"""Memberships that are judged in one read: some 40 ms, so that others get a turn."""

PEOPLE_PAGE: Final = 50
"""People whose private talks are told of in one Change: some hundred rows."""

CONVERSATIONS_TOLD_MAX: Final = 500
"""Conversations in which one person's change is told; beyond, the next look tells."""

_LOOKS: Final = (
    "confirm",
    "tombstone",
    "retain_removed_days",
    "retain_days",
    "conversation_delete",
    "staff_read",
    "badge",
    "enter_sends",
    "availability",
    "pii",
    "read_receipts",
    "search_people",
    "when_disabled",
    "recipients_max",
)
"""Keys of a policy that no `denied` depends on."""

_After = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Page:
    told: tuple[PermissionsMoved, ...]
    end: _After | None


async def retold(context: Context, tenant: str, before: Policy, after: Policy) -> None:
    """Tell everybody of a tenant whose rights are others under the new rules.

    Page by page, each committed by itself: a school of 10,000 has 100,000 places.
    """
    unchanged = {key: getattr(after, key) for key in (*_LOOKS, "name")}
    if msgspec.structs.replace(before, **unchanged) == after:
        return
    position: _After | None = ("", "")
    while position is not None:
        page = await context.store.read(_page, tenant, before, after, position)
        if page.told:
            change = Change(tenant, context.clock.now_ms(), page.told)
            await context.store.commit(change)
        position = page.end


async def _page(
    tx: Transaction, tenant: str, before: Policy, after: Policy, position: _After
) -> _Page:
    places = await conversations.places(tx, tenant, position, PAGE)
    direct = [record.id for _, record, _ in places if record.kind == "direct"]
    peers = await members.current_of(tx, tenant, direct)
    ids = {user_id for user_id, *_ in places}
    ids.update(id_ for some in peers.values() for id_ in some)
    known = await parties(tx, tenant, sorted(ids))
    halves = await acquaintances.among(tx, tenant, sorted(ids))
    told: dict[str, list[str]] = defaultdict(list)
    for user_id, record, stay in places:
        others = peers.get(record.id, ())
        case = _case(before, known, user_id, record, others, halves)
        guest: Literal["", "guest"] = "guest" if stay == "guest" else ""
        case = replace(case, member=stay == "member", through=guest)
        if denied(case) != denied(replace(case, policy=after)):
            told[record.id].append(user_id)
    last = places[-1] if len(places) == PAGE else None
    return _Page(
        tuple(PermissionsMoved(id_, tuple(some)) for id_, some in told.items()),
        None if last is None else (last[0], last[1].id),
    )


def _case(
    policy: Policy,
    known: dict[str, Party],
    user_id: str,
    record: ConversationRecord,
    people: Sequence[str],
    halves: Mapping[tuple[str, str], Between],
) -> Case:
    other = next((id_ for id_ in people if id_ != user_id), "")
    return Case(
        policy,
        known[user_id],
        known.get(other),
        halves.get((user_id, other), NOTHING),
        conversation=record,
        member=True,
        roster_role=roster_role(record, known[user_id]),
    )


async def everywhere(
    tx: Transaction, tenant: str, user_id: str
) -> tuple[PermissionsMoved, ...]:
    """The person is told anew everywhere; in a direct one the other one, too."""
    joined = await conversations.joined(tx, tenant, user_id)
    records = [record for record, _ in joined[:CONVERSATIONS_TOLD_MAX]]
    direct = [record.id for record in records if record.kind == "direct"]
    both = await members.current_of(tx, tenant, direct)
    return tuple(
        PermissionsMoved(record.id, both.get(record.id, (user_id,)))
        for record in records
    )


async def of_relations(
    tx: Transaction, tenant: str, user_ids: Sequence[str]
) -> tuple[PermissionsMoved, ...]:
    """People's rosters change: who talks with them in private is told, and they.

    Only where the rules look again at what connects two people (ISP-25, TUT-34). Two
    statements, however many people.
    """
    policy = await policy_of(tx, tenant)
    if policy.relationship_ended == "remove":
        return ()
    directs = await members.directs_of(tx, tenant, user_ids)
    return tuple(PermissionsMoved(id_, both) for id_, both in directs.items())


async def of_units(context: Context, tenant: str, user_ids: Sequence[str]) -> None:
    """Where people stand in the hierarchy has changed: the same, page by page.

    A school that moves takes thousands along: others get a turn between the pages.
    """
    for start in range(0, len(user_ids), PEOPLE_PAGE):
        some = user_ids[start : start + PEOPLE_PAGE]
        told = await context.store.read(of_relations, tenant, some)
        if told:
            change = Change(tenant, context.clock.now_ms(), told)
            await context.store.commit(change)
