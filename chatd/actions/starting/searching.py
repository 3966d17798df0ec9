"""Whom the caller may write to, by part of a name, and why not (ITS-43, ITS-54).

Everybody who is found is judged by the one decision, from facts that are read together:
the statements do not grow with how many there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import parties, policy_of
from chatd.actions.starting.meant import KIND_OF
from chatd.domain.cases import Case
from chatd.domain.conversations import Kind
from chatd.domain.people import Caller, PersonRecord
from chatd.domain.policy import Policy, Verdict
from chatd.domain.relations import Between, Party, describe
from chatd.domain.verdicts import decide
from chatd.errors import Refused
from chatd.store import people, rosters
from chatd.store.between import acquaintances
from chatd.store.rosters import RosterRecord
from chatd.store.transaction import Transaction
from chatd_protocol.chat import requests
from chatd_protocol.chat.policy import PolicyVerdict
from chatd_protocol.chat.results import RecipientFound, RecipientsFound

LOOKED_AT: Final = 500
"""People whose name fits that are judged; whoever searches wider types more letters."""

_Key = tuple[bool, int, str, str]
"""Where one stands: who cannot be written to last, then by what it is, by name."""

_KINDS: Final = ("contact", "user", "course", "project", "group", "unit")


@dataclass(frozen=True, slots=True)
class _Found:
    key: _Key
    shown: RecipientFound


@dataclass(frozen=True, slots=True)
class _Seeker:
    """Who searches, and by which rules."""

    policy: Policy
    party: Party
    denied_too: bool

    @property
    def contacts_first(self) -> bool:
        """Whether people whom one knows come before all others (MOO-24)."""
        return self.policy.search_people == "contacts_and_visible"


async def search(
    context: Context, caller: Caller, request: requests.SearchRecipients
) -> RecipientsFound:
    """People, courses and more with this part in their name, page by page.

    Who may not be written to is absent; or on demand there, with the reason, where
    policy lets people see more than they may write to, and something connects the two:
    nobody learns of a stranger (TUT-22, ITS-54).

    Raises:
        Refused: `invalid_request` for a cursor that is none.
    """
    after: _Key | None = None
    if request.cursor is not None:
        after = cursors.decode(request.cursor, tuple[bool, int, str, str])
    found = await context.store.read(_search, caller, request)
    left = [one for one in found if after is None or one.key > after]
    page = left[: request.limit]
    return RecipientsFound(
        recipients=tuple(one.shown for one in page),
        next=cursors.encode(page[-1].key) if len(left) > len(page) else None,
    )


async def _search(
    tx: Transaction, caller: Caller, request: requests.SearchRecipients
) -> list[_Found]:
    tenant, policy = caller.tenant, await policy_of(tx, caller.tenant)
    first = policy.search_people == "contacts_and_visible"
    named = await people.search(
        tx,
        tenant,
        request.text,
        LOOKED_AT,
        contacts_of=caller.user_id if first else None,
    )
    ids = [person.id for person in named if person.id != caller.user_id]
    known = await parties(tx, tenant, [*ids, caller.user_id])
    if caller.user_id not in known:
        raise Refused("not_found")
    between = await acquaintances.between(tx, tenant, caller.user_id, ids)
    kinds = sorted(kind for kind in policy.recipient_kinds if kind != "user")
    followed = await rosters.search(
        tx,
        tenant,
        request.text,
        kinds=kinds,
        member=caller.user_id,
        limit=LOOKED_AT,
    )
    denied_too = bool(request.include_denied) and policy.search_people != "permitted"
    seeker = _Seeker(policy, known[caller.user_id], denied_too)
    found = [
        *(one for id_ in ids for one in _person(seeker, known[id_], between[id_])),
        *(one for roster in followed for one in _roster(seeker, roster)),
    ]
    return sorted(found, key=lambda one: one.key)


def _person(seeker: _Seeker, other: Party, between: Between) -> Iterator[_Found]:
    person = other.person
    verdict = decide("initiate", Case(seeker.policy, seeker.party, other, between))
    if verdict.silent:
        # Who has blocked the caller in silence is found as ever (ITS-96).
        open_ = replace(between, blocked_by=False)
        verdict = decide("initiate", Case(seeker.policy, seeker.party, other, open_))
    linked = bool(describe(seeker.party, other)) or between.contact
    if not verdict.allowed and not (seeker.denied_too and linked and _listed(person)):
        return
    contact = between.contact and seeker.contacts_first
    shown = RecipientFound(
        kind="user",
        id=person.id,
        name=person.name,
        title=person.title,
        avatar_url=person.avatar_url,
        verdict=_shown(verdict),
    )
    yield _found("contact" if contact else "user", shown)


def _listed(person: PersonRecord) -> bool:
    """Guests are in no list at all (MOO-23)."""
    return any(role != "guest" for role in person.roles)


def _roster(seeker: _Seeker, roster: RosterRecord) -> Iterator[_Found]:
    # A unit has no conversation of its own: its people are written to one by one.
    kind: Kind = KIND_OF.get(roster.kind, "mass")
    role = seeker.party.role_in(roster.kind, roster.id)
    case = Case(seeker.policy, seeker.party, kind=kind, roster_role=role)
    verdict = decide("start", case)
    if verdict.allowed or seeker.denied_too:
        shown = RecipientFound(
            kind=roster.kind,
            id=roster.id,
            name=roster.name,
            size=roster.size,
            verdict=_shown(verdict),
        )
        yield _found(roster.kind, shown)


def _found(kind: str, shown: RecipientFound) -> _Found:
    denied = shown.verdict is not None and not shown.verdict.allowed
    name = shown.name.casefold()
    return _Found((denied, _KINDS.index(kind), name, shown.id), shown)


def _shown(verdict: Verdict) -> PolicyVerdict:
    return PolicyVerdict(
        allowed=verdict.allowed, rule=verdict.rule, code=verdict.code or None
    )
