"""What the server tells its clients: events in a log, events of one person, hints.

Events with `seq` form one gap-free, totally ordered log per conversation, the same for
every member. Events with `personalSeq` concern one person on all devices; `Sync`
repairs both. Hints carry neither and may be lost. The hub target is the type in
PascalCase.
"""

from typing import Literal

from chatd_protocol.chat.base import Id, Seq, Shape, Timestamp
from chatd_protocol.chat.objects import (
    Conversation,
    ConversationFacts,
    Message,
    Participant,
    PersonName,
    Preferences,
    Unread,
)
from chatd_protocol.chat.reporting.reports import Report
from chatd_protocol.chat.social.mass import MassMessage
from chatd_protocol.chat.social.people import Contact

EVENT_IDS_MAX = 100
"""Most people that one participants event names; `count` tells them all."""


class _Logged(Shape, kw_only=True, tag_field="type"):
    conversation_id: Id
    seq: Seq
    at: Timestamp
    actor: PersonName | None = None


class MessageCreated(_Logged, tag="message.created"):
    """Somebody said something; as it is when delivered."""

    message: Message


class MessageEdited(_Logged, tag="message.edited"):
    """A message has another text."""

    message: Message


class MessageRemoved(_Logged, tag="message.removed"):
    """A message has lost its content; the message comes without it."""

    message: Message


class ParticipantsAdded(_Logged, tag="participants.added"):
    """People joined: at most 100 of them by name, `count` in all."""

    participants: tuple[Participant, ...]
    count: int
    participant_count: int


class ParticipantsRemoved(_Logged, tag="participants.removed"):
    """People left or were removed: at most 100 ids, `count` in all."""

    user_ids: tuple[Id, ...]
    count: int
    participant_count: int


# Without `lastMessage`: of all that an event tells to every member alike it is the one
# thing that not every one of them may have been there for.
class _ConversationLogged(_Logged):
    conversation: ConversationFacts


class ConversationCreated(_ConversationLogged, tag="conversation.created"):
    """The conversation began; always `seq` 1."""


class ConversationRenamed(_ConversationLogged, tag="conversation.renamed"):
    """It has another title."""


class ConversationClosed(_ConversationLogged, tag="conversation.closed"):
    """No new messages until it is reopened."""


class ConversationReopened(_ConversationLogged, tag="conversation.reopened"):
    """It is open again."""


class ConversationDeleted(_ConversationLogged, tag="conversation.deleted"):
    """It is read-only for all from here on."""


class ConversationRestored(_ConversationLogged, tag="conversation.restored"):
    """Its deletion was undone."""


class ConversationSettingsChanged(
    _ConversationLogged, tag="conversation.settings_changed"
):
    """Another fact of it changed."""


LogEvent = (
    MessageCreated
    | MessageEdited
    | MessageRemoved
    | ParticipantsAdded
    | ParticipantsRemoved
    | ConversationCreated
    | ConversationRenamed
    | ConversationClosed
    | ConversationReopened
    | ConversationDeleted
    | ConversationRestored
    | ConversationSettingsChanged
)


class _Personal(Shape, kw_only=True, tag_field="type"):
    personal_seq: Seq
    at: Timestamp
    conversation_id: Id | None = None


class _Membership(_Personal, kw_only=True):
    amended: tuple[Message, ...] | None = None
    too_long: bool | None = None


class ConversationJoined(_Membership, kw_only=True, tag="conversation.joined"):
    """I am in this conversation now; `amended`: what was edited in my absence."""

    conversation: Conversation


class ConversationLeft(_Membership, kw_only=True, tag="conversation.left"):
    """I am no longer in it; `leftSeq` is the last that I may see.

    Comes again when messages that I may still read are edited or removed: `amended`
    holds them as I see them now, or `tooLong` says to drop all pages.
    """

    left_seq: Seq
    conversation: Conversation | None = None


class _Read(_Personal, kw_only=True):
    read_seq: Seq
    unread: Unread
    as_of_seq: Seq | None = None


class ReadMoved(_Read, tag="read.moved"):
    """My read mark moved, on whatever device; counted as of `asOfSeq`."""


class UnreadChanged(_Read, tag="unread.changed"):
    """I marked something as unread; counted as of `asOfSeq`."""


class PreferencesChanged(_Personal, tag="preferences.changed"):
    """My settings, or with `conversationId` my marks on that conversation."""

    preferences: Preferences | None = None
    muted: bool | None = None
    starred: bool | None = None
    archived: bool | None = None
    draft: str | None = None


class PermissionsChanged(_Personal, tag="permissions.changed"):
    """What I may not do there, whole."""

    denied: dict[str, str]


class ContactRequested(_Personal, kw_only=True, tag="contact.requested"):
    """A request to be contacts: mine, theirs, or (`none`) no longer there."""

    contact: Contact


class ContactAccepted(_Personal, kw_only=True, tag="contact.accepted"):
    """We are contacts now."""

    contact: Contact


class BlockChanged(_Personal, kw_only=True, tag="block.changed"):
    """I have blocked somebody, or no longer; nobody else is told."""

    user_id: Id
    blocked: bool


class _Reported(_Personal, kw_only=True):
    report: Report


class ReportCreated(_Reported, kw_only=True, tag="report.created"):
    """I have reported something; only I am told so (ITS-85)."""


class ReportWithdrawn(_Reported, kw_only=True, tag="report.withdrawn"):
    """I have taken a report back (ITS-87)."""


class ReportResolved(_Reported, kw_only=True, tag="report.resolved"):
    """Somebody has decided about a report of mine (TUT-29)."""


class MassProgress(_Personal, kw_only=True, tag="mass.progress"):
    """A mass message of mine has come further, or was undone."""

    mass_message: MassMessage


PersonalEvent = (
    ConversationJoined
    | ConversationLeft
    | ReadMoved
    | UnreadChanged
    | PreferencesChanged
    | PermissionsChanged
    | ContactRequested
    | ContactAccepted
    | BlockChanged
    | ReportCreated
    | ReportWithdrawn
    | ReportResolved
    | MassProgress
)


class _Hint(Shape, tag_field="type"):
    at: Timestamp


class TypingHint(_Hint, tag="typing"):
    """Somebody is writing; stops by itself after a few seconds (UX-39)."""

    conversation_id: Id
    actor: PersonName


class PresenceChanged(_Hint, tag="presence.changed"):
    """Somebody whom I watch has come, or has gone a few seconds ago."""

    user_id: Id
    online: bool


class UserUpdated(_Hint, tag="user.updated"):
    """A person that I share a conversation with looks different now."""

    user: Participant


class TokenExpiring(_Hint, tag="token.expiring"):
    """Bring a newer token by `RefreshToken` before then, or the connection closes."""

    expires_at: Timestamp


Hint = TypingHint | PresenceChanged | UserUpdated | TokenExpiring
Event = LogEvent | PersonalEvent | Hint


def event_type(event: Event) -> str:
    """The contract's name of an event, such as `message.created`."""
    return str(type(event).__struct_config__.tag)


def target_of(event_type: str) -> str:
    """The hub target of an event type: `message.created` → `MessageCreated`."""
    words = event_type.replace("_", ".").split(".")
    return "".join(word.capitalize() for word in words)


SINGLE_TARGET: Literal["Event"] = "Event"
"""Where a connection opened with `?events=single` gets every event."""
