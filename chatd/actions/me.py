"""The caller's own person and settings."""

from typing import Final

from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out
from chatd.actions.basis.facts import parties, policy_of
from chatd.actions.directory.telling import everywhere
from chatd.domain.cases import Case
from chatd.domain.conversations import Kind
from chatd.domain.people import Accepts, Caller, PersonRecord
from chatd.domain.policy import Policy
from chatd.domain.presets.changing import as_json
from chatd.domain.relations import Party
from chatd.domain.verdicts import decide
from chatd.errors import Refused, invalid
from chatd.limits import describe
from chatd.store import people, personal
from chatd.store.change import Change, Write
from chatd.store.personal import SetPreferences
from chatd.store.transaction import Transaction
from chatd_protocol.chat import requests
from chatd_protocol.chat.objects import Person, Preferences
from chatd_protocol.chat.results import Me

FEATURES: Final = (
    "watchEvents",
    "attachments",
    "search",
    "contacts",
    "blocks",
    "reports",
    "massMessages",
)
"""What this server offers beyond the methods that every version has."""

RULES: Final = (
    "enabled",
    "whenDisabled",
    "kinds",
    "reply",
    "recipientPrivacy",
    "contacts",
    "confirm",
    "editWindowS",
    "tombstone",
    "conversationDelete",
    "report",
    "block",
    "badge",
    "attachments",
    "enterSends",
    "availability",
    "readReceipts",
    "searchPeople",
)
"""Keys of the policy that every client is told."""

STARTED_BY_HAND: Final[tuple[Kind, ...]] = ("direct", "group", "self")
UNKNOWN: Final = "recipient_unknown"


async def get(context: Context, caller: Caller, _request: requests.GetMe) -> Me:
    """Who the caller is, what there is to use, and within which limits.

    Raises:
        Refused: `not_found` for somebody who was taken out of the directory.
    """
    party, policy, seq = await context.store.read(_me, caller)
    person = party.person
    shown = as_json(policy)
    return Me(
        person=Person(
            id=person.id,
            name=person.name,
            roles=person.roles,
            tenant=caller.tenant,
            title=person.title,
            avatar_url=person.avatar_url,
            messaging_disabled=True if person.messaging_disabled else None,
        ),
        preferences=preferences_of(person),
        features=FEATURES,
        limits=describe(context.limits),
        personal_seq=seq,
        epoch=context.store.epoch,
        rules={key: shown[key] for key in RULES},
        denied=_denied(policy, party),
    )


async def _me(tx: Transaction, caller: Caller) -> tuple[Party, Policy, int]:
    known = await parties(tx, caller.tenant, [caller.user_id])
    if caller.user_id not in known:
        raise Refused("not_found")
    policy = await policy_of(tx, caller.tenant)
    seq = await personal.head(tx, caller.tenant, caller.user_id)
    return known[caller.user_id], policy, seq


def _denied(policy: Policy, me: Party) -> dict[str, str]:
    """What the caller cannot start by hand, and why (ISP-5)."""
    found: dict[str, str] = {}
    for kind in STARTED_BY_HAND:
        case = Case(policy, me, kind=kind)
        verdict = decide("start", case)
        if verdict.allowed and kind in ("direct", "group"):
            verdict = decide("initiate", case)
        # Who may write first to somebody is answered as that one, who is nobody yet.
        if not verdict.allowed and verdict.code not in ("no_relationship", UNKNOWN):
            found[kind] = verdict.code
    return found


def preferences_of(person: PersonRecord) -> Preferences:
    """A person's settings as the contract shows them."""
    return Preferences(
        enter_sends=person.enter_sends,
        language=person.language,
        accepts=person.accepts,
    )


async def update_preferences(
    context: Context, caller: Caller, request: requests.UpdatePreferences
) -> Preferences:
    """Change the caller's settings, on all the caller's devices.

    Raises:
        Refused: `invalid_request` for a choice that the policy does not offer (MOO-14).
    """
    accepts = request.accepts
    write = SetPreferences(
        caller.user_id, request.enter_sends, request.language, accepts
    )

    async def change() -> Change | None:
        if (request.enter_sends, request.language, accepts) == (None, None, None):
            return None
        told: tuple[Write, ...] = ()
        if accepts is not None:
            told = await context.store.read(_choosing, caller, accepts)
        return Change(caller.tenant, context.clock.now_ms(), (write, *told))

    await carry_out(context, change)
    person = await context.store.read(people.get, caller.tenant, caller.user_id)
    if person is None:
        raise Refused("not_found")
    return preferences_of(person)


async def _choosing(
    tx: Transaction, caller: Caller, accepts: Accepts
) -> tuple[Write, ...]:
    privacy = (await policy_of(tx, caller.tenant)).recipient_privacy
    if not privacy.enabled or (accepts == "anyone" and not privacy.site_wide):
        raise invalid("/accepts", "not_available")
    return await everywhere(tx, caller.tenant, caller.user_id)
