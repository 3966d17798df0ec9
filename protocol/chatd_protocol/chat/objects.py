"""What requests answer with and events carry: people, messages, conversations.

`ConversationFacts` is the same for every member; `Conversation` adds what is the
caller's own. Neither ever holds anything that the caller may not see.
"""

from typing import Final, Literal

from chatd_protocol.chat.base import Id, Seq, Shape, Timestamp

ConversationKind = Literal[
    "direct", "group", "course", "project", "courseGroup", "mass", "self"
]
ConversationState = Literal["open", "closed", "deleted"]
MessageKind = Literal["text", "system"]
ParticipantRole = Literal["member", "teacher", "instructor", "student", "observer"]

Action = Literal[
    "send",
    "edit",
    "delete",
    "deleteOthers",
    "deleteForMe",
    "forward",
    "rename",
    "addParticipants",
    "removeParticipants",
    "leave",
    "close",
    "reopen",
    "deleteConversation",
    "restore",
    "report",
    "reportConversation",
]
"""What a person may do in a conversation; the keys of `Conversation.denied`."""


class PersonName(Shape):
    """A person as others see a name: enough to show who did something."""

    id: Id
    name: str


class Link(Shape):
    """A web link in a text: its code points `[start, end)` and where it leads."""

    start: int
    end: int
    url: str


NOT_VISIBLE: Final = "not_visible"
"""The notice of a message of which a reader is told nothing but that it is there."""

HIDDEN: Final = "hidden_for_me"
"""The notice of a message that the reader has deleted for himself; show nothing."""

WITHDRAWN: Final = "report_withdrawn"
"""The notice of a message that brought a report which was withdrawn since."""

WITHOUT_TRACE: Final = "removed_without_trace"
"""The notice of a removal that leaves nothing to see; show nothing."""


class Attachment(Shape):
    """A file of a message, or one that waits to be sent (ITS-55 … 61).

    `size` is in bytes; `mediaType` was found by content. `width` and `height` (pixels,
    as it is to be shown) come with pictures only, which also have a `thumbnail`.
    """

    id: Id
    name: str
    size: int
    media_type: str
    width: int | None = None
    height: int | None = None
    thumbnail: bool | None = None
    alt: str | None = None


class Removal(Shape):
    """Why a message has no content. `by` is set only where policy names the remover."""

    at: Timestamp
    notice: str
    by: PersonName | None = None


class ForwardedFrom(Shape):
    """Whose words a forwarded message has, and from when."""

    author: PersonName
    created_at: Timestamp


ContactKind = Literal["phone", "social"]
"""What contact data is: phone numbers; or addresses, handles and profiles."""

HeldState = Literal["waiting", "refused"]


class ContactWarning(Shape):
    """What was found in the caller's text, and what became of it (TUT-26).

    `warn_sender`: it was said as it is; `mask`: what was found was taken out; `hold`:
    it waits for a moderator.
    """

    treatment: Literal["warn_sender", "mask", "hold"]
    contact_data: tuple[ContactKind, ...]


class Message(Shape):
    """One message at its place in the log; a removed one keeps the place only.

    `warning` comes with the answer to whoever wrote it and nowhere else. One that is
    `held` waits for a moderator, or was refused by one: it has no place yet (`seq` 0),
    unless it is another text of a message, and only its author is shown it.

    With `reportId` it brings a report to the teacher who was chosen (ITS-84); its text
    is what the reporter has to say, if anything.
    """

    id: Id
    conversation_id: Id
    seq: Seq
    kind: MessageKind
    author: PersonName
    created_at: Timestamp
    text: str | None = None
    links: tuple[Link, ...] | None = None
    attachments: tuple[Attachment, ...] | None = None
    reply_to_id: Id | None = None
    forwarded_from: ForwardedFrom | None = None
    edited_at: Timestamp | None = None
    removed: Removal | None = None
    client_message_id: str | None = None
    warning: ContactWarning | None = None
    held: HeldState | None = None
    report_id: Id | None = None


class WeekdayHours(Shape):
    """From when to when on a day of the week, Monday being 1, `24:00` its end."""

    day: int
    start: str
    end: str


class StatedAvailability(Shape):
    """When a person answers, by the clock in their own time zone (TUT-31).

    `availableNow` and `nextOpening` are a hint of the moment of the answer; they come
    where policy wants it, with the one conversation that a client opens (TUT-32).
    """

    time_zone: str
    hours: tuple[WeekdayHours, ...]
    available_now: bool | None = None
    next_opening: Timestamp | None = None


class Participant(Shape):
    """Somebody in a conversation, as the participants' list shows them (ITS-26, 27).

    `relations` are codes such as `teacherOf:math-7a`: what links the caller to them.
    """

    id: Id
    name: str
    role: ParticipantRole
    roles: tuple[str, ...] = ()
    title: str | None = None
    avatar_url: str | None = None
    active: bool | None = None
    messaging_disabled: bool | None = None
    relations: tuple[str, ...] | None = None
    availability: StatedAvailability | None = None


class Unread(Shape):
    """Messages by others after the read mark, not removed; exact to 999, then capped.

    `marked` is the person's own "mark as unread"; `firstSeq` where reading resumes.
    """

    count: int
    marked: bool
    capped: bool | None = None
    first_seq: Seq | None = None


class ConversationFacts(Shape, kw_only=True):
    """What is true of a conversation for all its members alike.

    `sentTo` is only with the entry that stands for individual messages: to how many
    people they went.
    """

    id: Id
    kind: ConversationKind
    title: str
    state: ConversationState
    participant_count: int
    head_seq: Seq
    created_at: Timestamp
    last_activity_at: Timestamp
    last_message: Message | None = None
    course_id: Id | None = None
    project_id: Id | None = None
    group_id: Id | None = None
    sent_to: int | None = None


class Conversation(ConversationFacts):
    """A conversation as one person has it: the facts and what is that person's own.

    `denied` maps every action that this person may *not* do to its reason code; what
    is absent is allowed, so that no client writes a rule again. `participants` holds
    the other people of a direct conversation and up to eight of a group, for titles
    and avatars. `member` is false for someone who left and may still read the past.

    `held` are the person's own messages there that wait for a moderator or were refused
    by one, the latest few.

    A `guest` came in by a report of it: listed nowhere, and nobody's participant.
    With `hiddenSeq` it stays out of every list until there is a message behind that
    position. What is not behind `clearedSeq` the person has deleted for themself.
    """

    unread: Unread
    read_seq: Seq
    resume_seq: Seq
    muted: bool
    starred: bool
    archived: bool
    member: bool
    denied: dict[str, str]
    draft: str | None = None
    hidden_seq: Seq | None = None
    cleared_seq: Seq | None = None
    guest: bool | None = None
    participants: tuple[Participant, ...] | None = None
    held: tuple[Message, ...] | None = None


class Preferences(Shape):
    """A person's own settings. `language` is a BCP 47 tag.

    `accepts`: from whom I take messages; absent: as the school has it.
    """

    enter_sends: bool
    language: str | None = None
    accepts: Literal["contacts", "courses", "anyone"] | None = None


class Person(Shape):
    """The caller, as their own client shows them."""

    id: Id
    name: str
    roles: tuple[str, ...]
    tenant: Id
    title: str | None = None
    avatar_url: str | None = None
    messaging_disabled: bool | None = None
