"""The schema of a tenant's rules: what a preset says, as data.

A preset is a `Policy` value and nothing else. Whoever adds one writes rows; the
functions that read them (`verdicts.py`) ask for no preset by name. The keys follow the
platforms' comparison; JSON names are camelCase, unknown keys are refused by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec

from chatd.domain.conversations import Kind
from chatd.domain.members import History
from chatd.domain.people import ROLES, Accepts, Role

Action = Literal[
    "send",
    "edit",
    "delete",
    "deleteOthers",
    "deleteForMe",
    "forward",
    "rename",
    "addParticipants",
    "removeParticipants",
    "leave",
    "close",
    "reopen",
    "deleteConversation",
    "restore",
    "report",
    "reportConversation",
]
"""What a person may do in a conversation."""

Deed = Action | Literal["initiate", "start", "upload", "reportTo", "review"]
"""`initiate`: write first to a person; `start`: begin a conversation of a kind;
`upload`: bring a file, to send it somewhere later; `reportTo`: have somebody look after
a report; `review`: look after one."""

RecipientKind = Literal["user", "course", "project", "group", "unit"]


class Relation(StrEnum):
    """What connects a sender to a recipient; each has its predicate in relations.py."""

    ANYBODY = "anybody"
    SAME_COURSE = "same_course"
    TEACHES_IN_COURSE = "teaches_in_course"
    TAUGHT_BY = "taught_by"
    INSTRUCTOR_OF_CONTENT_ITEM = "instructor_of_content_item"
    SAME_BATCH = "same_batch"
    BATCH_OF_MINE = "batch_of_mine"
    SAME_PROJECT = "same_project"
    SAME_DEPARTMENT = "same_department"
    SAME_INSTITUTION = "same_institution"
    MANAGES_DEPARTMENT_OF = "manages_department_of"
    DEPARTMENT_MANAGED_BY = "department_managed_by"
    IN_MY_HIERARCHY = "in_my_hierarchy"
    SUPERVISES = "supervises"
    SUPERVISED_BY = "supervised_by"
    GUARDIAN_OF = "guardian_of"
    CONTACT = "contact"
    EXISTING_CONVERSATION = "existing_conversation"


ANY_ROLE: Final[tuple[Role, ...]] = ()
"""In a row: whatever the person's roles are."""

NOT_GUESTS: Final[tuple[Role, ...]] = tuple(role for role in ROLES if role != "guest")

