"""What the methods answer, where that is not an object of its own.

Every snapshot says as of which position it was read, so that events can be applied to
it without a hole: `asOfSeq` for messages, `headSeq` and `personalSeq` elsewhere.
"""

import msgspec

from chatd_protocol.chat.base import Id, Seq, Shape, Timestamp
from chatd_protocol.chat.events import LogEvent
from chatd_protocol.chat.objects import (
    ContactWarning,
    Conversation,
    ConversationKind,
    Message,
    Participant,
    Person,
    Preferences,
    Unread,
)
from chatd_protocol.chat.policy import PolicyVerdict
from chatd_protocol.chat.reporting.reports import Report
from chatd_protocol.chat.requests import StartMode
from chatd_protocol.chat.social.mass import MassMessage
from chatd_protocol.chat.social.people import Contact


class Empty(Shape):
    """Nothing to say but that it was done."""


class Me(Shape):
    """The caller; `features` names what this server offers beyond the first version.

    `rules` are the keys of the tenant's policy that clients show or word by; `denied`
    maps each kind of conversation that the caller cannot start to its reason code.
    """

    person: Person
    preferences: Preferences
    features: tuple[str, ...]
    limits: dict[str, int]
    personal_seq: Seq
    epoch: str
    rules: dict[str, object] = msgspec.field(default_factory=dict)
    denied: dict[str, str] = msgspec.field(default_factory=dict)


class UnreadTotals(Shape):
    """The badge: unread messages, conversations with any, contact requests waiting."""

    messages: int
    conversations: int
    requests: int
    capped: bool | None = None


class TokenRefreshed(Shape):
    """Until when the connection may live now."""

    expires_at: Timestamp


class ConversationPage(Shape):
    """A page of the list, and the badge as of the same moment."""

    conversations: tuple[Conversation, ...]
    unread: UnreadTotals
    personal_seq: Seq
    next: str | None = None


class RefusedRecipient(Shape):
    """Somebody who was asked for and did not become a participant, and why."""

    user_id: Id
    code: str


class IndividualSent(Shape):
    """A message that went to several people, each in a conversation of one's own.

    `id` is the sender's one entry for it, "Sent to X people"; `count` is X.
    """

    id: Id
    count: int
    conversation_ids: tuple[Id, ...] | None = None


class ConversationStarted(Shape):
    """The conversation, new or found again, and who could not be part of it.

    `warning` is about the first message, as in the answer to `SendMessage`.
    """

    refused: tuple[RefusedRecipient, ...]
    conversation: Conversation | None = None
    individual: IndividualSent | None = None
    warning: ContactWarning | None = None


class RecipientsPreview(Shape):
    """What would begin: `count` different people, in a conversation of `kind`.

    `modes` are the choices, none when there is no choice; `max` is the most people of
    one start by hand; `code` says why it would be refused, as far as is known before.
    """

    count: int
    kind: ConversationKind
    modes: tuple[StartMode, ...]
    refused: tuple[RefusedRecipient, ...]
    max: int | None = None
    code: str | None = None


class AddedParticipants(Shape):
    """The conversation after the adding, and who could not be added."""

    conversation: Conversation
    refused: tuple[RefusedRecipient, ...]


class RecipientFound(Shape):
    """A person, course, project, group or unit that the search found.

    `size` counts its people; `verdict` says whether the caller may write there, why
    not, and which row of the policy decided.
    """

    kind: str
    id: Id
    name: str
    title: str | None = None
    avatar_url: str | None = None
    size: int | None = None
    verdict: PolicyVerdict | None = None


class RecipientsFound(Shape):
    """What matched: contacts where policy has them, people, courses, projects, groups,
    units; behind them in the same order what one may not write to.

    `next` is the cursor of the next page.
    """

    recipients: tuple[RecipientFound, ...]
    next: str | None = None


class ParticipantPage(Shape):
    """A page of participants; `count` is how many there are in all."""

    participants: tuple[Participant, ...]
    count: int
    next: str | None = None


