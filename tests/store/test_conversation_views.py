import pytest

from chatd.domain.members import Interval
from chatd.store import conversation_views
from chatd.store.conversation_views import ConversationView, ListPosition
from chatd.store.conversations import Rename, SetState
from chatd.store.members import Join, NewMember, Part
from chatd.store.messages import RemoveMessage
from chatd.store.personal import MarkUnread, MoveRead, SetMarks
from chatd.store.transaction import Row, SqlValue, Transaction
from tests.store.shelf import TENANT, Shelf, said


async def views(
    shelf: Shelf, user: str, *ids: str, bound: int = 99
) -> list[ConversationView]:
    return await shelf.store.read(
        conversation_views.views,
        TENANT,
        user,
        ids=ids,
        unread_bound=bound,
        others_max=2,
        history="all",
    )


async def view(shelf: Shelf, user: str, *, bound: int = 99) -> ConversationView:
    (found,) = await views(shelf, user, "talk", bound=bound)
    return found


async def page(
    shelf: Shelf, user: str, filter_: str, after: ListPosition | None = None, n: int = 9
) -> list[ListPosition]:
    return await shelf.store.read(
        conversation_views.page_ids,
        TENANT,
        user,
        filter_=filter_,
        after=after,
        limit=n,
        history="all",
    )


async def ids(shelf: Shelf, user: str, filter_: str) -> list[str]:
    return [one.id for one in await page(shelf, user, filter_)]


async def test_a_members_view(shelf: Shelf) -> None:
    """The list would show another conversation than the one there is."""
    id_, _ = await shelf.say("ben", "Hello")
    got = await view(shelf, "ada")
    assert got.member
    assert got.intervals == (Interval(1),)
    assert (got.record.title, got.record.state) == ("Talk", "open")
    assert (got.record.head_seq, got.record.participant_count) == (2, 3)
    assert got.last_message is not None
    assert got.last_message.id == id_
    assert got.others == ("ben", "cleo")


async def test_order_and_strangers(shelf: Shelf) -> None:
    """Somebody would see a conversation of others, or the list in another order."""
    await shelf.talk("second", "ada", "dan")
    await shelf.talk("third", "ben", "dan")
    got = await views(shelf, "ada", "second", "third", "no such", "talk")
    assert [one.record.id for one in got] == ["second", "talk"]
    assert await views(shelf, "eve", "talk") == []
    assert await views(shelf, "ada") == []


async def test_a_former_member_sees_his_time(shelf: Shelf) -> None:
    """Somebody who was removed would go on reading titles, states and messages."""
    id_, _ = await shelf.say("ben", "while he is here")
    await shelf.write(Rename("talk", "His time", "ada"))
    left = (await shelf.write(Part("talk", ("cleo",), "ada"))).seqs[0]
    shelf.clock.at_ms += 1_000
    await shelf.say("ben", "when he is gone")
    await shelf.write(
        Rename("talk", "Later", "ada"),
        Join("talk", (NewMember("dan"), NewMember("eve")), "ada"),
        SetState("talk", "conversation.closed", "ada"),
    )
    got = await view(shelf, "cleo")
    assert not got.member
    assert got.record.title == "His time"
    assert got.record.state == "open"
    assert got.record.participant_count == 2
    assert got.record.head_seq == left
    assert got.record.last_activity_ms == shelf.clock.at_ms - 1_000
    assert got.last_message is not None
    assert got.last_message.id == id_
    assert (got.unread, got.first_unread_seq) == (0, None)
    assert got.others == ()
    now = await view(shelf, "ada")
    assert (now.record.title, now.record.state) == ("Later", "closed")
    assert now.record.participant_count == 4


async def test_what_was_said_in_an_absence_is_never_the_last(shelf: Shelf) -> None:
    """Whoever was away would read in the list what history does not show."""
    id_, _ = await shelf.say("ben", "before")
    await shelf.write(Part("talk", ("cleo",), "ada"))
    await shelf.say("ben", "in the absence")
    await shelf.write(Join("talk", (NewMember("cleo"),), "ada"))
    back = await view(shelf, "cleo")
    assert back.intervals == (Interval(1, 3), Interval(5))
    assert back.last_message is not None
    assert back.last_message.id == id_
    assert back.unread == 0
    await shelf.write(Part("talk", ("cleo",), "ada"))
    gone = await view(shelf, "cleo")
    assert gone.last_message is not None
    assert gone.last_message.id == id_


async def test_unread_is_exact_then_capped(shelf: Shelf) -> None:
    """The number at a conversation would be wrong, or take for ever to count."""
    for number in range(5):
        await shelf.say("ben", str(number))
        assert (await view(shelf, "ada", bound=3)).unread == min(number + 1, 4)
    assert (await view(shelf, "ada")).unread == 5
    assert (await view(shelf, "ada")).first_unread_seq == 2
    assert (await view(shelf, "ben")).unread == 0
    await shelf.write(MoveRead("talk", "ada", 4))
    got = await view(shelf, "ada")
    assert (got.unread, got.first_unread_seq) == (2, 5)


async def test_removed_and_own_messages_are_not_unread(shelf: Shelf) -> None:
    """Somebody would look for a message that is not there."""
    id_, _ = await shelf.say("ben")
    await shelf.write(RemoveMessage(id_, "talk", "ben", None, "author"))
    assert (await view(shelf, "ada")).unread == 0
    await shelf.say("ben")
    await shelf.say("ada")
    assert (await view(shelf, "ada")).unread == 0


