"""The fan-out: every connection gets each event once, in order, whatever happens."""

import asyncio

import msgspec
import pytest

from chatd.domain.announcements import Hinted, Logged
from chatd.hub.fanout import HOLD_S, PENDING_MAX
from chatd.hub.parcels import RECIPIENTS_PER_TURN
from chatd_protocol.chat.events import TypingHint
from tests.hub.listeners import (
    ANNA,
    AT,
    ROOM,
    TENANT,
    Stage,
    created,
    edited,
    said,
    unavailable,
)
from tests.support.counted import value
from tests.support.waiting import wait_until


async def test_in_order_at_once(stage: Stage) -> None:
    """A message would wait for a task, or for the store, before it is delivered."""
    anna, ben = stage.seat("anna", 3), stage.seat("ben", 3)
    stage.tell(said(4), said(5))
    assert stage.rooms.rooms[ROOM].last == 5
    await stage.heard(anna, 4, 5)
    await stage.heard(ben, 4, 5)
    assert stage.book.reads == []


async def test_an_event_that_did_not_come_along_is_read(stage: Stage) -> None:
    """Edits, removals and renamings would never be live."""
    anna = stage.seat("anna", 3)
    stage.tell(said(4), bare=True)
    await stage.heard(anna, 4)
    assert stage.book.reads == [(3, 4)]


async def test_duplicates_are_dropped(stage: Stage) -> None:
    """A message would be delivered twice."""
    anna = stage.seat("anna", 3)
    stage.tell(said(4), said(5))
    stage.tell(said(4), said(5), said(2))
    stage.tell(said(6))
    await stage.heard(anna, 4, 5, 6)


async def test_a_reordering_is_held_and_not_read(stage: Stage) -> None:
    """Every small reordering would cost a read."""
    anna = stage.seat("anna", 3)
    stage.tell(said(6), said(5))
    await asyncio.sleep(0)
    stage.tell(said(4))
    await stage.heard(anna, 4, 5, 6)
    assert stage.book.reads == []


async def test_a_gap_is_read_after_a_moment(stage: Stage) -> None:
    """After a lost hint everybody would wait for ever, or miss a message."""
    anna = stage.seat("anna", 3)
    stage.write(said(4), said(5))
    began_s = asyncio.get_running_loop().time()
    gaps = value("chatd_gap_fills_total", cause="bus_gap")
    stage.tell(said(6))
    await stage.heard(anna, 4, 5, 6)
    assert asyncio.get_running_loop().time() - began_s >= HOLD_S
    assert stage.book.reads == [(3, 5)]
    assert value("chatd_gap_fills_total", cause="bus_gap") == gaps + 1


async def test_what_the_log_does_not_have_is_passed_over(stage: Stage) -> None:
    """After a restore from a backup a room would hang for ever."""
    bugs = value("chatd_invariant_violations_total", rule="announced_is_logged")
    anna = stage.seat("anna", 3)
    stage.tell(said(7))
    await stage.heard(anna, 7)
    stage.write(said(9))
    stage.tell(said(10))
    await stage.heard(anna, 7, 9, 10)
    assert value("chatd_invariant_violations_total", rule="announced_is_logged") > bugs


async def test_too_many_to_keep_are_read_later(stage: Stage) -> None:
    """A store that hangs would let a busy conversation fill the memory."""
    anna = stage.seat("anna", 0)
    stage.book.gate = asyncio.Event()
    stage.tell(said(1), bare=True)
    last = PENDING_MAX + 10
    stage.tell(*(said(seq) for seq in range(2, last + 1)))
    room = stage.rooms.rooms[ROOM]
    assert sum(one is not None for one in room.pending.values()) < PENDING_MAX
    stage.book.gate.set()
    await stage.heard(anna, *range(1, last + 1))


async def test_a_store_that_fails_is_asked_again(stage: Stage) -> None:
    """One refusal of the store would silence a conversation."""
    anna = stage.seat("anna", 3)
    stage.book.failures = [unavailable(), unavailable(), unavailable(), unavailable()]
    stage.tell(said(4), bare=True)
    stage.tell(said(5))
    await stage.heard(anna, 4, 5)


async def test_an_event_that_cannot_be_built_is_given_up(stage: Stage) -> None:
    """One broken row would silence a conversation for ever."""
    anna = stage.seat("anna", 3)
    stage.book.failures = [ValueError("broken") for _ in range(3)]
    stage.tell(said(4), bare=True)
    stage.tell(said(5))
    await stage.heard(anna, 5)


async def test_an_event_that_cannot_be_encoded_is_given_up(stage: Stage) -> None:
    """One text that no encoding can carry would silence a conversation for ever."""
    anna = stage.seat("anna", 3)
    stage.tell(said(4, "\ud800"), said(5))
    await stage.heard(anna, 5)


async def test_who_cannot_be_brought_up_to_date_still_gets_in(stage: Stage) -> None:
    """After a broken row a device would stay silent although it is connected."""
    stage.seat("anna", 5)
    stage.book.failures = [ValueError("broken") for _ in range(3)]
    ben = stage.seat("ben", 3)
    await wait_until(lambda: not stage.book.failures)
    await stage.quiet()
    stage.tell(said(6))
    await stage.heard(ben, 6)


