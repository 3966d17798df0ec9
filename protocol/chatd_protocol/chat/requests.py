"""What a caller may ask for: one request type for each hub method and its HTTP twin.

Bounds that a type can state stand here; bounds that an installation can change (the
length of a text, the number of recipients of its policy) are checked with the rules.
"""

from typing import Annotated, Literal

import msgspec

from chatd_protocol.chat.base import (
    ATTACHMENTS_MAX,
    RECIPIENTS_MAX,
    SYNC_CURSORS_MAX,
    TITLE_CHARS_MAX,
    WATCHED_MAX,
    ClientId,
    Id,
    PageLimit,
    Request,
    Seq,
    Timestamp,
)

Title = Annotated[str, msgspec.Meta(max_length=TITLE_CHARS_MAX)]
Text = Annotated[str, msgspec.Meta(max_length=1_000_000)]
"""Typed only against absurdity; the limit of section 7 is checked after NFC."""

Cursor = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
UserIds = Annotated[
    tuple[Id, ...], msgspec.Meta(min_length=1, max_length=RECIPIENTS_MAX)
]


class GetMe(Request):
    """Who am I, what may I use, and within which limits."""


class UpdatePreferences(Request):
    """Change my own settings; what is absent stays."""

    enter_sends: bool | None = None
    language: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    accepts: Literal["contacts", "courses", "anyone"] | None = None


class GetUnread(Request):
    """The numbers of the badge."""


class RefreshToken(Request):
    """Continue this connection under a newer token of the same person."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=16_384)]


class ListConversations(Request):
    """My conversations, latest activity first."""

    filter: Literal["all", "unread", "starred", "archived", "closed"] = "all"
    cursor: Cursor | None = None
    limit: PageLimit = 50


class GetConversation(Request):
    """One conversation as I have it."""

    conversation_id: Id


class Recipient(Request):
    """A person, or everybody of a course, project, group or unit."""

    kind: Literal["user", "course", "project", "group", "unit"]
    id: Id


Recipients = Annotated[
    tuple[Recipient, ...], msgspec.Meta(min_length=1, max_length=RECIPIENTS_MAX + 1)
]


StartMode = Literal["group", "individual"]
"""One conversation with all, or the same words to each in one of their own."""


class PreviewRecipients(Request):
    """How many different people these are, and which choice there is (ITS-44 … 50)."""

    recipients: Recipients


AttachmentIds = Annotated[
    tuple[Id, ...], msgspec.Meta(min_length=1, max_length=ATTACHMENTS_MAX)
]
"""Uploads of the caller's own that no message has yet, in the order of showing."""


class FirstMessage(Request):
    """The message a conversation starts with: a text, files, or both (ITS-56)."""

    text: Text | None = None
    attachment_ids: AttachmentIds | None = None
    client_message_id: ClientId | None = None


class StartConversation(Request):
    """Start, or find again, a conversation with these recipients (ITS-43 … 52).

    Oneself alone is one's personal space. `individual` needs a message and is for
    several people, or those of a course or project.
    """

    recipients: Recipients
    client_request_id: ClientId
    mode: StartMode | None = None
    title: Title | None = None
    message: FirstMessage | None = None


class SearchRecipients(Request):
    """People, courses and more that I may write to, by part of their name.

    With `includeDenied` also whom I know and may not write to, with the reason, where
    policy shows more than that.
    """

    text: Annotated[str, msgspec.Meta(max_length=200)]
    include_denied: bool | None = None
    cursor: str | None = None
    limit: PageLimit = 20


class RenameConversation(Request):
    """Give a group conversation another title (ITS-28)."""

    conversation_id: Id
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=TITLE_CHARS_MAX)]


class CloseConversation(Request):
    """No new messages; the history stays readable (ITS-99, ITS-100)."""

    conversation_id: Id


class ReopenConversation(Request):
    """Undo a closing (ITS-101)."""

    conversation_id: Id