class MessagePage(Shape):
    """Messages in order of `seq`, read as of `asOfSeq`; reading marks nothing read.

    `reported` maps those of them that I have reported to my reports (ITS-85). `events`
    is what else happened from the first of them until the next page: who joined or
    left, another title, a closing; the last 100, by `seq`.
    """

    messages: tuple[Message, ...]
    as_of_seq: Seq
    has_before: bool
    has_after: bool
    reported: dict[Id, Id] | None = None
    events: tuple[LogEvent, ...] | None = None


class SearchPage(Shape):
    """What a search found, the newest first, and the conversations it was said in.

    A page may be short, or empty, and still have a `next`: the work of one is bounded.
    """

    messages: tuple[Message, ...]
    conversations: tuple[Conversation, ...]
    next: str | None = None


class ReadState(Shape):
    """The caller's mark in one conversation after a reading deed."""

    conversation_id: Id
    read_seq: Seq
    unread: Unread


class MembershipRow(Shape, tag_field="kind", tag="membership"):
    """I am in a conversation (it comes along), or no longer: then with `leftSeq`.

    `amended` and `tooLong` are those of `conversation.joined` and `conversation.left`.
    """

    personal_seq: Seq
    conversation_id: Id
    member: bool
    conversation: Conversation | None = None
    left_seq: Seq | None = None
    amended: tuple[Message, ...] | None = None
    too_long: bool | None = None


class ReadRow(Shape, tag_field="kind", tag="read"):
    """Where my read mark is; `unread` counts up to the position `asOfSeq`."""

    personal_seq: Seq
    conversation_id: Id
    read_seq: Seq
    unread: Unread
    as_of_seq: Seq | None = None


class ConversationPreferencesRow(
    Shape, tag_field="kind", tag="conversationPreferences"
):
    """My own marks on a conversation."""

    personal_seq: Seq
    conversation_id: Id
    muted: bool
    starred: bool
    archived: bool
    draft: str | None = None


class PermissionsRow(Shape, tag_field="kind", tag="permissions"):
    """What I may not do in a conversation has changed."""

    personal_seq: Seq
    conversation_id: Id
    denied: dict[str, str]


class PreferencesRow(Shape, tag_field="kind", tag="preferences"):
    """My settings."""

    personal_seq: Seq
    preferences: Preferences


class ContactRow(Shape, tag_field="kind", tag="contact"):
    """How I stand with somebody; `none`: neither contacts nor asked."""

    personal_seq: Seq
    contact: Contact


class BlockRow(Shape, tag_field="kind", tag="block"):
    """Whether I have blocked somebody."""

    personal_seq: Seq
    user_id: Id
    blocked: bool


class ReportRow(Shape, tag_field="kind", tag="report"):
    """A report of mine, as it is now."""

    personal_seq: Seq
    report: Report


class MassRow(Shape, tag_field="kind", tag="mass"):
    """How far a mass message of mine has come."""

    personal_seq: Seq
    mass_message: MassMessage


PersonalRow = (
    MembershipRow
    | ReadRow
    | ConversationPreferencesRow
    | PermissionsRow
    | PreferencesRow
    | ContactRow
    | BlockRow
    | ReportRow
    | MassRow
)


class ConversationEvents(Shape):
    """What was missed in one conversation; `tooLong`: drop its pages and load anew."""

    conversation_id: Id
    events: tuple[LogEvent, ...]
    head_seq: Seq
    too_long: bool | None = None


class Synced(Shape):
    """Everything missed, in order; ask again with the new positions while `more`."""

    epoch: str
    personal_seq: Seq
    personal: tuple[PersonalRow, ...]
    conversations: tuple[ConversationEvents, ...]
    more: bool


class PersonPresence(Shape):
    """Whether somebody is connected, on any device."""

    user_id: Id
    online: bool


class WatchedPresence(Shape):
    """Those of the people asked for whom I may watch, as they are now."""

    people: tuple[PersonPresence, ...]


class WatchedEvent(Shape):
    """One event of the tenant and the cursor behind it."""

    cursor: str
    event: LogEvent


class EventPage(Shape):
    """Events of the tenant; `next` is the cursor behind them, to ask again with."""

    events: tuple[WatchedEvent, ...]
    next: str | None = None
