"""The Moodle preset, which Pluto LMS follows too: the recipient decides.

Everybody but guests may try; the recipient's preference, contacts and blocks say no,
unless the sender may message anyone: by role or privilege on the whole site, as a
teacher in the courses taught (MOO-17). The check is made anew for each message.

A course group with messaging has a conversation that follows it; nobody leaves, renames
or closes it (MOO-49). Messages are deleted for oneself; a manager deletes for all,
without a trace. A talk deleted for oneself returns with the next message (MOO-57).
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
    Privacy,
    Relation,
    Roles,
    Staff,
    Who,
)

_MANAGERS: Final[Roles] = ("owner", "admin")
_MEMBER: Final[tuple[Who, ...]] = ("member",)
_STAFF: Final[tuple[Who, ...]] = ("staff",)
_KINDS: Final[tuple[Kind, ...]] = ("direct", "courseGroup", "self")
_DELETABLE: Final[tuple[Kind, ...]] = ("direct", "self", "mass")

MOODLE: Final = Policy(
    name="moodle",
    kinds=(*_KINDS, "mass"),  # MOO-30, 62
    recipient_kinds=("user",),
    initiate=(
        InitiateRule(
            id="anybody",
            senders=NOT_GUESTS,  # MOO-12
            recipients=NOT_GUESTS,  # MOO-23
            relation=Relation.ANYBODY,
            basis=("MOO-12", "MOO-17", "MOO-23"),
        ),
    ),
    reply="same_as_initiate",  # MOO-17
    relationship_ended="recheck",
    recipient_privacy=Privacy(enabled=True),  # MOO-13 … 16, MOO-66
    contacts="requests",  # MOO-1
    override=Override(
        roles=_MANAGERS,
        privileges=("messageAnyUser", "readAllMessages"),  # MOO-81, 83
        course_roles=("teacher", "instructor"),  # MOO-17, 83
    ),
    fanout="mass",  # MOO-62, 63
    mass=Mass(
        roles=("teacher", *_MANAGERS),  # MOO-63
        privileges=("bulkMessaging",),
        audience="reachable",  # PLU-10, 11
        replies="direct",  # MOO-62
    ),
    staff=Staff(roles=_MANAGERS, roster_wide_roles=_MANAGERS),  # MOO-54, 80
    rights={
        "send": dict.fromkeys(_KINDS, _MEMBER),  # MOO-18, 19
        "delete": dict.fromkeys(_KINDS, _STAFF),  # MOO-52
        "deleteOthers": dict.fromkeys(_KINDS, _STAFF),  # MOO-52, 80
        "deleteForMe": dict.fromkeys(_KINDS, _MEMBER),  # MOO-55, 79
        "deleteConversation": dict.fromkeys(_DELETABLE, _MEMBER),  # MOO-33, 56
    },
    confirm=(
        "delete",
        "deleteOthers",
        "deleteForMe",
        "deleteConversation",
    ),  # MOO-51, 56
    tombstone="none",  # MOO-53
    conversation_delete=dict.fromkeys(_DELETABLE, "for_me"),  # MOO-57
    block=Block(mode="one_way"),  # MOO-27; who may message anyone is exempt (MOO-28)
    staff_read="capability",  # MOO-81
    badge="conversations_and_requests",  # MOO-85
    attachments=False,  # MOO-92
    enter_sends=True,  # MOO-67
    search_people="contacts_and_visible",  # MOO-24
)
