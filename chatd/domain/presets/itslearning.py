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

from chatd.domain.policy import (
    ANY_ROLE,
    InitiateRule,
    Kind,
    Policy,
    Relation,
    Right,
    Staff,
)

_ADMINS: Final = frozenset({"owner", "admin"})
_TEACHERS: Final = frozenset({"teacher"})
_STUDENTS: Final = frozenset({"student"})
_EVERYBODY_BUT_GUESTS: Final = frozenset(
    {
        "owner",
        "admin",
        "departmentAdmin",
        "supervisor",
        "author",
        "teacher",
        "student",
        "guardian",
        "observer",
    }
)

_MEMBER: Final = Right(member=True)
_STAFF: Final = Right(staff=True)
_CREATOR_OR_STAFF: Final = Right(creator=True, staff=True)

_EVERYWHERE: Final[tuple[Kind, ...]] = ("direct", "group", "course", "project")
_CLOSERS: Final[dict[Kind, Right]] = {
    "group": _CREATOR_OR_STAFF,
    "course": _STAFF,
    "project": _STAFF,
}

ITSLEARNING: Final = Policy(
    name="itslearning",
    enabled=True,
    kinds=frozenset(_EVERYWHERE),
    recipient_kinds=frozenset({"user", "course", "project"}),  # ITS-43
    initiate=(
        InitiateRule("admin", _ADMINS, ANY_ROLE, Relation.ANYBODY),
        InitiateRule("colleague", _TEACHERS, _TEACHERS | _ADMINS, Relation.ANYBODY),
        InitiateRule("unit", _TEACHERS, ANY_ROLE, Relation.SAME_UNIT),
        InitiateRule(
            "teaches", _EVERYBODY_BUT_GUESTS, ANY_ROLE, Relation.TEACHES_IN_COURSE
        ),
        InitiateRule("taught", _EVERYBODY_BUT_GUESTS, ANY_ROLE, Relation.TAUGHT_BY),
        InitiateRule("course", _STUDENTS, _STUDENTS, Relation.SAME_COURSE),
        InitiateRule("project", _STUDENTS | _TEACHERS, ANY_ROLE, Relation.SAME_PROJECT),
    ),
    reply="unless_blocked_or_closed",
    group_creators=ANY_ROLE,  # ITS-16
    roster_starters=frozenset({"teacher", "instructor", "student"}),
    recipients_max=300,  # ITS-51
    staff=Staff(
        roles=_TEACHERS | _ADMINS,
        roster_roles=frozenset({"teacher", "instructor"}),
        roster_wide_roles=_ADMINS,
    ),
    rights={
        "send": dict.fromkeys(_EVERYWHERE, _MEMBER),
        "edit": dict.fromkeys(_EVERYWHERE, _MEMBER),  # ITS-139
        "delete": dict.fromkeys(_EVERYWHERE, _MEMBER),  # ITS-38
        "deleteOthers": dict.fromkeys(_EVERYWHERE, _STAFF),  # ITS-41, 80
        "rename": {"group": _MEMBER},  # ITS-28, 37
        "addParticipants": {"group": _MEMBER},  # ITS-32, 69
        "removeParticipants": {"group": _STAFF},  # ITS-66, 67
        "leave": {"group": _MEMBER},  # ITS-30, 37
        "close": _CLOSERS,  # ITS-31, 34, 106
        "reopen": _CLOSERS,  # ITS-101
        "deleteConversation": {"course": _STAFF, "project": _STAFF},  # ITS-35, 102
    },
    edit_window_s=0,  # ITS-141
    names_remover=True,  # ITS-76
    history_for_new_members="all",  # ITS-70
)
