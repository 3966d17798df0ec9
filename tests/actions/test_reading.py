"""If these fail, the badge is wrong or a mark jumps (ITS-128)."""

from chatd.actions import messages, reading
from chatd.domain.announcements import Hinted
from chatd.limits import Limits
from chatd_protocol.chat import requests
from chatd_protocol.chat.results import ReadState, UnreadTotals
from tests.actions.deeds import refused, send, start, who
from tests.support.house import House


async def badge(school: House, reader: str) -> UnreadTotals:
    return await reading.unread(school.context, who(reader), requests.GetUnread())


async def test_the_badge_follows_reading_and_removal(school: House) -> None:
    """People would look for messages that are not there (ITS-4, ITS-5)."""
    group = await start(school, "anna", "sue", "tom")
    first = await send(school, "anna", group.id)
    second = await send(school, "anna", group.id)
    await send(school, "sue", group.id)
    assert (await badge(school, "tom")).messages == 3
    assert (await badge(school, "sue")).messages == 0
    remove = requests.DeleteMessage(message_id=second.id)
    await messages.delete(school.context, who("anna"), remove)
    assert (await badge(school, "tom")).messages == 2

    async def mark(seq: int) -> ReadState:
        request = requests.MarkRead(conversation_id=group.id, seq=seq)
        return await reading.mark_read(school.context, who("tom"), request)

    state = await mark(first.seq)
    assert (state.read_seq, state.unread.count) == (first.seq, 1)
    assert (await mark(1)).read_seq == first.seq
    assert (await mark(10**6)).read_seq == 5
    totals = await badge(school, "tom")
    assert (totals.messages, totals.conversations) == (0, 0)


async def test_marking_unread(school: House) -> None:
    """A person could not come back to a message (ITS-25, ITS-38)."""
    group = await start(school, "anna", "sue", "tom")
    first = await send(school, "anna", group.id)
    await send(school, "anna", group.id)
    read = requests.MarkRead(conversation_id=group.id, seq=3)
    await reading.mark_read(school.context, who("sue"), read)
    whole = requests.MarkUnread(conversation_id=group.id)
    state = await reading.mark_unread(school.context, who("sue"), whole)
    assert (state.unread.marked, state.unread.count) == (True, 0)
    assert (await badge(school, "sue")).conversations == 1
    since = requests.MarkUnread(conversation_id=group.id, message_id=first.id)
    state = await reading.mark_unread(school.context, who("sue"), since)
    assert (state.unread.count, state.unread.first_seq) == (2, first.seq)
    state = await reading.mark_read(school.context, who("sue"), read)
    assert (state.unread.marked, state.unread.count) == (False, 0)
    wrong = requests.MarkUnread(conversation_id=group.id, message_id="no-such")
    await refused("not_found", reading.mark_unread(school.context, who("sue"), wrong))
    await refused("not_found", reading.mark_read(school.context, who("zed"), read))


async def test_the_count_is_capped(school: House) -> None:
    """A busy class would cost more and more to count."""
    capped = Limits(unread_exact=2)
    object.__setattr__(school.context, "limits", capped)
    group = await start(school, "anna", "sue", "tom")
    for _ in range(4):
        await send(school, "anna", group.id)
    totals = await badge(school, "sue")
    assert (totals.messages, totals.capped) == (2, True)


async def test_typing_is_a_hint_of_those_who_may_send(school: House) -> None:
    """Strangers would be seen typing (UX-39)."""
    group = await start(school, "anna", "sue", "tom")
    school.announced.clear()
    request = requests.Typing(conversation_id=group.id)
    await reading.typing(school.context, who("sue"), request)
    (hint,) = school.announced
    assert isinstance(hint, Hinted)
    assert (hint.conversation_id, hint.actor_id) == (group.id, "sue")
    await refused("not_found", reading.typing(school.context, who("zed"), request))


async def test_presence_is_for_those_who_share_a_conversation(school: House) -> None:
    """Strangers could be followed around, or one would watch oneself."""
    await start(school, "anna", "sue", "tom")
    asked = ("zed", "tom", "anna", "sue", "tom", "nobody")
    watched = await reading.acquainted(school.context, who("sue"), asked)
    assert watched == ("tom", "anna")
    assert await reading.acquainted(school.context, who("zed"), asked) == ()