async def test_who_joins_begins_with_nothing_unread(shelf: Shelf) -> None:
    """A new member would begin with years of unread messages."""
    await shelf.say("ben")
    await shelf.write(Join("talk", (NewMember("dan"),), "ada"))
    assert (await view(shelf, "dan")).unread == 0
    await shelf.say("ben")
    assert (await view(shelf, "dan")).unread == 1


async def test_marks(shelf: Shelf) -> None:
    """What a person has noted would be lost, or shown to others."""
    await shelf.write(
        SetMarks("talk", "ada", muted=True, starred=True, archived=True, draft="So"),
        MarkUnread("talk", "ada", None),
    )
    marks = (await view(shelf, "ada")).marks
    assert (marks.muted, marks.starred, marks.archived) == (True, True, True)
    assert (marks.draft, marks.marked_unread, marks.read_seq) == ("So", True, 1)
    others = (await view(shelf, "ben")).marks
    assert (others.muted, others.draft, others.marked_unread) == (False, None, False)


class Counting:
    """A transaction that counts what it is asked."""

    def __init__(self, tx: Transaction) -> None:
        self.engine = tx.engine
        self._tx = tx
        self.count = 0

    async def all(self, sql: str, *parameters: SqlValue) -> list[Row]:
        self.count += 1
        return await self._tx.all(sql, *parameters)

    async def one(self, sql: str, *parameters: SqlValue) -> Row | None:
        self.count += 1
        return await self._tx.one(sql, *parameters)

    async def run(self, sql: str, *parameters: SqlValue) -> int:
        self.count += 1
        return await self._tx.run(sql, *parameters)


async def test_the_number_of_statements_does_not_grow(shelf: Shelf) -> None:
    """A long list would take a statement for every row."""

    async def cost(tx: Transaction, *some: str) -> int:
        counting = Counting(tx)
        await conversation_views.views(
            counting,
            TENANT,
            "ada",
            ids=some,
            unread_bound=9,
            others_max=2,
            history="all",
        )
        return counting.count

    await shelf.talk("second", "ada", "ben")
    costs = [
        await shelf.store.read(cost, *some) for some in (("talk",), ("talk", "second"))
    ]
    assert costs[0] <= 5
    assert costs[1] <= 5


@pytest.fixture
async def several(shelf: Shelf) -> Shelf:
    """Ada in talk, unread, starred, archived, closed and left; in that order."""
    names = ("unread", "starred", "archived", "closed", "left")
    for name in names:
        shelf.clock.at_ms += 10
        await shelf.talk(name, "ada", "ben")
    await shelf.say("ben", to="unread")
    await shelf.write(
        SetMarks("starred", "ada", starred=True),
        SetMarks("archived", "ada", archived=True),
        SetState("closed", "conversation.closed", "ben"),
        Part("left", ("ada",), "ben"),
    )
    return shelf


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ("all", ["unread", "closed", "starred", "talk"]),
        ("unread", ["unread"]),
        ("starred", ["starred"]),
        ("archived", ["archived"]),
        ("closed", ["left", "closed"]),
    ],
)
async def test_filters(several: Shelf, filter_: str, expected: list[str]) -> None:
    """A tab of the list would miss conversations or show wrong ones (ITS-129)."""
    got = await ids(several, "ada", filter_)
    assert sorted(got) == sorted(expected)
    assert await ids(several, "eve", filter_) == []


async def test_marked_as_unread_is_in_the_unread_tab(several: Shelf) -> None:
    """What somebody wanted to come back to would not be found."""
    await several.write(MarkUnread("talk", "ada", None))
    assert sorted(await ids(several, "ada", "unread")) == ["talk", "unread"]


async def test_pages_join_without_gap_or_repeat(several: Shelf) -> None:
    """Conversations of one instant would be left out between two pages."""
    for number in range(7):
        await several.talk(f"same-{number}", "ada")
    whole = await page(several, "ada", "all", n=99)
    assert len(whole) == 11
    for size in (1, 2, 3):
        walked: list[ListPosition] = []
        while part := await page(
            several, "ada", "all", walked[-1] if walked else None, size
        ):
            walked += part
        assert walked == whole
    times = [one.last_activity_ms for one in whole]
    assert times == sorted(times, reverse=True)


async def test_an_outline_is_the_view_without_people_and_counts(shelf: Shelf) -> None:
    """`Sync` would show another part of a log than the conversation's page does."""
    await shelf.talk("gone", "ada", "ben")
    await shelf.write(said("ada"), said("ben"), Part("gone", ("ada",), "ben"))
    whole = await views(shelf, "ada", "talk", "gone")
    outlines = await shelf.store.read(
        conversation_views.outlines, TENANT, "ada", ["talk", "gone", "no such"], "all"
    )
    by_id = {one.record.id: one for one in outlines}
    assert by_id.keys() == {"talk", "gone"}
    for one in whole:
        outline = by_id[one.record.id]
        assert (outline.record, outline.member) == (one.record, one.member)
        assert (outline.intervals, outline.ranges) == (one.intervals, one.ranges)
        assert (outline.amended, outline.others) == (one.amended, ())


async def test_which_logs_have_moved(shelf: Shelf) -> None:
    """A message would be missed, or everything be read anew at each reconnect."""
    await shelf.talk("quiet", "ada", "ben")
    await shelf.write(said("ada"))
    found = await shelf.store.read(
        conversation_views.moved, TENANT, {"talk": 1, "quiet": 1, "no such": 1}
    )
    assert found == ["talk"]
    # Ahead of the log is elsewhere, too: the client knows another database.
    found = await shelf.store.read(conversation_views.moved, TENANT, {"quiet": 9})
    assert found == ["quiet"]
