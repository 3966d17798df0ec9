"""The one place that decides: facts in, a verdict with its reason code out.

Every door and path asks here: hub, HTTP, search, lists, live delivery. The order is:
being part of it → the site's and the sender's switch → the ordered rules → the
recipient's switch → the conversation's state. The recipient's switch comes behind the
rules, so that nothing about a person is told to somebody who may not reach that person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chatd.domain.conversations import ConversationRecord
from chatd.domain.messages import MessageRecord
from chatd.domain.people import PersonRecord
from chatd.domain.policy import (
    Action,
    InitiateRule,
    Kind,
    Policy,
    Relation,
    Right,
    Verdict,
    allow,
    refuse,
)
from chatd.domain.relations import PREDICATES, Party

_ROSTER_KINDS: Final = frozenset({"course", "project"})
_STATE_CODES: Final[Mapping[str, str]] = {
    "closed": "conversation_closed",
    "deleted": "conversation_deleted",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One person towards one conversation: all that decides what the person may do.

    Attributes:
        member: whether the person takes part now.
        roster_role: the person's role on the roster that the conversation follows.
        peer: the other person of a direct conversation.
    """

    policy: Policy
    person: PersonRecord
    conversation: ConversationRecord
    member: bool
    roster_role: str | None = None
    peer: PersonRecord | None = None

    @property
    def is_staff(self) -> bool:
        """Whether the person is a teacher or administrator here (ITS-80)."""
        staff, roles = self.policy.staff, frozenset(self.person.roles)
        if self.conversation.kind in _ROSTER_KINDS:
            return self.roster_role in staff.roster_roles or bool(
                roles & staff.roster_wide_roles
            )
        return bool(roles & staff.roles)


@dataclass(frozen=True, slots=True)
class _Deed:
    """What an action needs besides the right to it.

    `speaks`: it brings words before others, so messaging must be on for the person;
    `reaches`: and for the other one of a direct conversation;
    `refused_in`: states of the conversation that forbid it (ITS-100, 102, 105).
    """

    speaks: bool = False
    reaches: bool = False
    refused_in: frozenset[str] = frozenset()


_WRITABLE: Final = frozenset({"closed", "deleted"})
_NOT_DELETED: Final = frozenset({"deleted"})

DEEDS: Final[Mapping[Action, _Deed]] = {
    "send": _Deed(speaks=True, reaches=True, refused_in=_WRITABLE),
    "edit": _Deed(speaks=True, refused_in=_WRITABLE),
    "delete": _Deed(),
    "deleteOthers": _Deed(),
    "rename": _Deed(speaks=True, refused_in=_WRITABLE),
    "addParticipants": _Deed(speaks=True, refused_in=_WRITABLE),
    "removeParticipants": _Deed(),
    "leave": _Deed(),
    "close": _Deed(refused_in=_NOT_DELETED),
    "reopen": _Deed(refused_in=_NOT_DELETED),
    "deleteConversation": _Deed(),
}
"""Every action of the contract. What undoes harm is possible in every state."""


def may(action: Action, standing: Standing) -> Verdict:
    """May this person do this in this conversation?"""
    kind, policy = standing.conversation.kind, standing.policy
    rule = f"{action}.{kind}"
    if not standing.member:
        code = "not_enrolled" if kind in _ROSTER_KINDS else "not_participant"
        return refuse(code, "membership")
    deed = DEEDS[action]
    if deed.speaks and (switch := _may_speak(policy, standing.person)) is not None:
        return switch
    right = policy.rights[action].get(kind)
    if right is None or not _has(right, standing):
        return refuse("forbidden", rule)
    if deed.reaches and (switch := _can_be_reached(standing.peer)) is not None:
        return switch
    if standing.conversation.state in deed.refused_in:
        return refuse(_STATE_CODES[standing.conversation.state], "state")
    return allow(rule)


def denied(standing: Standing) -> dict[str, str]:
    """Every action that is not allowed, with its reason code."""
    verdicts = {action: may(action, standing) for action in DEEDS}
    return {a: verdict.code for a, verdict in verdicts.items() if not verdict.allowed}


