"""The books of who listens to what: right after every coming and going, and empty last.

What reaches whom because of them is in `test_fanout.py`.
"""

import pytest

from chatd.bus.interface import Kind
from chatd.bus.local import LocalBus
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


class KeptBus(LocalBus):
    """Keeps what is followed."""

    def __init__(self) -> None:
        super().__init__()
        self.followed: list[tuple[str, str]] = []

    def follow(self, kind: Kind, tenant: str, id_: str) -> None:
        self.followed.append((kind, id_))

    def unfollow(self, kind: Kind, tenant: str, id_: str) -> None:
        self.followed.remove((kind, id_))


async def test_the_bus_follows_what_is_here(stage: Stage) -> None:
    """Other gateways would not be heard, or be heard of what nobody here is in."""
    bus = stage.rooms._bus = KeptBus()
    anna, ben = stage.seat("anna", 3), stage.seat("ben", 3)
    everything = [("person", "anna"), ("conversation", ROOM[1]), ("person", "ben")]
    assert bus.followed == everything
    stage.rooms.remove(anna.key, anna.connection)
    assert bus.followed == everything[1:]
    stage.rooms.remove(ben.key, ben.connection)
    failing = stage.loading(stage.ear("carl"))
    assert bus.followed == [("person", "carl")]
    stage.rooms.load_failed(failing, unavailable())
    assert bus.followed == []


async def test_a_membership_that_no_log_told(stage: Stage) -> None:
    """Who is added on another gateway would hear nothing of it until a reload."""
    anna = stage.ear("anna")
    presence = stage.loading(anna)
    stage.loaded(presence)
    stage.write(said(4), said(5))
    assert stage.rooms.member_at(presence, ROOM[1], 5) is None
    assert stage.rooms.member_at(presence, ROOM[1], 5) is None
    stage.tell(said(6))
    await stage.heard(anna, 6)


async def test_a_membership_that_is_over_already(stage: Stage) -> None:
    """A removed member would go on hearing, by an old snapshot (row 26)."""
    ben = stage.seat("ben", 3)
    anna = stage.ear("anna")
    presence = stage.loading(anna)
    stage.loaded(presence)
    stage.tell(stage.moved(4, joined=("anna",)), stage.moved(5, left=("anna",)))
    await stage.heard(ben, 4, 5)
    assert stage.rooms.member_at(presence, ROOM[1], 4) is None
    stage.tell(said(6))
    await stage.heard(ben, 4, 5, 6)
    assert 6 not in anna.seqs
    # And when she was told first of a room that then hears of her leaving.
    other = stage.ear("carl")
    carl = stage.loading(other)
    stage.loaded(carl)
    stage.write(stage.moved(7, joined=("carl",)))
    room = stage.rooms.member_at(carl, ROOM[1], 7)
    if room is not None:
        stage.fanout.advance(room)
    stage.tell(stage.moved(8, left=("carl",)), said(9))
    await stage.heard(ben, 4, 5, 6, 7, 8, 9)
    assert other.seqs == [7, 8]