async def test_a_large_audience_in_turns(stage: Stage) -> None:
    """A message to a whole school would hold everybody else up."""
    size = 2 * RECIPIENTS_PER_TURN + 1
    ears = [stage.seat(f"u{number}", 3) for number in range(size)]
    turns = 0

    async def others() -> None:
        nonlocal turns
        while not ears[-1].seqs:
            turns += 1
            await asyncio.sleep(0)

    stage.tell(said(4))
    stage.tell(said(5))
    await asyncio.wait_for(others(), 60)
    assert turns >= 3
    for ear in ears:
        await stage.heard(ear, 4, 5)


async def test_a_hint_to_a_large_audience_in_turns(stage: Stage) -> None:
    """Whoever types in a whole school's conversation would hold everybody else up."""
    size = 2 * RECIPIENTS_PER_TURN + 1
    ears = [stage.seat(f"u{number}", 3) for number in range(size)]
    typing = TypingHint(at=AT, conversation_id=ROOM[1], actor=ANNA)
    stage.fanout.hint(Hinted(*ROOM, "u0", typing))
    told = [ear for ear in ears if ear.connection.pending_bytes]
    assert len(told) <= RECIPIENTS_PER_TURN
    await wait_until(lambda: all(ear.events for ear in ears[1:]))
    assert [one["type"] for one in ears[-1].events] == ["typing"]
    assert ears[0].events == []


async def test_a_huge_conversation_leaves_room_for_others(stage: Stage) -> None:
    """Two people could not talk while a whole school is being told something."""
    size = 4 * RECIPIENTS_PER_TURN
    ears = [stage.seat(f"u{number}", 3) for number in range(size)]
    small = stage.ear("ben")
    stage.loaded(stage.loading(small), ("c2", 1, 3))
    stage.tell(*(said(seq) for seq in range(4, 14)))
    await asyncio.sleep(0)
    aside = msgspec.structs.replace(said(4), conversation_id="c2")
    stage.fanout.offer(Logged(TENANT, "c2", 4, "message.created", aside))
    # Looked at in every turn of the loop, as a clock says nothing about turns.
    for _ in range(1_000):
        if small.seqs:
            break
        await asyncio.sleep(0)
    assert len(ears[-1].seqs) < 9
    assert small.seqs == [4]
    await stage.heard(ears[-1], *range(4, 14))


async def test_who_enters_while_an_event_is_on_its_way(stage: Stage) -> None:
    """A device that connects in the middle of a delivery would miss that message."""
    ears = [stage.seat(f"u{number}", 3) for number in range(RECIPIENTS_PER_TURN + 1)]
    stage.tell(said(4))
    await asyncio.sleep(0)  # the first turn is written, the second is not
    room = stage.rooms.rooms[ROOM]
    assert room.pumping
    second = stage.ear("u0")
    presence = stage.rooms.people[second.key]
    for busy in stage.rooms.add(presence, second.connection):
        stage.fanout.advance(busy)
    stage.tell(said(5))
    await stage.heard(second, 4, 5)
    await stage.heard(ears[0], 4, 5)


async def test_who_enters_late_is_brought_up_to_date(stage: Stage) -> None:
    """What came between reading the memberships and entering would be missed."""
    anna, ben = stage.seat("anna", 3), stage.ear("ben")
    presence = stage.loading(ben)
    stage.tell(said(4), said(5))
    stage.loaded(presence, (ROOM[1], 1, 3))
    stage.tell(said(6))
    await stage.heard(ben, 4, 5, 6)
    await stage.heard(anna, 4, 5, 6)
    assert stage.book.reads == [(3, 5)]


async def test_who_may_not_see_a_message_is_told_nothing_of_its_edit(
    stage: Stage,
) -> None:
    """Words from an absence would come live with an edit (ITS-70)."""
    anna, ben = stage.seat("anna", 3), stage.seat("ben", 3)
    stage.book.blind[2] = ("ben",)
    stage.tell(edited(4, of=2), bare=True)
    stage.tell(said(5))
    await stage.heard(anna, 4, 5)
    await stage.heard(ben, 4, 5)
    assert anna.events[0]["message"]["text"] == "other words"
    assert "text" not in ben.events[0]["message"]
    assert ben.events[0]["message"]["removed"]["notice"] == "not_visible"


async def test_nor_is_who_enters_late(stage: Stage) -> None:
    """The same words would come to a device that has just connected."""
    anna, ben = stage.seat("anna", 3), stage.ear("ben")
    stage.book.blind[2] = ("ben",)
    presence = stage.loading(ben)
    stage.tell(edited(4, of=2))
    stage.loaded(presence, (ROOM[1], 1, 3))
    stage.tell(said(5))
    await stage.heard(ben, 4, 5)
    await stage.heard(anna, 4, 5)
    assert "text" not in ben.events[0]["message"]


