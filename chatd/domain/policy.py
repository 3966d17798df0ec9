"""The schema of a tenant's rules: what a preset says, as data.

A preset is a `Policy` value and nothing else. Whoever adds one writes rows; the
functions that read them (`verdicts.py`) ask for no preset by name. The keys follow the
platforms' comparison: who may initiate, who may do what in which kind of conversation,
what a removal leaves behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from chatd.domain.members import History

Action = Literal[
    "send",
    "edit",
    "delete",
    "deleteOthers",
    "rename",
    "addParticipants",
    "removeParticipants",
    "leave",
    "close",
    "reopen",
    "deleteConversation",
]
"""What a person may do in a conversation."""

Kind = Literal["direct", "group", "course", "project", "courseGroup", "mass", "self"]

Reply = Literal["always", "unless_blocked_or_closed"]
"""`always`: whoever is in a conversation may answer there, with no new look at what
connects them; the other differs once people can block each other."""


class Relation(StrEnum):
    """What connects a sender to a recipient; each has its predicate in relations.py."""

    ANYBODY = "anybody"
    SAME_COURSE = "same_course"
    SAME_PROJECT = "same_project"
    SAME_UNIT = "same_unit"
    TEACHES_IN_COURSE = "teaches_in_course"
    TAUGHT_BY = "taught_by"


ANY_ROLE: Final[frozenset[str]] = frozenset()
"""In a row: whatever the person's roles are."""


@dataclass(frozen=True, slots=True)
class InitiateRule:
    """Whoever has one of `senders` may write first to `recipients` so related."""

    id: str
    senders: frozenset[str]
    recipients: frozenset[str]
    relation: Relation


@dataclass(frozen=True, slots=True)
class Right:
    """Who of a conversation's participants may do something in it."""

    member: bool = False
    creator: bool = False
    staff: bool = False


@dataclass(frozen=True, slots=True)
class Staff:
    """Who counts as teacher or administrator of a conversation.

    `roles` count anywhere but in a conversation that follows a roster; there it is the
    person's role in that very roster that counts (a teacher of one course may be a
    student of another), besides `roster_wide_roles`.
    """

    roles: frozenset[str]
    roster_roles: frozenset[str]
    roster_wide_roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Policy:
    """All that the rules of a tenant are made of.

    Attributes:
        enabled: whether there is messaging at all.
        kinds: the kinds of conversation that people can start.
        recipient_kinds: what may be named as a recipient.
        initiate: rows in order; the first that fits allows, none refuses.
        reply: whether a participant may go on writing.
        group_creators: roles that may start a group; empty means all.
        roster_starters: roles in a course or project whose bearers may start its
            conversation.
        recipients_max: most people of one start that is made by hand (ITS-51, 52).
        staff: who is teacher or administrator of a conversation.
        rights: action → kind → who; a kind that is absent does not offer the action.
        edit_window_s: seconds in which an own message may be edited, 0 for ever.
        names_remover: whether a removal by staff says by whom.
        history_for_new_members: whether who joins sees what was before.
    """

    name: str
    enabled: bool
    kinds: frozenset[Kind]
    recipient_kinds: frozenset[str]
    initiate: tuple[InitiateRule, ...]
    reply: Reply
    group_creators: frozenset[str]
    roster_starters: frozenset[str]
    recipients_max: int
    staff: Staff
    rights: Mapping[Action, Mapping[Kind, Right]]
    edit_window_s: int
    names_remover: bool
    history_for_new_members: History


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something is allowed; if not, why; and which row decided."""

    allowed: bool
    code: str
    rule: str


def allow(rule: str) -> Verdict:
    """Yes, because of this row."""
    return Verdict(allowed=True, code="", rule=rule)


def refuse(code: str, rule: str) -> Verdict:
    """No, with a reason code, because of this row."""
    return Verdict(allowed=False, code=code, rule=rule)
