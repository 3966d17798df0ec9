"""Messages that moderators look at because of contact data, over HTTP (TUT-26)."""

from chatd_protocol.chat.base import Id, PageLimit, Request, Shape, Timestamp
from chatd_protocol.chat.objects import ContactKind, HeldState, Message


class ListHeldMessages(Request):
    """Messages that wait to be let through, the longest first (scope `moderation`).

    To look is noted in the audit trail, as `held_messages.read`.
    """

    cursor: str | None = None
    limit: PageLimit = 50


class ReleaseHeldMessage(Request):
    """Let a message through: it is said now, at the end of its conversation."""

    held_id: Id


class RefuseHeldMessage(Request):
    """Keep a message from being said; its author is shown that it was refused."""

    held_id: Id


class HeldMessage(Shape):
    """A message that waits, or another text of one if `edits`.

    `message` is what would be said; its `seq` is 0 unless it is an edit. `state` is
    absent for one that was let through.
    """

    id: Id
    message: Message
    contact_data: tuple[ContactKind, ...]
    held_at: Timestamp
    edits: bool | None = None
    state: HeldState | None = None
    decided_at: Timestamp | None = None
    decided_by: Id | None = None


class HeldMessagePage(Shape):
    """A page of them; `next` is the cursor of the next one."""

    messages: tuple[HeldMessage, ...]
    next: str | None = None


class ListFlaggedMessages(Request):
    """Messages with contact data that were said, the latest first (`moderation`).

    To look is noted in the audit trail, as `held_messages.read`.
    """

    cursor: str | None = None
    limit: PageLimit = 50


class FlaggedMessage(Shape):
    """A message as it is now, and what was found in it."""

    message: Message
    contact_data: tuple[ContactKind, ...]
    flagged_at: Timestamp


class FlaggedMessagePage(Shape):
    """A page of them; `next` is the cursor of the one with older ones."""

    messages: tuple[FlaggedMessage, ...]
    next: str | None = None
