"""One conversation: its pages, its counts, its facts."""

import pytest
from msgspec.structs import replace

from chatd_client.room import HELD_MAX, MESSAGES_MAX, UNREAD_MAX, Room
from chatd_protocol.chat.objects import Participant, Unread
from chatd_protocol.chat.results import MessagePage
from tests.clients.histories import (
    ME,
    conversation,
    edited,
    joined,
    message,
    parted,
    removed,
    renamed,
    said,
)


def room(head_seq: int = 0, **changed: object) -> Room:
    facts = replace(conversation(head_seq=head_seq), **changed)
    return Room(facts, head_seq)


def page(
    *seqs: int, as_of: int, before: bool = False, after: bool = False
) -> MessagePage:
    return MessagePage(
        messages=tuple(message(seq) for seq in seqs),
        as_of_seq=as_of,
        has_before=before,
        has_after=after,
    )


def test_a_page_never_undoes_an_event() -> None:
    """A removed message would reappear when somebody scrolls up."""
    there = room(5)
    there.take(removed(6, message(3)))
    there.take_page(page(3, 4, as_of=5))
    assert there.messages[3].message.removed is not None
    there.take_page(page(3, 4, as_of=7))
    assert there.messages[3].message.removed is None


def test_pages_reach_back() -> None:
    """A client would believe that it has messages which it never loaded."""
    there = room(100)
    assert there.complete_from == 101
    there.take_page(page(98, 99, 100, as_of=100, before=True))
    assert there.complete_from == 98
    there.take_page(page(10, 11, as_of=100, before=True, after=True))
    assert there.complete_from == 98
    there.take_page(page(95, 97, as_of=100, before=False, after=True))
    assert there.complete_from == 0


def test_an_empty_history_is_complete() -> None:
    """A client would ask for ever for pages of a new conversation."""
    there = room(3)
    there.take_page(page(as_of=3))
    assert there.complete_from == 0


def test_held_events_have_a_bound() -> None:
    """A server that jumps ahead would fill the client's memory."""
    there = room()
    for seq in range(2, HELD_MAX + 100):
        there.take(said(seq))
    assert len(there.held) == HELD_MAX
    assert there.head == HELD_MAX + 99


def test_unread_counts_what_others_said_after_the_mark() -> None:
    """The badge would count one's own words, or those that are gone."""
    there = room()
    for event in (said(1, ME), said(2), said(3, "ben"), removed(4, message(3, "ben"))):
        there.take(event)
    assert there.unread(ME) == Unread(count=1, marked=False, first_seq=2)


def test_an_own_message_moves_the_own_mark() -> None:
    """Who has just answered would be told that there is something unread."""
    there = room()
    for event in (said(1), said(2, ME)):
        there.take(event)
    assert there.snapshot(ME).read_seq == 2
    assert there.unread(ME) == Unread(count=0, marked=False)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            Unread(count=4, marked=True, first_seq=7),
            Unread(count=5, marked=True, first_seq=7),
        ),
        (
            Unread(count=UNREAD_MAX, marked=False, capped=True, first_seq=1),
            Unread(count=UNREAD_MAX, marked=False, capped=True, first_seq=1),
        ),
        (Unread(count=0, marked=False), Unread(count=1, marked=False, first_seq=11)),
    ],
)
def test_unread_continues_from_what_the_server_told(
    told: Unread, expected: Unread
) -> None:
    """The badge would be wrong until all of the past was loaded."""
    there = room(10, read_seq=5, unread=told)
    there.take(said(11))
    assert there.unread(ME) == expected


def test_unread_goes_down_when_an_unread_message_is_removed() -> None:
    """The badge would stay lit for a message that is gone."""
    there = room(10, read_seq=5, unread=Unread(count=2, marked=False, first_seq=7))
    there.take(removed(11, message(7)))
    assert there.unread(ME) == Unread(count=1, marked=False)


def test_unread_is_capped() -> None:
    """Two clients would show different numbers for very many."""
    there = room()
    for seq in range(1, UNREAD_MAX + 2):
        there.take(said(seq))
    assert there.unread(ME) == Unread(
        count=UNREAD_MAX, marked=False, capped=True, first_seq=1
    )


def test_facts_follow_the_events() -> None:
    """The list would show an old title, an old last message, an old count."""
    there = room(participants=(Participant(id="anna", name="Anna", role="member"),))
    there.take(said(1))
    there.take(edited(2, message(1), "better"))
    assert there.facts.last_message
    assert there.facts.last_message.text == "better"
    there.take(joined(3, "ben", 4))
    assert [row.id for row in there.facts.participants or ()] == ["anna", "ben"]
    there.take(parted(4, "anna", 3))
    assert [row.id for row in there.facts.participants or ()] == ["ben"]
    there.take(renamed(5, there.facts, "Chemistry"))
    assert (there.facts.title, there.facts.participant_count) == ("Chemistry", 3)
    assert there.facts.head_seq == 5


def test_an_older_snapshot_is_passed_over() -> None:
    """An answer that was on its way would undo newer events."""
    there = room(5)
    there.take(said(6))
    there.take_snapshot(conversation(head_seq=5, title="Old"))
    assert there.facts.title == "Physics"
    there.take_snapshot(conversation(head_seq=6, title="New"))
    assert there.facts.title == "New"


def test_a_room_keeps_a_bounded_past() -> None:
    """A program that runs for a year would keep all that was ever said."""
    there = room()
    for seq in range(1, MESSAGES_MAX + 2):
        there.take(said(seq))
    assert len(there.messages) < MESSAGES_MAX
    assert there.complete_from == min(there.messages)
    assert max(there.messages) == MESSAGES_MAX + 1
