"""May two people become contacts, may one block the other, and does it help."""

from chatd.domain.cases import Case, exempt, overrides, switched_off
from chatd.domain.policy import Relation, Verdict, allow, refuse
from chatd.domain.relations import PREDICATES

RULE_CONTACTS = "contacts"
RULE_BLOCK = "block"


def may_ask(case: Case) -> Verdict:
    """May the sender ask the recipient to be a contact? (MOO-8, MOO-23)

    Who cannot be reached is answered as who does not exist.
    """
    policy, pair = case.policy, case.pair
    if policy.contacts == "off":
        return refuse("forbidden", RULE_CONTACTS)
    if not policy.enabled:
        return refuse("messaging_disabled_site", "enabled")
    if switched_off(policy, case.sender):
        return refuse("messaging_disabled_sender", "sender")
    if pair is not None:
        reachable = policy.recipient_privacy.site_wide or (
            PREDICATES[Relation.SAME_COURSE](pair)
        )
        there = pair.recipient.person.active and any(
            role != "guest" for role in pair.recipient.person.roles
        )
        if reachable and there:
            return allow(RULE_CONTACTS)
    return refuse("recipient_unknown", RULE_CONTACTS)


def may_block(case: Case, *, acquainted: bool) -> Verdict:
    """May the sender block the recipient, whom they know of? (ITS-94, MOO-29)"""
    if case.policy.block.mode == "none":
        return refuse("forbidden", RULE_BLOCK)
    if case.pair is None or not acquainted:
        return refuse("recipient_unknown", RULE_BLOCK)
    return allow(RULE_BLOCK)


def powerless(case: Case) -> bool:
    """Whether a block of the recipient would do nothing (ITS-98, MOO-28)."""
    pair = case.pair
    if pair is None:
        return False
    turned = pair.turned()
    other = Case(case.policy, turned.sender, turned.recipient, turned.between)
    return exempt(case, pair.recipient) or (
        case.policy.block.mode == "one_way" and overrides(other)
    )
