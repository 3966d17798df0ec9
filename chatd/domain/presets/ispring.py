"""The two iSpring Learn presets: limited messaging, and open messaging.

Owners and administrators reach everybody, department administrators the people of what
they manage, supervisors their team, instructors their learners; a learner only the
instructors of his courses. Whoever was written to may answer. When nothing connects
the two any longer, the chat is kept and can only be read (ISP-24, ISP-25).

Deleting a message takes it away for all, at once and without a trace; deleting a chat
takes it away for oneself. Open messaging adds one row: everybody reaches everybody.
"""

from typing import Final

import msgspec

from chatd.domain.conversations import Kind
from chatd.domain.policy import (
    NOT_GUESTS,
    InitiateRule,
    Override,
    Policy,
    Relation,
    Roles,
    Staff,
    Who,
)

_ADMINS: Final[Roles] = ("owner", "admin")
_LEARNERS: Final[Roles] = ("student",)
_MEMBER: Final[tuple[Who, ...]] = ("member",)
_KINDS: Final[tuple[Kind, ...]] = ("direct", "group")

ISPRING_LIMITED: Final = Policy(
    name="ispring-limited",
    when_disabled="show_person_without_action",  # ISP-22
    kinds=_KINDS,
    recipient_kinds=("user",),
    override=Override(roles=_ADMINS),  # ISP-1, 2
    initiate=(
        InitiateRule(
            id="department",
            senders=("departmentAdmin",),
            relation=Relation.MANAGES_DEPARTMENT_OF,
            basis=("ISP-3",),
        ),
        InitiateRule(
            id="team",
            senders=("supervisor",),
            relation=Relation.SUPERVISES,
            basis=("ISP-30", "ISP-31"),
        ),
        InitiateRule(
            id="own-learners",
            senders=("teacher", "author"),
            relation=Relation.TEACHES_IN_COURSE,
            basis=("ISP-7", "ISP-30"),
        ),
        InitiateRule(
            id="instructor",
            senders=_LEARNERS,
            relation=Relation.INSTRUCTOR_OF_CONTENT_ITEM,
            basis=("ISP-5", "ISP-6", "ISP-8"),
        ),
        # ISP-35 contradicts ISP-5: three switches, off unless a portal turns them on.
        InitiateRule(
            id="learner-to-admins",
            senders=_LEARNERS,
            recipients=_ADMINS,
            relation=Relation.ANYBODY,
            enabled=False,
            basis=("ISP-35",),
        ),
        InitiateRule(
            id="learner-to-department",
            senders=_LEARNERS,
            recipients=("departmentAdmin", "author"),
            relation=Relation.DEPARTMENT_MANAGED_BY,
            enabled=False,
            basis=("ISP-35",),
        ),
        InitiateRule(
            id="learner-to-supervisor",
            senders=_LEARNERS,
            relation=Relation.SUPERVISED_BY,
            enabled=False,
            basis=("ISP-30", "ISP-35"),
        ),
    ),
    reply="always",  # ISP-4, 7
    relationship_ended="read_only",  # ISP-24, 25
    group_creators=(*_ADMINS, "departmentAdmin", "supervisor"),  # ISP-33
    staff=Staff(roles=_ADMINS),
    rights={
        "send": dict.fromkeys(_KINDS, _MEMBER),
        "delete": dict.fromkeys(_KINDS, _MEMBER),  # ISP-13, 15
        "rename": {"group": ("creator",)},
        "addParticipants": {"group": ("creator", "staff")},
        "removeParticipants": {"group": ("creator", "staff")},
        "leave": {"group": _MEMBER},
        "deleteConversation": dict.fromkeys(_KINDS, _MEMBER),  # ISP-15, 16
    },
    confirm=("deleteConversation",),  # ISP-14, 16
    tombstone="none",
    conversation_delete=dict.fromkeys(_KINDS, "for_me"),  # ISP-18
    search_people="visible",
)

ISPRING_OPEN: Final = msgspec.structs.replace(
    ISPRING_LIMITED,
    name="ispring-open",
    initiate=(
        InitiateRule(
            id="everybody",
            senders=NOT_GUESTS,
            recipients=NOT_GUESTS,
            relation=Relation.ANYBODY,
            basis=("ISP-29", "ISP-32"),
        ),
        *ISPRING_LIMITED.initiate,
    ),
)