def may_edit(standing: Standing, message: MessageRecord, now_ms: int) -> Verdict:
    """May this person change this message's text (ITS-139, 141)?"""
    verdict = may("edit", standing)
    if not verdict.allowed:
        return verdict
    if message.author_id != standing.person.id or message.kind != "text":
        return refuse("forbidden", "edit.own")
    window_s = standing.policy.edit_window_s
    if window_s and now_ms - message.created_at_ms > window_s * 1000:
        return refuse("edit_window_over", "edit.window")
    return verdict


def may_remove(standing: Standing, message: MessageRecord) -> Verdict:
    """May this person take this message's content away for everybody (ITS-41, 81)?"""
    if message.author_id == standing.person.id:
        return may("delete", standing)
    return may("deleteOthers", standing)


def may_upload(policy: Policy, person: PersonRecord) -> Verdict:
    """May this person upload files, to send them somewhere later?"""
    return _may_speak(policy, person) or allow("upload")


def may_start(policy: Policy, person: PersonRecord, kind: Kind) -> Verdict:
    """May this person start a conversation of this kind at all?"""
    rule = f"start.{kind}"
    if (switch := _may_speak(policy, person)) is not None:
        return switch
    if kind not in policy.kinds:
        return refuse("forbidden", rule)
    if kind == "group" and not _fits(policy.group_creators, person):
        return refuse("role_cannot_initiate", rule)
    return allow(rule)


def may_start_for_roster(
    policy: Policy, person: PersonRecord, role: str | None
) -> Verdict:
    """May this person start the conversation of a roster that has them in this role?

    `None` for the role means not on it, and is also the answer for a roster that does
    not exist (ITS-3).
    """
    if (switch := _may_speak(policy, person)) is not None:
        return switch
    if role is None:
        return refuse("not_enrolled", "start.roster")
    if role not in policy.roster_starters:
        return refuse("role_cannot_initiate", "start.roster")
    return allow("start.roster")


def may_initiate(policy: Policy, sender: Party, recipient: Party | None) -> Verdict:
    """May the sender write first to the recipient?

    A recipient who does not exist (`None`) is judged as a person without any relation:
    the answer tells a stranger from nobody only to those who may reach strangers.
    """
    if (switch := _may_speak(policy, sender.person)) is not None:
        return switch
    rows = [rule for rule in policy.initiate if _fits(rule.senders, sender.person)]
    if not rows:
        return refuse("role_cannot_initiate", "initiate")
    row = next((row for row in rows if _connects(row, sender, recipient)), None)
    if row is None:
        return refuse("no_relationship", "initiate")
    if recipient is None:
        return refuse("recipient_unknown", row.id)
    return _can_be_reached(recipient.person) or allow(row.id)


def _connects(row: InitiateRule, sender: Party, recipient: Party | None) -> bool:
    if recipient is None:
        return not row.recipients and row.relation is Relation.ANYBODY
    return _fits(row.recipients, recipient.person) and PREDICATES[row.relation](
        sender, recipient
    )


def _may_speak(policy: Policy, person: PersonRecord) -> Verdict | None:
    if not policy.enabled:
        return refuse("messaging_disabled_site", "site")
    if person.messaging_disabled:
        return refuse("messaging_disabled_sender", "sender")
    return None


def _can_be_reached(person: PersonRecord | None) -> Verdict | None:
    if person is None:
        return None
    if not person.active:
        return refuse("recipient_unavailable", "recipient")
    if person.messaging_disabled:
        return refuse("messaging_disabled_recipient", "recipient")
    return None


def _fits(roles: frozenset[str], person: PersonRecord) -> bool:
    return not roles or not roles.isdisjoint(person.roles)


def _has(right: Right, standing: Standing) -> bool:
    creator = standing.conversation.created_by == standing.person.id
    return (
        right.member
        or (right.creator and creator)
        or (right.staff and standing.is_staff)
    )
