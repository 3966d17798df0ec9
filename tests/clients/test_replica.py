"""The replica under every order, doubling and loss that a network can produce."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chatd_client.replica import (
    BUFFER_MAX,
    HOLD_S,
    JOIN_HOLD_S,
    Overdue,
    Replica,
    Reset,
    Update,
)
from chatd_protocol.chat.base import SYNC_CURSORS_MAX
from chatd_protocol.chat.events import (
    ConversationJoined,
    ConversationLeft,
    Event,
    LogEvent,
    ReadMoved,
    TypingHint,
)
from chatd_protocol.chat.objects import PersonName, Unread
from chatd_protocol.chat.results import ConversationEvents, MembershipRow, ReadRow
from tests.clients.histories import (
    at,
    conversation,
    history,
    me,
    missed,
    said,
    synced,
)

deeds = st.sampled_from(
    ["anna", "ben", "me", "edit", "remove", "rename", "join", "part"]
)
scripts = st.lists(deeds, min_size=1, max_size=25)


def whole(*rooms: str) -> Replica:
    """A replica that has caught up with empty conversations."""
    replica = Replica()
    replica.begin()
    replica.baseline(me(), [conversation(name) for name in rooms or ("c1",)])
    replica.finish(0.0)
    return replica


def state(replica: Replica) -> object:
    """All that a person could see of it."""
    return (
        replica.conversations(),
        {name: room.messages for name, room in replica.rooms.items()},
        {name: room.cursor for name, room in replica.rooms.items()},
    )


def in_order(log: list[LogEvent]) -> tuple[object, list[Update]]:
    replica = whole()
    updates = [update for event in log for update in replica.offer(event, 0.0)]
    return state(replica), updates


@given(script=scripts, data=st.data())
def test_any_order_and_any_doubling_converge(
    script: list[str], data: st.DataObject
) -> None:
    """Two devices of one person would show different conversations."""
    log = history(script)
    doubled = log + data.draw(st.lists(st.sampled_from(log), max_size=10))
    shuffled = data.draw(st.permutations(doubled))
    replica = whole()
    updates = [update for event in shuffled for update in replica.offer(event, 0.0)]
    assert (state(replica), updates) == in_order(log)
    assert replica.overdue(1e9) == Overdue()


@given(script=scripts, data=st.data())
def test_any_loss_is_mended_by_sync(script: list[str], data: st.DataObject) -> None:
    """An event that got lost would be missing for ever, or be told twice."""
    log = history(script)
    arrived = data.draw(st.lists(st.sampled_from(log), max_size=20))
    replica = whole()
    updates = [update for event in arrived for update in replica.offer(event, 0.0)]
    (request,) = replica.requests()
    cut = data.draw(st.integers(request.cursors["c1"], log[-1].seq))
    first = synced(missed(log[:cut], request.cursors["c1"], log[-1].seq), more=True)
    updates += replica.absorb(first, 1.0)
    late = data.draw(st.lists(st.sampled_from(log), max_size=5))
    updates += [update for event in late for update in replica.offer(event, 1.0)]
    again = replica.again(request)
    updates += replica.absorb(synced(missed(log, again.cursors["c1"])), 2.0)
    assert (state(replica), updates) == in_order(log)


@given(script=scripts, data=st.data())
def test_catching_up_while_events_arrive(
    script: list[str], data: st.DataObject
) -> None:
    """An event between the snapshot and the first live one would be lost."""
    log = history(script)
    read_at = data.draw(st.integers(0, len(log)))
    replica = whole()
    replica.begin()
    live = data.draw(st.permutations(log[data.draw(st.integers(0, len(log))) :]))
    updates: list[Update] = []
    for event in live:
        updates += replica.offer(event, 0.0)
    assert updates == []
    updates += replica.absorb(synced(missed(log[:read_at], 0)), 0.0)
    updates += replica.finish(0.0)
    updates += replica.absorb(synced(missed(log, replica.rooms["c1"].cursor)), 0.0)
    assert (state(replica), updates) == in_order(log)


@given(script=scripts, data=st.data())
def test_a_snapshot_and_the_rest_is_the_whole(
    script: list[str], data: st.DataObject
) -> None:
    """A client that came later would show another conversation."""
    log = history(script)
    split = data.draw(st.integers(0, len(log)))
    early = whole()
    for event in log[:split]:
        early.offer(event, 0.0)
    late = Replica()
    late.begin()
    late.baseline(me(), early.conversations())
    late.finish(0.0)
    for event in log[split:]:
        early.offer(event, 0.0)
        late.offer(event, 0.0)
    (theirs,), (ours,) = late.conversations(), early.conversations()
    if theirs.unread.first_seq is None:  # it was among messages never loaded
        ours = replace(ours, unread=replace(ours.unread, first_seq=None))
    assert theirs == ours


def test_a_gap_is_due_after_half_a_second() -> None:
    """A missing event would be asked for too soon, or never."""
    replica = whole()
    assert replica.due_s() is None
    assert replica.offer(said(2), 10.0) == []
    replica.offer(said(3), 10.4)
    assert replica.due_s() == 10.0 + HOLD_S
    assert replica.overdue(10.49) == Overdue()
    assert replica.overdue(10.5) == Overdue(behind=("c1",))
    assert replica.offer(said(1), 10.6) == [said(1), said(2), said(3)]
    assert replica.due_s() is None


def test_an_answer_restarts_the_wait() -> None:
    """A client would ask in a tight loop for what is on its way."""
    replica = whole()
    replica.offer(said(5), 0.0)
    replica.absorb(synced(missed([said(1), said(2)])), 1.0)
    assert replica.overdue(1.4) == Overdue()
    assert replica.overdue(1.5) == Overdue(behind=("c1",))


def test_positions_that_hold_nothing_for_me_are_passed_over() -> None:
    """Somebody who was away for a while would wait for what he may not see."""
    replica = whole()
    log = [said(1), said(7)]
    assert replica.absorb(synced(missed(log, 0, head=9)), 0.0) == log
    assert replica.rooms["c1"].cursor == 9
    assert replica.offer(said(10), 0.0) == [said(10)]


def test_too_long_drops_the_pages() -> None:
    """Pages with a hole in them would be shown as one."""
    replica = whole()
    replica.offer(said(1), 0.0)
    row = ConversationEvents(
        conversation_id="c1", events=(), head_seq=900, too_long=True
    )
    assert replica.absorb(synced(row), 0.0) == [Reset("c1")]
    room = replica.rooms["c1"]
    assert (room.messages, room.cursor, room.complete_from) == ({}, 900, 901)
    assert replica.overdue(0.0) == Overdue(unknown=("c1",))
    replica.adopt(conversation(head_seq=901, title="New"), 0.0)
    assert replica.rooms["c1"].facts.title == "New"
    assert replica.overdue(0.4) == Overdue()
    assert replica.offer(said(901), 0.0) == [said(901)]


def test_an_event_of_an_unknown_conversation_waits_for_it() -> None:
    """The first message of a new conversation would be lost."""
    replica = whole()
    assert replica.offer(said(4, name="new"), 0.0) == []
    assert replica.offer(said(3, name="new"), 0.0) == []
    assert replica.overdue(HOLD_S) == Overdue(unknown=("new",))
    updates = replica.adopt(conversation("new", head_seq=4), 1.0)
    assert updates == [said(3, name="new"), said(4, name="new")]
    assert replica.due_s() is None


def test_joining_replays_what_may_be_seen() -> None:
    """The message that a conversation began with would never be told of."""
    replica = whole()
    replica.offer(said(2, name="new"), 0.0)
    event = ConversationJoined(
        personal_seq=5, at=at(5), conversation=conversation("new", head_seq=2)
    )
    assert replica.offer(event, 0.0) == [event]
    assert replica.offer(said(1, name="new"), 0.1) == [
        said(1, name="new"),
        said(2, name="new"),
    ]
    assert replica.overdue(9.0) == Overdue()


def test_joining_an_old_conversation_asks_soon() -> None:
    """Somebody who was added would wait for the first message addressed to him."""
    replica = whole()
    facts = conversation("old", head_seq=9)
    replica.offer(ConversationJoined(personal_seq=5, at=at(5), conversation=facts), 1.0)
    assert replica.offer(said(9, name="old"), 1.0) == []
    assert replica.overdue(1.0 + JOIN_HOLD_S) == Overdue(behind=("old",))
    row = ConversationEvents(
        conversation_id="old", events=(said(9, name="old"),), head_seq=9
    )
    assert replica.absorb(synced(row), 1.1) == [said(9, name="old")]
    assert replica.due_s() is None


def test_joining_without_live_events_asks_for_them() -> None:
    """Somebody added while the network was away would see an empty conversation."""
    replica = whole()
    row = MembershipRow(
        personal_seq=5,
        conversation_id="new",
        member=True,
        conversation=conversation("new", head_seq=2),
    )
    assert replica.absorb(synced(personal=(row,)), 0.0) == [row]
    assert replica.overdue(HOLD_S) == Overdue(behind=("new",))
    (request,) = replica.requests(["new"])
    assert request.cursors == {"new": 0}
    assert request.personal_seq == 5


def test_leaving_ends_the_asking() -> None:
    """A client would ask for ever for what it may no longer see."""
    replica = whole("c1", "c2")
    left = ConversationLeft(personal_seq=5, at=at(5), conversation_id="c1", left_seq=2)
    replica.offer(left, 0.0)
    assert replica.requests()[0].cursors == {"c1": 0, "c2": 0}
    replica.absorb(synced(missed([said(1), said(2)])), 0.0)
    assert replica.requests()[0].cursors == {"c2": 0}
    assert not replica.rooms["c1"].facts.member


def test_coming_back_continues_where_it_stopped() -> None:
    """What was said in between would be asked for, or what comes after not."""
    replica = whole()
    replica.offer(said(1), 0.0)
    left = ConversationLeft(personal_seq=1, at=at(1), conversation_id="c1", left_seq=1)
    replica.offer(left, 0.0)
    back = ConversationJoined(
        personal_seq=2, at=at(8), conversation=conversation(head_seq=8, title="Again")
    )
    replica.offer(back, 0.0)
    assert replica.requests()[0].cursors == {"c1": 1}
    replica.absorb(synced(missed([said(8)], 1)), 0.0)
    assert sorted(replica.rooms["c1"].messages) == [1, 8]
    assert replica.rooms["c1"].facts.title == "Again"
    assert replica.due_s() is None


def test_hints_pass_at_any_time() -> None:
    """Somebody's typing would be shown long after it."""
    replica = whole()
    replica.begin()
    hint = TypingHint(
        at=at(1), conversation_id="c1", actor=PersonName(id="a", name="A")
    )
    assert replica.offer(hint, 0.0) == [hint]