Who = Literal["member", "creator", "staff", "guest", "reviewer"]
"""`guest`: somebody who came in by a report of the whole conversation and is no member;
`reviewer`: somebody who looks after a report of it, or of something in it."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Roles = tuple[Role, ...]
Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]


class InitiateRule(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """Whoever has one of `senders` may, or may not, write first to `recipients`.

    No roles named means any. `basis` names the requirements that the row follows; a
    row that is not `enabled` stands for a switch that a school may turn on.
    """

    id: Name
    relation: Relation
    senders: Roles = ANY_ROLE
    recipients: Roles = ANY_ROLE
    effect: Literal["allow", "deny"] = "allow"
    enabled: bool = True
    basis: tuple[str, ...] = ()


class Staff(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """Who counts as teacher or administrator of a conversation.

    `roles` count anywhere but in a conversation that follows a roster; there it is the
    person's role in that very roster that counts (a teacher of one course may be a
    student of another), besides `roster_wide_roles`.
    """

    roles: Roles = ()
    roster_roles: tuple[str, ...] = ()
    roster_wide_roles: Roles = ()


class SwitchedOff(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """Whole groups without messaging (ITS-118, ITS-123): who has these roles only, and
    who is on one of these rosters, written `unit:lower-school`."""

    roles: Roles = ()
    rosters: tuple[str, ...] = ()


class Privacy(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """Whether recipients choose who may write to them (MOO-13 … 16).

    `site_wide` lets a person accept anyone; without it a stored "anyone" counts as
    "courses". `default` stands for who never chose.
    """

    enabled: bool = False
    site_wide: bool = False
    default: Accepts = "courses"


class Override(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """Who reaches people whatever these prefer: by role or privilege everybody, by a
    role in a course the people of that course (MOO-17, MOO-83)."""

    roles: Roles = ()
    privileges: tuple[str, ...] = ()
    course_roles: tuple[str, ...] = ()


class Mass(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """Who sends to many at once: by role or by a privilege; to whom; who may answer.

    `audience`: people of the sender's own units and below, or besides whoever the
    sender may reach one by one. `replies`: none, or each has the message in a direct
    conversation with the sender. Nobody has it for the first `undo_s` seconds.
    """

    roles: Roles = ()
    privileges: tuple[str, ...] = ()
    audience: Literal["hierarchy", "reachable"] = "hierarchy"
    replies: Literal["none", "direct"] = "none"
    undo_s: Annotated[int, msgspec.Meta(ge=0, le=3_600)] = 5


class Report(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """Where a report goes, who is told the reporter's name, what it opens.

    `chosen`: what connects a reporter to those who may be chosen; `reviewers` may be
    chosen by everybody, and look after the central queue if the reports go there.
    `whole`: kinds of conversation that can be reported as such. `context`: messages
    before and after the reported one that are kept with the report and shown.
    """

    to: Literal["none", "chosen_teacher", "central_queue"] = "none"
    anonymous: Literal["never", "except_direct", "always"] = "always"
    gives_access: Literal["none", "guest_moderator", "read_context"] = "none"
    chosen: tuple[Relation, ...] = ()
    reviewers: Roles = ()
    whole: tuple[Kind, ...] = ()
    context: Annotated[int, msgspec.Meta(ge=0, le=20)] = 5


class Block(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """What blocking does, in direct conversations only.

    `mutual_silent`: neither can write, and the blocked one does not see why;
    `one_way`: the blocked one cannot. Blocks of `exempt_roles` have no effect.
    """

    mode: Literal["none", "mutual_silent", "one_way"] = "none"
    exempt_roles: Roles = ()


class Pii(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """What becomes of contact data in a text (TUT-26); `flag` tells the moderators."""

    phone: Literal["allow", "warn_sender", "mask", "hold", "block"] = "allow"
    social: Literal["allow", "warn_sender", "mask", "hold", "block"] = "allow"
    flag: bool = False


class Policy(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """All that the rules of a tenant are made of.

    Attributes:
        enabled: whether there is messaging at all.
        when_disabled: what clients show of people where there is none.
        switched_off: groups of people without it.
        kinds: the kinds of conversation that there are.
        recipient_kinds: what may be named as a recipient.
        initiate: rows in order; the first that fits decides, none refuses.
        reply: whether a participant may go on writing: always, always but for blocks
            and closing, or only while it might be started.
        relationship_ended: what becomes of a direct conversation whose two people are
            no longer connected: it can be read only, the rules are asked again, or
            nothing but for rosters, which take people out.
        group_creators: roles that may start a group; empty means all.
        roster_starters: roles on a roster whose bearers may start its conversation.
        recipients_max: most people of one start that is made by hand (ITS-51, 52);
            none: no bound but the rate.
        fanout: who may write to several at once, one by one: nobody, everybody, or who
            may send mass messages.
        rights: action → kind → who; a kind that is absent does not offer the action.
        confirm: actions that a client has confirmed first.
        edit_window_s: seconds in which an own message may be edited, 0 for ever.
        tombstone: what a removal leaves behind: nothing, a neutral notice, or a notice
            with the name of the staff who removed it.
        retain_removed_days: how long a removed text is kept for safeguarding.
        retain_days: how long messages are kept, by kind of conversation; 0 or a kind
            that is absent: for ever.
        conversation_delete: what deleting means, by kind.
        history_for_new_members: whether who joins sees what was before.
    """

    name: Name
    enabled: bool = True
    when_disabled: Literal["show_person_without_action", "explain", "hide"] = "hide"
    switched_off: SwitchedOff = SwitchedOff()
    kinds: tuple[Kind, ...]
    recipient_kinds: tuple[RecipientKind, ...]
    initiate: tuple[InitiateRule, ...]
    reply: Literal["always", "unless_blocked_or_closed", "same_as_initiate"]
    relationship_ended: Literal["read_only", "remove", "recheck"]
    recipient_privacy: Privacy = Privacy()
    contacts: Literal["off", "requests"] = "off"
    override: Override = Override()
    group_creators: Roles = ()
    roster_starters: tuple[str, ...] = ()
    recipients_max: Annotated[int, msgspec.Meta(ge=1)] | None = None
    fanout: Literal["none", "everybody", "mass"] = "none"
    mass: Mass = Mass()
    staff: Staff = Staff()
    rights: Mapping[Action, Mapping[Kind, tuple[Who, ...]]]
    confirm: tuple[Action, ...] = ()
    edit_window_s: Annotated[int, msgspec.Meta(ge=0)] = 0
    tombstone: Literal["none", "neutral", "named"]
    retain_removed_days: Days = 0
    retain_days: Mapping[Kind, Days] = {}
    conversation_delete: Mapping[Kind, Literal["for_me", "read_only_for_all"]] = {}
    report: Report = Report()
    block: Block = Block()
    staff_read: Literal["none", "only_reported", "capability"] = "none"
    badge: Literal["messages", "conversations_and_requests"] = "messages"
    attachments: bool = True
    enter_sends: bool = False
    history_for_new_members: History = "all"
    availability: Literal["off", "show", "show_and_hint"] = "off"
    pii: Pii = Pii()
    read_receipts: bool = False
    search_people: Literal["visible", "permitted", "contacts_and_visible"] = "permitted"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something is allowed; if not, why; and which row decided.

    `silent`: the reason shows only when it is tried, never in a list of what is denied
    (ITS-96).
    """

    allowed: bool
    code: str
    rule: str
    silent: bool = False


def allow(rule: str) -> Verdict:
    """Yes, because of this row."""
    return Verdict(allowed=True, code="", rule=rule)


def refuse(code: str, rule: str, *, silent: bool = False) -> Verdict:
    """No, with a reason code, because of this row."""
    return Verdict(allowed=False, code=code, rule=rule, silent=silent)
