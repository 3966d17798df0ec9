"""What one client knows of one conversation, and how an event changes it.

Pure: events in, state out. A room knows up to which position of the log it has applied
everything (`cursor`), from which position on it has every visible message
(`complete_from`), and holds back events that came before their turn.
"""

from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from chatd_protocol.chat.events import (
    LogEvent,
    MessageCreated,
    MessageEdited,
    MessageRemoved,
    ParticipantsAdded,
    ParticipantsRemoved,
)
from chatd_protocol.chat.objects import (
    NOT_VISIBLE,
    Conversation,
    ConversationFacts,
    Message,
    Participant,
    Unread,
)
from chatd_protocol.chat.results import MessagePage

UNREAD_MAX: Final = 999
"""Counted exactly up to here, then `capped` (SPEC, Limits)."""

HELD_MAX: Final = 1_000
"""Events that may wait for one that is missing; more are left to `Sync`."""

MESSAGES_MAX: Final = 5_000
"""Messages that are kept; of more, the oldest quarter goes, to be loaded again."""

_SHOWN_PARTICIPANTS: Final = 8


_OWN: Final = (
    "unread",
    "read_seq",
    "muted",
    "starred",
    "archived",
    "draft",
    "hidden_seq",
    "cleared_seq",
    "denied",
    "held",
)
"""What of a conversation is a person's own, besides being a member."""


@dataclass(frozen=True, slots=True)
class Known:
    """A message as it was when the log stood at `as_of`."""

    message: Message
    as_of: int


