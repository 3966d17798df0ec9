"""The books of who listens to what: right after every coming and going, and empty last.

What reaches whom because of them is in `test_fanout.py`.
"""

import pytest

from chatd.hub.rooms import Presence, Room
from tests.hub.listeners import ROOM, TENANT, Stage, said, unavailable


async def test_nothing_is_left_when_all_have_gone(stage: Stage) -> None:
    """A server that runs for a term would remember everybody who ever came."""
    anna, ben, second = stage.seat("anna", 3), stage.seat("ben", 3), stage.ear("anna")
    presence = stage.rooms.people[anna.key]
    assert stage.rooms.add(presence, second.connection) == []
    for ear in (anna, ben, second):
        stage.rooms.remove(ear.key, ear.connection)
        stage.rooms.remove(ear.key, ear.connection)
    assert not stage.rooms.people
    assert not stage.rooms.rooms
    assert not stage.rooms._missed


async def test_the_first_of_two_devices_goes(stage: Stage) -> None:
    """Closing one window would silence the other."""
    anna, second = stage.seat("anna", 3), stage.ear("anna")
    stage.rooms.add(stage.rooms.people[anna.key], second.connection)
    stage.rooms.remove(anna.key, anna.connection)
    stage.tell(said(4))
    await stage.heard(second, 4)
    assert anna.events == []


async def test_goes_before_the_memberships_are_read(stage: Stage) -> None:
    """Who closes the window at once would stay in the books for ever."""
    anna = stage.ear("anna")
    presence = stage.loading(anna)
    stage.rooms.remove(anna.key, anna.connection)
    stage.loaded(presence, (ROOM[1], 1, 3))
    assert presence.loaded.is_set()
    assert not stage.rooms.people
    assert not stage.rooms.rooms


async def test_comes_again_before_the_memberships_are_read(stage: Stage) -> None:
    """Reloading a page quickly would leave a connection without events."""
    first, second = stage.ear("anna"), stage.ear("anna")
    old = stage.loading(first)
    stage.rooms.remove(first.key, first.connection)
    new = stage.loading(second)
    stage.loaded(old, (ROOM[1], 1, 3))
    assert not new.loaded.is_set()
    stage.loaded(new, (ROOM[1], 1, 3))
    stage.tell(said(4))
    await stage.heard(second, 4)
    assert first.events == []


async def test_memberships_that_cannot_be_read(stage: Stage) -> None:
    """Everybody who comes later would wait for a reading that failed."""
    anna = stage.ear("anna")
    presence = stage.loading(anna)
    failure = unavailable()
    stage.rooms.load_failed(presence, failure)
    assert presence.loaded.is_set()
    assert presence.failure is failure
    assert not stage.rooms.people
    again = stage.seat("anna", 3)
    stage.tell(said(4))
    await stage.heard(again, 4)


async def test_the_same_ids_in_another_tenant(stage: Stage) -> None:
    """Namesakes of two schools would hear each other."""
    anna = stage.seat("anna", 3)
    stranger = stage.ear("anna")
    presence = Presence(("another", "anna"))
    presence.connections.add(stranger.connection)
    stage.rooms.load_begins(presence)
    stage.rooms.load_ends(presence, 0, [(ROOM[1], 1, 3)])
    stage.tell(said(4))
    await stage.heard(anna, 4)
    assert stranger.events == []
    assert set(stage.rooms.rooms) == {ROOM, ("another", ROOM[1])}
    room = stage.rooms.rooms[ROOM]
    stage.rooms.left(room, 5, ["anna"])
    assert presence.conversations == {ROOM[1]}
    assert stage.rooms.people[TENANT, "anna"].conversations == set()


@pytest.mark.parametrize(("after", "entered"), [(5, True), (4, False), (6, False)])
async def test_who_is_where_the_room_is_needs_no_reading(
    stage: Stage, after: int, entered: bool
) -> None:
    """Every connection would cost a read of each of its conversations."""
    room, ear = Room(ROOM, 5), stage.ear("anna")
    assert room.idle
    room.enter(ear.connection, after)
    assert (ear.connection in room.audience) is entered
    assert (ear.connection in room.entering) is not entered
    assert not room.idle
    room.enter(ear.connection, after)
    if entered:
        room.enter(ear.connection, 2)
        assert not room.entering
    room.leave(ear.connection)
    assert not room.entering
    assert not room.audience


async def test_positions_that_are_noted(stage: Stage) -> None:
    """A hint without the event would throw away the event that is there."""
    room = Room(ROOM, 5)
    room.note(5, said(5))
    room.note(4, None)
    assert not room.pending
    room.note(6, said(6))
    room.note(6, None)
    assert room.pending == {6: said(6)}
    room.note(7, None)
    room.note(7, said(7))
    assert room.pending[7] == said(7)


async def test_what_was_missed_is_remembered_only_while_somebody_comes(
    stage: Stage,
) -> None:
    """Every conversation that nobody here listens to would fill the memory."""
    stage.rooms.miss(ROOM, 9)
    assert not stage.rooms._missed
    ben = stage.ear("ben")
    presence = stage.loading(ben)
    stage.rooms.miss(ROOM, 9)
    stage.rooms.miss(ROOM, 8)
    assert stage.rooms._missed == {ROOM: 9}
    stage.loaded(presence)
    assert not stage.rooms._missed