class DeleteConversation(Request):
    """Delete by the preset's meaning; a course's becomes read-only (ITS-102)."""

    conversation_id: Id


class LeaveConversation(Request):
    """Leave a group conversation (ITS-30)."""

    conversation_id: Id


class SetConversationPreferences(Request):
    """My own marks on a conversation; what is absent stays, an empty draft is none."""

    conversation_id: Id
    muted: bool | None = None
    starred: bool | None = None
    archived: bool | None = None
    draft: Text | None = None


class ListParticipants(Request):
    """The people of a conversation, by name (ITS-26)."""

    conversation_id: Id
    cursor: Cursor | None = None
    limit: PageLimit = 100


class AddParticipants(Request):
    """Add people to a group conversation; they join at once (ITS-63)."""

    conversation_id: Id
    user_ids: UserIds


class RemoveParticipant(Request):
    """Remove one person from a group conversation, at once (ITS-64 … 67)."""

    conversation_id: Id
    user_id: Id


class SendMessage(Request):
    """Say something; answered only after the commit is on disk.

    A message has a text, files, or both (ITS-56, ITS-57, ITS-62).
    """

    conversation_id: Id
    client_message_id: ClientId
    text: Text | None = None
    attachment_ids: AttachmentIds | None = None
    reply_to_id: Id | None = None


class ForwardMessage(Request):
    """Say in a conversation what somebody said elsewhere (ITS-42)."""

    message_id: Id
    conversation_id: Id
    client_message_id: ClientId


class EditMessage(Request):
    """Change my own text; refused as `edit_conflict` if it was edited meanwhile."""

    message_id: Id
    text: Text
    expected_edited_at: Timestamp | None = None


class DeleteMessage(Request):
    """Remove a message's content for everyone, or hide the message for me."""

    message_id: Id
    scope: Literal["everyone", "me"] = "everyone"


class ListMessages(Request):
    """A page of history: the newest, or `before`, `after`, `around` a place.

    `withEvents` asks for what else happened there, too.
    """

    conversation_id: Id
    before: Seq | None = None
    after: Seq | None = None
    around: Seq | None = None
    around_unread: bool | None = None
    with_events: bool | None = None
    limit: PageLimit = 50


SEARCH_HITS_MAX = 50
"""Most messages of one page of a search; each may bring its conversation along."""


class Search(Request):
    """Messages that have all of these words, in one conversation or in all of mine.

    A quoted part is a phrase, and the last word may be the beginning of a longer one.
    """

    text: Annotated[str, msgspec.Meta(max_length=200)]
    conversation_id: Id | None = None
    cursor: Cursor | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=SEARCH_HITS_MAX)] = 20


class MarkRead(Request):
    """I have read up to this place. The mark only moves forward."""

    conversation_id: Id
    seq: Seq


class MarkUnread(Request):
    """Mark a conversation unread, from one message on or as a whole (ITS-25, 38)."""

    conversation_id: Id
    message_id: Id | None = None


class Typing(Request):
    """I am writing in this conversation; a hint that may be lost."""

    conversation_id: Id


Watched = Annotated[tuple[Id, ...], msgspec.Meta(max_length=WATCHED_MAX)]


class WatchPresence(Request):
    """Tell me who of these people is connected, now and when it changes.

    It is for this connection and replaces whom it watched before. People with whom I
    share no conversation are left out.
    """

    user_ids: Watched


Cursors = Annotated[dict[Id, Seq], msgspec.Meta(max_length=SYNC_CURSORS_MAX)]


class Sync(Request):
    """All that I missed: since my own position, and in these conversations."""

    cursors: Cursors = msgspec.field(default_factory=dict)
    personal_seq: Seq | None = None
    limit: PageLimit = 200


class ListEvents(Request):
    """A page of the tenant's events after a cursor (scope `events`)."""

    cursor: Cursor | None = None
    limit: PageLimit = 200


class WatchEvents(Request):
    """Every event of the tenant from a cursor on (scope `events`)."""

    cursor: Cursor | None = None