@dataclass(slots=True)
class Room:
    """One conversation. `facts_seq` is the position that `facts` are true for."""

    facts: Conversation
    cursor: int
    facts_seq: int = field(init=False)
    head: int = field(init=False)  # the highest position that was heard of
    complete_from: int = field(init=False)
    messages: dict[int, Known] = field(default_factory=dict)
    held: dict[int, LogEvent] = field(default_factory=dict)
    gap_since_s: float | None = None
    left_seq: int | None = None
    stale: bool = False  # the facts were lost and must be asked for
    told_as_of: int = field(init=False)  # what `facts.unread` counts up to

    def __post_init__(self) -> None:
        self.facts_seq = self.head = self.told_as_of = self.facts.head_seq
        self.complete_from = self.cursor + 1

    @property
    def wants_sync(self) -> bool:
        """Whether there may be more than this room has: not after leaving."""
        return self.left_seq is None or self.cursor < self.left_seq

    def take_snapshot(self, facts: Conversation) -> None:
        """Replace the facts by newer ones; older ones are passed over."""
        if facts.head_seq < self.facts_seq and not self.stale:
            return
        self.facts = facts
        self.facts_seq = self.told_as_of = facts.head_seq
        self.head = max(self.head, facts.head_seq)
        self.stale = False
        self._clear()

    def take_own(self, facts: Conversation) -> None:
        """Take what is this person's own of facts, however old the rest of them is.

        A log event can overtake the news of what the person did before it.
        """
        last = self.facts.last_message
        if last and facts.last_message and last.id == facts.last_message.id:
            last = facts.last_message
        own = {name: getattr(facts, name) for name in _OWN}
        self.facts = replace(self.facts, last_message=last, **own)
        self.told_as_of = facts.head_seq
        self._clear()

    def _clear(self) -> None:
        if self.facts.cleared_seq:
            self.messages = {
                seq: known
                for seq, known in self.messages.items()
                if seq > self.facts.cleared_seq
            }

    def take_page(self, page: MessagePage) -> None:
        """Add a page of history; what is known from later events stays.

        So does what is known as of the same position: for who has left it stands still,
        and what was taken away since must not come back with a page read before.
        """
        for message in page.messages:
            known = self.messages.get(message.seq)
            if known is None or known.as_of < page.as_of_seq:
                self.messages[message.seq] = Known(message, page.as_of_seq)
        first = (
            0
            if not page.has_before
            else min(
                (message.seq for message in page.messages), default=self.complete_from
            )
        )
        last = max((message.seq for message in page.messages), default=0)
        if not page.has_after or last >= self.complete_from - 1:
            self.complete_from = min(self.complete_from, first)

    def take(self, event: LogEvent) -> list[LogEvent]:
        """Apply an event that arrived in any order; what was applied, in order."""
        self.head = max(self.head, event.seq)
        if event.seq > self.cursor and len(self.held) < HELD_MAX:
            self.held[event.seq] = event
        return self._take_held()

    def take_synced(
        self, events: tuple[LogEvent, ...], head_seq: int, *, complete: bool
    ) -> list[LogEvent]:
        """Apply what `Sync` answered; what was applied, in order.

        Positions that the answer passes over hold nothing for this person. When it is
        `complete`, that goes for everything up to `head_seq`.
        """
        applied = []
        for event in events:
            if event.seq > self.cursor:
                self._apply(event)
                applied.append(event)
        if complete:
            self.cursor = max(self.cursor, head_seq)
        self.head = max(self.head, head_seq)
        return applied + self._take_held()

    def amend(self, messages: tuple[Message, ...], as_of: int) -> None:
        """Take messages that were changed where this person's log does not reach."""
        for message in messages:
            self._know(message, as_of)

    def forget(self, head_seq: int) -> None:
        """Too much was missed: begin anew at `head_seq`, without any messages."""
        self.cursor = max(self.cursor, head_seq)
        self.drop_pages()
        self.stale = True

    def drop_pages(self) -> None:
        """Keep no message: too many were changed."""
        self.messages.clear()
        self.complete_from = self.cursor + 1

    def snapshot(self, me: str) -> Conversation:
        """The conversation as `me` has it now."""
        read_seq, _ = self._mark(me)
        unread = self.unread(me)
        others = self.facts.participants and tuple(
            person for person in self.facts.participants if person.id != me
        )
        return replace(
            self.facts,
            unread=unread,
            read_seq=read_seq,
            resume_seq=unread.first_seq or read_seq,
            participants=others and others[:_SHOWN_PARTICIPANTS],
        )

    def _mark(self, me: str) -> tuple[int, bool]:
        """The read mark, and whether it stands on "unread": an own message moves it."""
        facts = self.facts
        own = [
            seq
            for seq, known in self.messages.items()
            if seq > self.told_as_of and known.message.author.id == me
        ]
        if not own:
            return facts.read_seq, facts.unread.marked
        return max(facts.read_seq, *own), False

    def unread(self, me: str) -> Unread:
        """Messages by others after the read mark, not removed."""
        told = self.facts.unread
        read_seq, marked = self._mark(me)
        if not self.facts.member:
            return Unread(count=0, marked=marked)
        after = read_seq if self.complete_from <= read_seq + 1 else self.told_as_of
        fresh = sorted(
            seq
            for seq, known in self.messages.items()
            if seq > after and _counts(known.message, me) and not known.message.removed
        )
        if after == read_seq:
            count, first = len(fresh), fresh[0] if fresh else None
        elif told.capped:
            return told
        else:
            gone = [
                seq
                for seq, known in self.messages.items()
                if read_seq < seq <= after < known.as_of
                and _counts(known.message, me)
                and known.message.removed
            ]
            old = max(told.count - len(gone), 0)
            count = old + len(fresh)
            first = fresh[0] if fresh else None
            if old:  # which of the older ones is the first now may be unknown
                first = None if told.first_seq in gone else told.first_seq
        return Unread(
            count=min(count, UNREAD_MAX),
            marked=marked,
            capped=True if count > UNREAD_MAX else None,
            first_seq=first,
        )

    def _take_held(self) -> list[LogEvent]:
        applied = []
        while (event := self.held.pop(self.cursor + 1, None)) is not None:
            self._apply(event)
            applied.append(event)
        if self.held:
            self.held = {s: e for s, e in self.held.items() if s > self.cursor}
        return applied

    def _apply(self, event: LogEvent) -> None:
        self.cursor = event.seq
        if isinstance(event, MessageCreated | MessageEdited | MessageRemoved):
            removed = event.message.removed
            if removed is None or removed.notice != NOT_VISIBLE:
                self._know(event.message, event.seq)
            self._trim()
        if event.seq > self.facts_seq:
            self.facts = replace(evolved(self.facts, event), head_seq=event.seq)
            self.facts_seq = event.seq

    def _know(self, message: Message, as_of: int) -> None:
        # The log is the same for all: what this person has deleted may still change.
        if message.seq <= (self.facts.cleared_seq or 0):
            return
        known = self.messages.get(message.seq)
        if known is None or known.as_of <= as_of:
            self.messages[message.seq] = Known(message, as_of)

    def _trim(self) -> None:
        if len(self.messages) <= MESSAGES_MAX:
            return
        for seq in sorted(self.messages)[: MESSAGES_MAX // 4]:
            del self.messages[seq]
        self.complete_from = max(self.complete_from, min(self.messages))


def _counts(message: Message, me: str) -> bool:
    return message.author.id != me and message.kind == "text"


def evolved(facts: Conversation, event: LogEvent) -> Conversation:
    """The facts after one more event."""
    match event:
        case MessageCreated(message=message):
            return replace(
                facts, last_message=message, last_activity_at=message.created_at
            )
        case MessageEdited(message=message) | MessageRemoved(message=message):
            last = facts.last_message
            told = message.removed is None or message.removed.notice != NOT_VISIBLE
            if last is None or last.id != message.id or not told:
                return facts
            return replace(facts, last_message=message)
        case ParticipantsAdded(participants=people, participant_count=count):
            shown = _with(facts, people)
            return replace(facts, participant_count=count, participants=shown)
        case ParticipantsRemoved(user_ids=gone, participant_count=count):
            shown = facts.participants and tuple(
                person for person in facts.participants if person.id not in gone
            )
            return replace(facts, participant_count=count, participants=shown)
        case _:
            changed = {
                name: getattr(event.conversation, name)
                for name in ConversationFacts.__struct_fields__
                # It is the same for all members, who need not have seen the same.
                if name != "last_message"
            }
            return replace(facts, **changed)


def _with(
    facts: Conversation, people: tuple[Participant, ...]
) -> tuple[Participant, ...] | None:
    """The few participants that titles and avatars are made of, with new ones."""
    if facts.participants is None:
        return None
    there = {person.id for person in facts.participants}
    new = [person for person in people if person.id not in there]
    # One more than is shown: this person, who is not shown to himself, may be there.
    return (*facts.participants, *new)[: _SHOWN_PARTICIPANTS + 1]