async def test_who_is_ahead_of_the_room_waits_for_it(stage: Stage) -> None:
    """A device would be told what it has already read in its snapshot."""
    anna = stage.seat("anna", 3)
    ben = stage.seat("ben", 5)
    stage.write(said(4))
    stage.tell(said(5))
    stage.tell(said(6))
    await stage.heard(anna, 4, 5, 6)
    await stage.heard(ben, 6)


async def test_nobody_listened_while_memberships_were_read(stage: Stage) -> None:
    """The first one of a conversation to connect would miss what came meanwhile."""
    ben = stage.ear("ben")
    presence = stage.loading(ben)
    stage.tell(said(4))
    stage.loaded(presence, (ROOM[1], 1, 3))
    await stage.heard(ben, 4)


async def test_the_room_closed_while_memberships_were_read(stage: Stage) -> None:
    """Who comes as the last one goes would miss what the last one got."""
    anna, ben = stage.seat("anna", 3), stage.ear("ben")
    presence = stage.loading(ben)
    stage.tell(said(4))
    stage.rooms.remove(anna.key, anna.connection)
    assert not stage.rooms.rooms
    stage.loaded(presence, (ROOM[1], 1, 3))
    await stage.heard(ben, 4)


async def test_joins_at_n(stage: Stage) -> None:
    """A new member would miss the event that says so, or get what came before."""
    anna = stage.seat("anna", 3)
    ben = stage.ear("ben")
    stage.loaded(stage.loading(ben))
    stage.tell(said(4), stage.moved(5, joined=("ben",)), said(6))
    await stage.heard(anna, 4, 5, 6)
    await stage.heard(ben, 5, 6)


async def test_a_conversation_begins(stage: Stage) -> None:
    """Nobody would be told live of a new conversation."""
    ben = stage.ear("ben")
    stage.loaded(stage.loading(ben))
    stage.book.moves[1] = (("anna", "ben"), ())
    stage.tell(created(), said(2))
    await stage.heard(ben, 1, 2)


async def test_a_conversation_of_others_leaves_nothing(stage: Stage) -> None:
    """Every conversation that ever began would stay in memory."""
    ben = stage.ear("ben")
    stage.loaded(stage.loading(ben))
    stage.book.moves[1] = (("carl",), ())
    stage.tell(created(), said(2))
    await wait_until(lambda: not stage.rooms.rooms)
    assert ben.events == []


async def test_is_removed_at_n(stage: Stage) -> None:
    """A removed member would go on reading, or not learn of the removal."""
    anna, ben = stage.seat("anna", 3), stage.seat("ben", 3)
    stage.tell(said(4), stage.moved(5, left=("ben",)), said(6))
    await stage.heard(anna, 4, 5, 6)
    await stage.heard(ben, 4, 5)


async def test_is_added_again(stage: Stage) -> None:
    """Who comes back would be told what was said in between."""
    ben = stage.seat("ben", 3)
    stage.tell(stage.moved(4, left=("ben",)), said(5), said(6))
    stage.tell(stage.moved(7, joined=("ben",)), said(8))
    await stage.heard(ben, 4, 7, 8)


@pytest.mark.parametrize("read_before", [True, False])
async def test_is_added_while_memberships_are_read(
    stage: Stage, read_before: bool
) -> None:
    """A membership that begins while somebody connects would be lost."""
    anna, ben = stage.seat("anna", 3), stage.ear("ben")
    presence = stage.loading(ben)
    stage.tell(said(4), stage.moved(5, joined=("ben",)), said(6))
    await stage.heard(anna, 4, 5, 6)
    stage.loaded(presence, *(() if read_before else ((ROOM[1], 5, 5),)))
    stage.tell(said(7))
    await stage.heard(ben, *((5, 6, 7) if read_before else (6, 7)))


async def test_is_removed_while_memberships_are_read(stage: Stage) -> None:
    """Who is removed while connecting would read on."""
    anna, ben = stage.seat("anna", 3), stage.ear("ben")
    presence = stage.loading(ben)
    stage.tell(stage.moved(4, left=("ben",)))
    await stage.heard(anna, 4)
    stage.loaded(presence, (ROOM[1], 1, 3))
    stage.tell(said(5))
    await stage.heard(anna, 4, 5)
    assert ben.events == []


async def test_is_removed_and_added_while_memberships_are_read(stage: Stage) -> None:
    """Who comes back while connecting would be told what was said in between."""
    anna, ben = stage.seat("anna", 3), stage.ear("ben")
    presence = stage.loading(ben)
    stage.tell(stage.moved(4, left=("ben",)), said(5))
    stage.tell(stage.moved(6, joined=("ben",)))
    await stage.heard(anna, 4, 5, 6)
    stage.loaded(presence, (ROOM[1], 1, 3))
    stage.tell(said(7))
    await stage.heard(ben, 6, 7)


async def test_stop_ends_the_work(stage: Stage) -> None:
    """The server would not go down while the store hangs."""
    stage.seat("anna", 3)
    stage.book.gate = asyncio.Event()
    stage.tell(said(4), bare=True)
    await wait_until(lambda: stage.book.waiting)
    await asyncio.wait_for(stage.fanout.stop(), 60)
    assert not stage.rooms.rooms[ROOM].pumping
