"""What is a person's own: memberships, read marks, marks, permissions, settings.

Each is a row that carries the `personalSeq` of its last change; the newest wins, so
rows and events may come in any order and any number of times. Live events and the rows
of `Sync` say the same things and are applied by the same functions.
"""

from typing import TypeAlias

from msgspec.structs import replace

from chatd_client.room import Room
from chatd_protocol.chat.events import (
    BlockChanged,
    ContactAccepted,
    ContactRequested,
    ConversationJoined,
    ConversationLeft,
    MassProgress,
    PermissionsChanged,
    PersonalEvent,
    PreferencesChanged,
    ReadMoved,
    ReportCreated,
    ReportResolved,
    ReportWithdrawn,
    UnreadChanged,
)
from chatd_protocol.chat.objects import Conversation, Preferences
from chatd_protocol.chat.reporting.reports import Report
from chatd_protocol.chat.results import (
    BlockRow,
    ContactRow,
    ConversationPreferencesRow,
    MassRow,
    MembershipRow,
    PermissionsRow,
    PersonalRow,
    PreferencesRow,
    ReadRow,
    ReportRow,
)
from chatd_protocol.chat.social.mass import MassMessage
from chatd_protocol.chat.social.people import Contact

Change: TypeAlias = PersonalEvent | PersonalRow
Membership: TypeAlias = MembershipRow | ConversationJoined | ConversationLeft
Reported: TypeAlias = ReportRow | ReportCreated | ReportWithdrawn | ReportResolved


class PersonalState:
    """The person's rows, applied to the rooms that they are about."""

    def __init__(self, rooms: dict[str, Room]) -> None:
        self.seq = 0
        self.preferences: Preferences | None = None
        self.contacts: dict[str, Contact] = {}
        self.blocked: dict[str, bool] = {}
        self.reports: dict[str, Report] = {}
        self.mass_messages: dict[str, MassMessage] = {}
        self._rooms = rooms
        self._versions: dict[tuple[str, str], int] = {}

    def begin(self, seq: int, preferences: Preferences) -> None:
        """Start from a snapshot that was read as of `seq`."""
        self.seq = seq
        self.preferences = preferences
        self.reports.clear()
        self._versions.clear()

    def take(self, change: Change) -> bool:
        """Apply a change; False when it was known already or is about nothing here."""
        name, row = subject(change), kind_of(change)
        if change.personal_seq <= self._versions.get((row, name), 0):
            return False
        self._versions[row, name] = change.personal_seq
        self.seq = max(self.seq, change.personal_seq)
        match change:
            case ContactRow() | ContactRequested() | ContactAccepted():
                self.contacts[name] = change.contact
            case BlockRow() | BlockChanged():
                self.blocked[name] = change.blocked
            case ReportRow() | ReportCreated() | ReportWithdrawn() | ReportResolved():
                self.reports[name] = change.report
            case MassRow() | MassProgress():
                self.mass_messages[name] = change.mass_message
            case _:
                return self._apply(change, name)
        return True

    def _apply(self, change: Change, name: str) -> bool:
        match change:
            case (
                PreferencesRow(preferences=mine)
                | PreferencesChanged(conversation_id=None, preferences=mine)
            ):
                self.preferences = mine or self.preferences
                return True
            case (
                MembershipRow(member=True, conversation=facts)
                | ConversationJoined(conversation=facts)
            ) if facts is not None:
                self._join(facts)
                _amend(self._rooms[facts.id], change, facts.head_seq)
                return True
            case MembershipRow() | ConversationLeft():
                return self._part(change, name)
        room = self._rooms.get(name)
        if room is None:
            return False
        match change:
            case ReadRow() | ReadMoved() | UnreadChanged():
                _move_mark(room, change)
            case PermissionsRow(denied=denied) | PermissionsChanged(denied=denied):
                room.facts = replace(room.facts, denied=denied)
            case ConversationPreferencesRow() | PreferencesChanged():
                _set_marks(room, change)
        return True

    def _join(self, facts: Conversation) -> None:
        room = self._rooms.get(facts.id)
        if room is None:
            # From the beginning: the log holds all that this person may see of it.
            self._rooms[facts.id] = Room(facts, 0)
            return
        room.left_seq = None
        if facts.head_seq < room.facts_seq and not room.stale:
            room.take_own(facts)
        else:
            room.take_snapshot(facts)
        room.facts = replace(room.facts, member=True)

    def _part(self, change: MembershipRow | ConversationLeft, name: str) -> bool:
        facts, room = change.conversation, self._rooms.get(name)
        if room is not None and room.facts.guest:
            # What a guest saw is not his to keep: he begins anew with what he had.
            del self._rooms[name]
            room = None
        if room is None and facts is not None:
            # Joined and left while nobody was looking: the past is there to read.
            room = self._rooms[name] = Room(facts, 0)
        if room is None:
            return change.left_seq == 0
        if facts is not None:
            room.take_snapshot(facts)
        _leave(room, change.left_seq)
        _amend(room, change, room.left_seq or 0)
        return True


def subject(change: Change) -> str:
    """The id of the conversation, person or report that a change is about, or ""."""
    match change:
        case PreferencesRow():
            return ""
        case ContactRow() | ContactRequested() | ContactAccepted():
            return change.contact.user.id
        case BlockRow() | BlockChanged():
            return change.user_id
        case ReportRow() | ReportCreated() | ReportWithdrawn() | ReportResolved():
            return change.report.id
        case MassRow() | MassProgress():
            return change.mass_message.id
        case ConversationJoined(conversation=facts):
            return facts.id
        case _:
            return change.conversation_id or ""


def kind_of(change: Change) -> str:
    """Which of a person's rows a change is of."""
    match change:
        case MembershipRow() | ConversationJoined() | ConversationLeft():
            return "membership"
        case ReadRow() | ReadMoved() | UnreadChanged():
            return "read"
        case PermissionsRow() | PermissionsChanged():
            return "permissions"
        case PreferencesRow() | PreferencesChanged() | ConversationPreferencesRow():
            return "preferences"
        case ContactRow() | ContactRequested() | ContactAccepted():
            return "contact"
        case BlockRow() | BlockChanged():
            return "block"
        case ReportRow() | ReportCreated() | ReportWithdrawn() | ReportResolved():
            return "report"
        case MassRow() | MassProgress():
            return "mass"


def _leave(room: Room, left_seq: int | None) -> None:
    room.left_seq = room.cursor if left_seq is None else left_seq
    room.facts = replace(room.facts, member=False)


def _amend(room: Room, change: Change, as_of: int) -> None:
    if isinstance(change, Membership):
        if change.too_long:
            room.drop_pages()
        room.amend(change.amended or (), as_of)


def _move_mark(room: Room, row: ReadRow | ReadMoved | UnreadChanged) -> None:
    room.facts = replace(room.facts, read_seq=row.read_seq, unread=row.unread)
    known = max(room.cursor, room.facts_seq)
    room.told_as_of = known if row.as_of_seq is None else row.as_of_seq


def _set_marks(
    room: Room, row: ConversationPreferencesRow | PreferencesChanged
) -> None:
    facts = room.facts
    room.facts = replace(
        facts,
        muted=facts.muted if row.muted is None else row.muted,
        starred=facts.starred if row.starred is None else row.starred,
        archived=facts.archived if row.archived is None else row.archived,
        draft=row.draft or None,
    )
