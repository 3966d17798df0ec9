"""If these fail, a guest is counted, listed, announced, or stays for ever."""

import pytest

from chatd.domain.announcements import FactsMoved, PersonalMoved
from chatd.store import conversation_views, conversations, members
from chatd.store.change import Moved
from chatd.store.members import Join, NewMember, Part
from chatd.store.reporting import guests
from chatd.store.reporting.filing import WithdrawReport
from chatd.store.reporting.guests import EnterAsGuest, LeaveAsGuest
from tests.store.reporting.test_filing import filed
from tests.store.shelf import TENANT, Shelf


@pytest.fixture
async def talk(shelf: Shelf) -> Shelf:
    await shelf.people("anna", "sue", "tom")
    await shelf.talk("club", "sue", "tom")
    await shelf.say("tom", to="club")
    await shelf.write(filed("r1", "sue", None))
    shelf.batches.clear()
    return shelf


async def ranges(talk: Shelf, user_id: str) -> list[tuple[int, int]]:
    views = await talk.store.read(
        conversation_views.outlines, TENANT, user_id, ["club"], "none"
    )
    return [(one.first, one.last) for view in views for one in view.ranges]


async def test_nobody_is_told_but_the_guest(talk: Shelf) -> None:
    """The others would know that there is a report (ITS-68, ITS-86)."""
    before = await talk.store.read(conversations.record, TENANT, "club")
    await talk.write(EnterAsGuest("club", "anna", "case-r1"))
    assert await talk.store.read(conversations.record, TENANT, "club") == before
    told = {(type(one), getattr(one, "user_id", "")) for one in talk.announced}
    assert told == {(PersonalMoved, "anna"), (FactsMoved, "")}
    current = await talk.store.read(members.current_ids, TENANT, "club")
    assert current == ("sue", "tom")
    everybody = await talk.store.read(guests.with_members, TENANT, "club")
    assert everybody == ("anna", "sue", "tom")
    for one, other in (("tom", "anna"), ("anna", "tom")):
        known = await talk.store.read(members.acquainted, TENANT, one, [other])
        assert known == frozenset()


async def test_a_guest_sees_all_of_it(talk: Shelf) -> None:
    """What was reported lies before the guest came, whatever newcomers see."""
    await talk.write(EnterAsGuest("club", "anna", "case-r1"))
    assert await ranges(talk, "anna") == [(1, 2)]
    await talk.write(LeaveAsGuest("club", "anna"))
    assert await ranges(talk, "anna") == []


async def test_who_is_added_is_no_guest_any_more(talk: Shelf) -> None:
    """A former guest would be a participant twice, or never removed again."""
    await talk.write(EnterAsGuest("club", "anna", "case-r1"))
    await talk.write(Join("club", (NewMember("anna"),), "sue"))
    assert await ranges(talk, "anna") == [(3, 3)]
    record = await talk.store.read(conversations.record, TENANT, "club")
    assert record is not None
    assert record.participant_count == 3
    await talk.write(EnterAsGuest("club", "anna", "case-r1"))
    await talk.write(Part("club", ("anna",), "sue"))
    assert await ranges(talk, "anna") == [(3, 4)]


async def test_a_guest_is_not_parted(talk: Shelf) -> None:
    """A removal would find the guest, and the log would name him (ITS-68)."""
    await talk.write(EnterAsGuest("club", "anna", "case-r1"))
    done = await talk.write(Part("club", ("anna",), "sue"))
    assert done.seqs == ()
    assert await ranges(talk, "anna") == [(1, 2)]


async def test_a_guest_goes_with_the_last_report(talk: Shelf) -> None:
    """A guest would stay when there is nothing left to look after."""
    await talk.people("uma")
    await talk.write(filed("r2", "uma", None))
    await talk.write(EnterAsGuest("club", "anna", "case-r1"))
    await talk.write(WithdrawReport("r1", "case-r1", "sue", "club"))
    assert await ranges(talk, "anna") == [(1, 2)]
    await talk.write(WithdrawReport("r2", "case-r1", "uma", "club"))
    assert await ranges(talk, "anna") == []


async def test_nobody_enters_by_what_is_over(talk: Shelf) -> None:
    """A guest who came in that moment would never be shown out."""
    await talk.write(WithdrawReport("r1", "case-r1", "sue", "club"))
    with pytest.raises(Moved):
        await talk.write(EnterAsGuest("club", "anna", "case-r1"))
    assert await ranges(talk, "anna") == []