def test_a_buffer_that_overflows_is_told() -> None:
    """Events that were dropped while catching up would be missing for ever."""
    replica = whole()
    replica.begin()
    for seq in range(1, BUFFER_MAX + 2):
        replica.offer(said(seq), 0.0)
    assert replica.lost_events
    replica.begin()
    assert not replica.lost_events


def test_requests_are_cut_at_the_limit_and_newest_first() -> None:
    """A person with many conversations would be refused, or wait for the newest."""
    replica = Replica()
    replica.baseline(
        me(personal_seq=9),
        [conversation(f"c{n}", last_activity_at=at(n)) for n in range(1_100)],
    )
    requests = replica.requests()
    sizes = [len(request.cursors) for request in requests]
    assert sizes == [SYNC_CURSORS_MAX, SYNC_CURSORS_MAX, 100]
    assert next(iter(requests[0].cursors)) == "c1099"
    assert {request.personal_seq for request in requests} == {9}


def test_a_person_without_conversations_asks_too() -> None:
    """Somebody's first conversation would never be found."""
    replica = Replica()
    replica.baseline(me(), [])
    assert len(replica.requests()) == 1


@given(order=st.permutations(range(1, 6)))
def test_the_newest_personal_row_wins(order: list[int]) -> None:
    """Devices of one person would disagree about what was read."""
    replica = whole()
    for seq in order:
        unread = Unread(count=0, marked=seq == 5)
        event: Event = ReadMoved(
            personal_seq=seq,
            at=at(seq),
            conversation_id="c1",
            read_seq=seq,
            unread=unread,
        )
        if seq % 2:
            row = ReadRow(
                personal_seq=seq, conversation_id="c1", read_seq=seq, unread=unread
            )
            replica.absorb(synced(personal=(row,)), 0.0)
        else:
            replica.offer(event, 0.0)
    assert replica.rooms["c1"].facts.read_seq == 5
    assert replica.rooms["c1"].snapshot("me").unread.marked
    assert replica.personal_seq == 5
