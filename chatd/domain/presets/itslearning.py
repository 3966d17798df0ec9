"""The itslearning preset: schools whose teachers and students share courses.

Who may write first, where the sources leave it open: administrators reach everybody of
the tenant. Teachers reach colleagues and administrators of the tenant, everybody of
their units and everybody of a course they teach. Students, observers and guardians
reach the teachers of their courses; students also fellow students of a course and
whoever shares a project. Guests answer only. A course's conversation is started by its
teachers and students, not by its observers, and only by those enrolled (ITS-3).

A project is treated as a course is: its teachers close, reopen and delete.
"""

from typing import Final

from chatd.domain.conversations import Kind
from chatd.domain.policy import (
    NOT_GUESTS,
    Block,
    InitiateRule,
    Mass,
    Override,
    Policy,
    Relation,
    Report,
    Roles,
    Staff,
    Who,
)

_ADMINS: Final[Roles] = ("owner", "admin")
_TEACHERS: Final[Roles] = ("teacher",)
_STUDENTS: Final[Roles] = ("student",)
_COMMON: Final = tuple(role for role in NOT_GUESTS if role not in _ADMINS)

_MEMBER: Final[tuple[Who, ...]] = ("member",)
_STAFF: Final[tuple[Who, ...]] = ("staff",)
_CLOSERS_OF_GROUPS: Final[tuple[Who, ...]] = ("creator", "staff", "guest")
# Who came in by a report of a group: ITS-91.
_OR_GUEST: Final[tuple[Who, ...]] = ("member", "guest")
# Who looks after a report may take away what it is about: ITS-88.
_MODERATORS: Final[tuple[Who, ...]] = ("staff", "guest", "reviewer")
_REVIEWERS: Final[tuple[Who, ...]] = ("guest", "reviewer")

_EVERYWHERE: Final[tuple[Kind, ...]] = ("direct", "group", "course", "project")
_CLOSERS: Final[dict[Kind, tuple[Who, ...]]] = {
    "group": _CLOSERS_OF_GROUPS,
    "course": _STAFF,
    "project": _STAFF,
}

ITSLEARNING: Final = Policy(
    name="itslearning",
    when_disabled="explain",  # ITS-119
    kinds=(*_EVERYWHERE, "mass"),
    recipient_kinds=("user", "course", "project"),  # ITS-43
    override=Override(roles=_ADMINS),
    initiate=(
        InitiateRule(
            id="colleague",
            senders=_TEACHERS,
            recipients=_TEACHERS + _ADMINS,
            relation=Relation.ANYBODY,
            basis=("ITS-123",),
        ),
        InitiateRule(
            id="unit",
            senders=_TEACHERS,
            relation=Relation.SAME_DEPARTMENT,
            basis=("ITS-123",),
        ),
        InitiateRule(
            id="teaches",
            senders=_COMMON,
            relation=Relation.TEACHES_IN_COURSE,
            basis=("ITS-27", "ITS-123"),
        ),
        InitiateRule(
            id="taught",
            senders=_COMMON,
            relation=Relation.TAUGHT_BY,
            basis=("ITS-82", "ITS-123"),
        ),
        InitiateRule(
            id="course",
            senders=_STUDENTS,
            recipients=_STUDENTS,
            relation=Relation.SAME_COURSE,
            basis=("ITS-79", "ITS-123"),
        ),
        InitiateRule(
            id="project",
            senders=_STUDENTS + _TEACHERS,
            relation=Relation.SAME_PROJECT,
            basis=("ITS-20",),
        ),
    ),
    reply="unless_blocked_or_closed",
    relationship_ended="remove",  # ITS-19, 65
    roster_starters=("teacher", "instructor", "student"),
    recipients_max=300,  # ITS-51
    fanout="everybody",  # ITS-44
    mass=Mass(privileges=("massMessaging",)),  # ITS-107 … 109
    staff=Staff(
        roles=_TEACHERS + _ADMINS,
        roster_roles=("teacher", "instructor"),
        roster_wide_roles=_ADMINS,
    ),
    rights={
        "send": dict.fromkeys(_EVERYWHERE, _OR_GUEST),  # ITS-91
        "edit": dict.fromkeys(_EVERYWHERE, _OR_GUEST),  # ITS-139
        "delete": dict.fromkeys(_EVERYWHERE, _OR_GUEST),  # ITS-38
        "deleteOthers": dict.fromkeys(_EVERYWHERE, _MODERATORS),  # ITS-41, 80, 88, 91
        "forward": dict.fromkeys(_EVERYWHERE, _MEMBER),  # ITS-38, 39, 42
        "rename": {"group": _MEMBER},  # ITS-28, 37
        "addParticipants": {"group": _MEMBER},  # ITS-32, 69
        "removeParticipants": {"group": _STAFF},  # ITS-66, 67
        "leave": {"group": _OR_GUEST},  # ITS-30, 37
        "close": _CLOSERS,  # ITS-31, 34, 106
        "reopen": _CLOSERS,  # ITS-101
        "deleteConversation": {
            "course": _STAFF,  # ITS-35, 102
            "project": _STAFF,
            "group": ("guest",),  # ITS-91
            "mass": _MEMBER,
        },
        "restore": dict.fromkeys(("group", "course", "project"), _REVIEWERS),  # ITS-92
    },
    confirm=("deleteOthers", "close", "deleteConversation"),  # ITS-75, 99, 102
    edit_window_s=0,  # ITS-141
    tombstone="named",  # ITS-76
    conversation_delete={
        "course": "read_only_for_all",  # ITS-102
        "project": "read_only_for_all",
        "group": "read_only_for_all",
        "mass": "for_me",
    },
    report=Report(
        to="chosen_teacher",  # ITS-83
        anonymous="except_direct",  # ITS-89
        gives_access="guest_moderator",  # ITS-68, 90
        chosen=(Relation.TAUGHT_BY,),
        reviewers=_ADMINS,
        whole=("group",),  # ITS-29, 37
    ),
    block=Block(mode="mutual_silent", exempt_roles=_TEACHERS + _ADMINS),  # ITS-95, 98
    staff_read="only_reported",  # ITS-79
    search_people="visible",
    history_for_new_members="all",  # ITS-70
)
