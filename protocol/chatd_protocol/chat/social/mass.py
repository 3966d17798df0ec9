"""Mass messages: to whom, what is sent, and how far it has come (ITS-107 … 117)."""

from typing import Annotated, Literal

import msgspec

from chatd_protocol.chat.base import (
    ClientId,
    Id,
    PageLimit,
    Request,
    Shape,
    Timestamp,
)
from chatd_protocol.chat.directory import Role
from chatd_protocol.chat.objects import Message, PersonName
from chatd_protocol.chat.requests import Cursor, FirstMessage, Recipient, Title

NAMED_MAX = 1_000
"""Most units, courses, groups and people that one audience names."""

MassState = Literal["waiting", "delivering", "delivered", "cancelled"]
"""`waiting`: nobody has it yet, and it can be undone without a trace."""

Replies = Literal["none", "direct"]
"""`none`: recipients cannot answer; `direct`: each has it in a conversation with me."""

AudienceNames = Annotated[tuple[Recipient, ...], msgspec.Meta(max_length=NAMED_MAX)]
AudienceRoles = Annotated[tuple[Role, ...], msgspec.Meta(max_length=10)]


class PreviewAudience(Request):
    """How many people an audience has, by role, before anything is sent (ITS-117).

    Nobody named: everybody of my hierarchies. No roles: everyone (ITS-114).
    """

    recipients: AudienceNames = ()
    roles: AudienceRoles = ()


class SendMassMessage(Request):
    """Send to everybody of an audience; delivered behind, in turns.

    `asUnitId`: shown as sent by that school instead of me (ITS-115).
    """

    message: FirstMessage
    client_request_id: ClientId
    recipients: AudienceNames = ()
    roles: AudienceRoles = ()
    title: Title | None = None
    as_unit_id: Id | None = None


class CancelMassMessage(Request):
    """Undo: nobody gets it who has not, and whoever has it loses its content.

    Where each has it in a conversation with me, those who have it keep it.
    """

    mass_message_id: Id


class ListMassMessages(Request):
    """What I have sent, the latest first (ITS-112)."""

    cursor: Cursor | None = None
    limit: PageLimit = 50


class RoleCount(Shape):
    """How many people are meant because of a role."""

    role: str
    count: int


class Organisation(Shape):
    """A school or another unit in whose name one may send."""

    unit_id: Id
    name: str


class AudiencePreview(Shape):
    """Different people, each counted once, under the first role that fits.

    `undoSeconds`: how long a message waits before anybody has it.
    """

    count: int
    roles: tuple[RoleCount, ...]
    organisations: tuple[Organisation, ...]
    replies: Replies
    undo_seconds: int


class MassMessage(Shape):
    """A mass message and how far it has come. `id` is that of my conversation, too.

    `total` were meant; `delivered` have it; `refused` could not get it. `sender` is
    who recipients see. `undoUntil`: nobody has it before.
    """

    id: Id
    state: MassState
    total: int
    delivered: int
    refused: int
    replies: Replies
    title: str
    created_at: Timestamp
    sender: PersonName
    undo_until: Timestamp | None = None
    ended_at: Timestamp | None = None
    message: Message | None = None


class MassMessagePage(Shape):
    """A page of what I have sent."""

    mass_messages: tuple[MassMessage, ...]
    next: str | None = None
