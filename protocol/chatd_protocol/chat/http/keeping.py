"""What is held, kept, purged, handed out and erased, as asked for over HTTP."""

from typing import Annotated, Literal

import msgspec

from chatd_protocol.chat.base import (
    ID_CHARS_MAX,
    Id,
    PageLimit,
    Request,
    Seq,
    Shape,
    Timestamp,
)
from chatd_protocol.chat.directory import User
from chatd_protocol.chat.objects import (
    Attachment,
    Conversation,
    Message,
    Preferences,
)

HoldName = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_CHARS_MAX)]


class PutHold(Request):
    """Put a legal hold on a conversation or on a person (scope `safeguarding`).

    As long as there is one, nothing of it is purged or erased, and what is edited or
    removed is kept in the vault. `name` is the case's, by which it is lifted.
    """

    name: HoldName
    conversation_id: Id | None = None
    user_id: Id | None = None


class DeleteHold(Request):
    """Lift a legal hold; another one about the same goes on (scope `safeguarding`)."""

    name: HoldName


class ListHolds(Request):
    """All legal holds of the tenant (scope `safeguarding`)."""


class Hold(Shape):
    """A legal hold on a conversation or a person."""

    name: str
    set_by: Id
    set_at: Timestamp
    conversation_id: Id | None = None
    user_id: Id | None = None


class HoldList(Shape):
    """Legal holds, by name."""

    holds: tuple[Hold, ...]


class ListVault(Request):
    """Look at what was edited or removed and is kept (scope `safeguarding`).

    The latest first; of one conversation, of one author, or all of it.
    """

    conversation_id: Id | None = None
    user_id: Id | None = None
    cursor: str | None = None
    limit: PageLimit = 50


class ListEdits(Request):
    """What a message said before its edits, the latest first (scope `safeguarding`).

    Kept as long as removed messages are: without `retainRemovedDays` there is nothing.
    """

    message_id: Id
    cursor: str | None = None
    limit: PageLimit = 50


class KeptMessage(Shape):
    """What a message said until it was edited or removed, by whom and when."""

    message_id: Id
    conversation_id: Id
    author_id: Id
    why: Literal["edited", "removed"]
    said_at: Timestamp
    taken_at: Timestamp
    taken_by: Id | None = None
    text: str | None = None
    attachments: tuple[Attachment, ...] | None = None


class KeptPage(Shape):
    """A page of the vault; `next` is the cursor of the one with older ones."""

    messages: tuple[KeptMessage, ...]
    next: str | None = None


class GetKeptFile(Request):
    """The bytes of a file whose message was removed (scope `safeguarding`)."""

    attachment_id: Id


class ReadConversations(Request):
    """See the conversations of another person, where the policy lets staff read."""

    user_id: Id
    filter: Literal["all", "unread", "starred", "archived", "closed"] = "all"
    cursor: str | None = None
    limit: PageLimit = 50


class ReadMessages(Request):
    """Read a conversation as another person may, where the policy lets staff read."""

    user_id: Id
    conversation_id: Id
    before: Seq | None = None
    after: Seq | None = None
    limit: PageLimit = 50


class GetUserPreferences(Request):
    """See another person's settings (scope `admin`)."""

    user_id: Id


class PutUserPreferences(Request):
    """Change another person's settings; what is absent stays (scope `admin`)."""

    user_id: Id
    enter_sends: bool | None = None
    language: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    accepts: Literal["contacts", "courses", "anyone"] | None = None


class ExportUser(Request):
    """Everything about a person, a line of JSON each (scope `admin`)."""

    user_id: Id


class Acquainted(Shape):
    """A contact or a block, as the person knows it."""

    user_id: Id
    contact: str
    blocked: bool


class Upload(Shape):
    """A file that was uploaded and not sent."""

    id: Id
    name: str
    at: Timestamp
    alt: str | None = None


class Stay(Shape):
    """From which position of a conversation's log to which a person was a member."""

    joined_seq: Seq
    left_seq: Seq | None = None


class ExportLine(Shape):
    """One line of an export; `kind` says which of the other fields there are.

    `own` tells what the person said from what the person could see of others. `stays`
    are the positions at which the person came and went.
    """

    kind: Literal["person", "acquaintance", "upload", "conversation", "message"]
    own: bool | None = None
    user: User | None = None
    preferences: Preferences | None = None
    acquaintance: Acquainted | None = None
    upload: Upload | None = None
    conversation: Conversation | None = None
    stays: tuple[Stay, ...] | None = None
    message: Message | None = None


class EraseUser(Request):
    """Take away for good all that there is of a person (scope `admin`).

    Texts, names, files, drafts, contacts, settings; what others said stays. Refused
    with `legal_hold` as long as something of it must be kept.
    """

    user_id: Id


class ErasedPerson(Shape):
    """What was taken away: `messages` of this call, forwarded copies among them."""

    user_id: Id
    messages: int
