"""What a verdict rests on, and the small questions that it is put together from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from chatd.domain.conversations import ConversationRecord, Kind
from chatd.domain.messages import MessageRecord
from chatd.domain.policy import NOT_GUESTS, InitiateRule, Policy, Relation, Roles
from chatd.domain.relations import NOTHING, PREDICATES, Between, Pair, Party
from chatd.domain.reporting.records import ReportRecord

ROSTER_KINDS: Final[Mapping[Kind, str]] = {
    "course": "course",
    "project": "project",
    "courseGroup": "group",
}
"""The kinds whose members follow a roster, and the roster's kind."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a verdict rests on. What does not concern the deed stays empty.

    Attributes:
        recipient: who is written to first, or the other one of a direct conversation;
            None when there is no such person.
        conversation: where it is to happen, None when it is to be started.
        kind: what is to be started.
        member: whether the sender takes part now.
        roster_role: the sender's role on the roster that the conversation follows.
        message: the message that is edited or removed.
        count: people that one start reaches besides the sender.
        individually: whether each of several gets a message of their own.
        through: how somebody comes to it by a report, member or not.
        report: the report that is looked after.
        scopes: what the sender's token grants besides.
    """

    policy: Policy
    sender: Party
    recipient: Party | None = None
    between: Between = NOTHING
    conversation: ConversationRecord | None = None
    kind: Kind = "direct"
    member: bool = False
    roster_role: str | None = None
    message: MessageRecord | None = None
    now_ms: int = 0
    count: int = 0
    individually: bool = False
    through: Literal["", "guest", "reviewer"] = ""
    report: ReportRecord | None = None
    scopes: frozenset[str] = frozenset()

    @property
    def where(self) -> Kind:
        """The kind of the conversation that there is or is to be."""
        return self.kind if self.conversation is None else self.conversation.kind

    @property
    def pair(self) -> Pair | None:
        """The sender and the recipient, if there is one."""
        if self.recipient is None:
            return None
        return Pair(self.sender, self.recipient, self.between)

    @property
    def is_staff(self) -> bool:
        """Whether the sender is a teacher or administrator here (ITS-80)."""
        staff, roles = self.policy.staff, self.sender.person.roles
        if self.where in ROSTER_KINDS:
            wide = any(role in staff.roster_wide_roles for role in roles)
            return wide or self.roster_role in staff.roster_roles
        return any(role in staff.roles for role in roles)


def switched_off(policy: Policy, party: Party) -> bool:
    """Whether there is no messaging for a person (ITS-118, ITS-123)."""
    off, person = policy.switched_off, party.person
    if person.messaging_disabled:
        return True
    if off.roles and all(role in off.roles for role in person.roles):
        return True
    return any(f"{one.kind}:{one.roster_id}" in off.rosters for one in party.enrolments)


def fits(roles: Roles, party: Party) -> bool:
    """Whether a person has one of these roles."""
    return not roles or any(role in roles for role in party.person.roles)


def connects(row: InitiateRule, case: Case) -> bool:
    """Whether a row speaks of these two people."""
    pair = case.pair
    if pair is None:
        everybody = not row.recipients or set(NOT_GUESTS) <= set(row.recipients)
        return everybody and row.relation is Relation.ANYBODY
    return fits(row.recipients, pair.recipient) and PREDICATES[row.relation](pair)


def overrides_everywhere(case: Case) -> bool:
    """Reaches everybody of the tenant, whatever they prefer."""
    override, person = case.policy.override, case.sender.person
    return any(role in override.roles for role in person.roles) or any(
        one in override.privileges for one in person.details.privileges
    )


def overrides(case: Case) -> bool:
    """Reaches the recipient whatever that person prefers (MOO-17, MOO-28)."""
    if overrides_everywhere(case):
        return True
    pair, roles = case.pair, case.policy.override.course_roles
    if pair is None or not roles:
        return False
    theirs = {
        one.roster_id for one in pair.recipient.enrolments if one.kind == "course"
    }
    return any(
        one.kind == "course" and one.roster_id in theirs and one.role in roles
        for one in pair.sender.enrolments
    )


def exempt(case: Case, party: Party) -> bool:
    """Whether a block of this person has no effect (ITS-98)."""
    exempt = case.policy.block.exempt_roles
    return any(role in exempt for role in party.person.roles)


def has(who: tuple[str, ...], case: Case) -> bool:
    """Whether the sender is one of those who have a right."""
    if case.through and (case.through in who or not case.member):
        return case.through in who
    conversation = case.conversation
    creator = conversation is not None and (
        conversation.created_by == case.sender.person.id
    )
    return (
        "member" in who
        or ("creator" in who and creator)
        or ("staff" in who and case.is_staff)
    )
