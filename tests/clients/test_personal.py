"""A person's own rows, live and by Sync: the same things, said twice."""

import pytest
from msgspec.structs import replace

from chatd_client.personal import Change, PersonalState, subject
from chatd_client.room import Room
from chatd_protocol.chat.events import (
    ConversationJoined,
    ConversationLeft,
    PermissionsChanged,
    PreferencesChanged,
    ReportCreated,
    UnreadChanged,
)
from chatd_protocol.chat.objects import Conversation, Preferences, Unread
from chatd_protocol.chat.reporting.reports import Report
from chatd_protocol.chat.results import (
    ConversationPreferencesRow,
    MembershipRow,
    PermissionsRow,
    PreferencesRow,
    ReadRow,
    ReportRow,
)
from tests.clients.histories import at, conversation

MARKED = Unread(count=0, marked=True)


def applied(change: Change) -> tuple[PersonalState, Conversation]:
    rooms = {"c1": Room(conversation(), 0)}
    personal = PersonalState(rooms)
    personal.begin(1, Preferences(enter_sends=True))
    assert personal.take(change)
    assert not personal.take(change)
    return personal, rooms["c1"].facts


@pytest.mark.parametrize(
    ("live", "row", "expected"),
    [
        (
            UnreadChanged(
                personal_seq=2,
                at=at(1),
                conversation_id="c1",
                read_seq=3,
                unread=MARKED,
            ),
            ReadRow(personal_seq=2, conversation_id="c1", read_seq=3, unread=MARKED),
            {"read_seq": 3, "unread": MARKED},
        ),
        (
            PermissionsChanged(
                personal_seq=2,
                at=at(1),
                conversation_id="c1",
                denied={"send": "blocked"},
            ),
            PermissionsRow(
                personal_seq=2, conversation_id="c1", denied={"send": "blocked"}
            ),
            {"denied": {"send": "blocked"}},
        ),
        (
            PreferencesChanged(
                personal_seq=2,
                at=at(1),
                conversation_id="c1",
                muted=True,
                starred=True,
                archived=False,
                draft="later",
            ),
            ConversationPreferencesRow(
                personal_seq=2,
                conversation_id="c1",
                muted=True,
                starred=True,
                archived=False,
                draft="later",
            ),
            {"muted": True, "starred": True, "archived": False, "draft": "later"},
        ),
        (
            ConversationLeft(
                personal_seq=2, at=at(1), conversation_id="c1", left_seq=2
            ),
            MembershipRow(
                personal_seq=2, conversation_id="c1", member=False, left_seq=2
            ),
            {"member": False},
        ),
        (
            ConversationJoined(
                personal_seq=2, at=at(1), conversation=conversation(title="Back")
            ),
            MembershipRow(
                personal_seq=2,
                conversation_id="c1",
                member=True,
                conversation=conversation(title="Back"),
            ),
            {"member": True, "title": "Back"},
        ),
    ],
)
def test_live_and_replayed_say_the_same(
    live: Change, row: Change, expected: dict
) -> None:
    """What happened while a device slept would look different on it."""
    for change in (live, row):
        personal, facts = applied(change)
        assert {name: getattr(facts, name) for name in expected} == expected
        assert personal.seq == 2
        assert subject(change) == "c1"


def test_of_a_guest_s_visit_nothing_is_left() -> None:
    """A teacher's client would go on to show a talk that he has no right to."""
    rooms = {"c1": Room(conversation(guest=True), 0)}
    personal = PersonalState(rooms)
    gone = MembershipRow(personal_seq=2, conversation_id="c1", member=False, left_seq=0)
    assert personal.take(gone)
    assert rooms == {}


def test_a_guest_who_was_there_before_has_what_he_had() -> None:
    """He would keep what was said after he had left, or lose what was said before."""
    rooms = {"c1": Room(conversation(guest=True, head_seq=9), 9)}
    had = conversation(head_seq=4, member=False)
    gone = ConversationLeft(
        personal_seq=2, at=at(1), conversation_id="c1", left_seq=4, conversation=had
    )
    assert PersonalState(rooms).take(gone)
    room = rooms["c1"]
    assert (room.facts, room.cursor, room.left_seq) == (had, 0, 4)
    assert room.wants_sync


def test_who_came_and_went_meanwhile_can_read_the_past() -> None:
    """Sync would tell a client of a conversation that it then does not show."""
    rooms: dict[str, Room] = {}
    had = conversation(head_seq=4, member=False)
    row = MembershipRow(
        personal_seq=2,
        conversation_id="c1",
        member=False,
        left_seq=4,
        conversation=had,
    )
    assert PersonalState(rooms).take(row)
    assert rooms["c1"].facts == had


def test_reports_are_kept_for_their_marks() -> None:
    """Whoever has reported something would not see that he has (ITS-85)."""
    personal = PersonalState({})
    made = Report(
        id="r1", state="open", conversation_id="c1", reason="other", created_at=at(1)
    )
    assert personal.take(ReportCreated(personal_seq=2, at=at(1), report=made))
    assert personal.reports == {"r1": made}
    back = replace(made, state="withdrawn")
    assert personal.take(ReportRow(personal_seq=3, report=back))
    assert not personal.take(ReportCreated(personal_seq=2, at=at(1), report=made))
    assert personal.reports == {"r1": back}


def test_settings_are_the_person_s() -> None:
    """Settings changed on one device would not reach the other."""
    mine = Preferences(enter_sends=False)
    for change in (
        PreferencesChanged(personal_seq=2, at=at(1), preferences=mine),
        PreferencesRow(personal_seq=2, preferences=mine),
    ):
        personal, _ = applied(change)
        assert personal.preferences == mine
        assert subject(change) == ""


def test_a_draft_that_is_gone_is_gone() -> None:
    """A message that was sent would come back as a draft."""
    rooms = {"c1": Room(conversation(draft="half"), 0)}
    personal = PersonalState(rooms)
    personal.take(
        PreferencesChanged(personal_seq=2, at=at(1), conversation_id="c1", muted=False)
    )
    assert rooms["c1"].facts.draft is None


def test_what_is_about_nothing_here_is_not_told() -> None:
    """A program would hear of a conversation that it cannot find."""
    personal = PersonalState({})
    row = ReadRow(personal_seq=2, conversation_id="c9", read_seq=3, unread=MARKED)
    assert not personal.take(row)
    assert personal.seq == 2
