"""If these fail, a message that waits is said twice, lost, or shown to others."""

from dataclasses import replace

import pytest

from chatd.domain.announcements import PersonalMoved
from chatd.errors import Refused
from chatd.store import messages
from chatd.store.change import AlreadyDone, Moved
from chatd.store.conversation_views import ConversationView, views
from chatd.store.saying import held
from chatd.store.saying.held import (
    OWN_MAX,
    DropHeld,
    HeldRecord,
    HoldEdit,
    HoldMessage,
    RefuseHeld,
)
from tests.store.shelf import TENANT, Shelf, said


async def waits(shelf: Shelf, text: str = "0171 2345678", author: str = "ada") -> str:
    write = said(author, text)
    await shelf.write(HoldMessage(write, ("phone",)))
    return write.id


async def record(shelf: Shelf, id_: str) -> HeldRecord:
    found = await shelf.store.read(held.by_id, TENANT, id_)
    assert found is not None
    return found


async def view(shelf: Shelf, viewer: str) -> ConversationView:
    found = await shelf.store.read(
        views,
        TENANT,
        viewer,
        ids=["talk"],
        unread_bound=9,
        others_max=9,
        history="all",
    )
    return found[0]


async def test_it_is_in_no_log_and_told_to_its_author_alone(shelf: Shelf) -> None:
    """Others would learn that something was held back (TUT-26)."""
    id_ = await waits(shelf)
    found = await record(shelf, id_)
    assert (found.message.text, found.message.seq) == ("0171 2345678", 0)
    assert (found.sorts, found.state, found.edits) == (("phone",), "waiting", False)
    assert await shelf.store.read(messages.by_id, TENANT, id_) is None
    (told,) = shelf.announced
    assert isinstance(told, PersonalMoved)
    assert told.user_id == "ada"
    assert [one.id for one in (await view(shelf, "ada")).held] == [id_]
    assert (await view(shelf, "ben")).held == ()
    assert await shelf.store.read(held.own, TENANT, "ada", []) == {}


async def test_once_for_each_client_id(shelf: Shelf) -> None:
    """A retry would wait a second time, or say what waits (SPEC, Once)."""
    write = said("ada", "0171", client_id="mine")
    await shelf.write(HoldMessage(write, ("phone",)))
    again = replace(write, id="other")
    with pytest.raises(AlreadyDone) as done:
        await shelf.write(HoldMessage(again, ("phone",)))
    assert done.value.result == {"heldId": write.id}
    with pytest.raises(Refused, match="idempotency_conflict"):
        await shelf.write(HoldMessage(replace(again, digest=b"new"), ("phone",)))
    spoken = said("ada", "hello", client_id="said")
    await shelf.write(spoken)
    with pytest.raises(AlreadyDone) as done:
        await shelf.write(HoldMessage(replace(spoken, id="third"), ("phone",)))
    assert done.value.result == {"messageId": spoken.id}
    found = await shelf.store.read(held.by_client_id, TENANT, "ada", "mine")
    assert found is not None
    assert found.id == write.id
    assert await shelf.store.read(held.by_client_id, TENANT, "ben", "mine") is None


async def test_refused_it_stays_for_its_author(shelf: Shelf) -> None:
    """A student would wait for ever for an answer to what nobody has got."""
    id_ = await waits(shelf)
    await shelf.write(RefuseHeld(id_, "talk", "ada", "mod"))
    found = await record(shelf, id_)
    assert (found.state, found.decided_by) == ("refused", "mod")
    assert found.decided_at_ms == shelf.clock.at_ms
    assert await shelf.store.read(held.queue, TENANT, "", 9) == []
    assert [one.id for one in (await view(shelf, "ada")).held] == [id_]
    with pytest.raises(Moved):
        await shelf.write(RefuseHeld(id_, "talk", "ada", "other"))


async def test_dropped_it_is_gone_once(shelf: Shelf) -> None:
    """Two moderators would both let it through."""
    id_ = await waits(shelf)
    await shelf.write(DropHeld(id_, "talk", "ada", files=True))
    assert await shelf.store.read(held.by_id, TENANT, id_) is None
    assert (await view(shelf, "ada")).held == ()
    with pytest.raises(Moved):
        await shelf.write(DropHeld(id_, "talk", "ada", files=True))


async def test_the_queue_is_in_the_order_of_time(shelf: Shelf) -> None:
    """The longest wait would be the last to end, or be on no page."""
    ids = [await waits(shelf, author=one) for one in ("ada", "ben", "cleo")]
    first = await shelf.store.read(held.queue, TENANT, "", 2)
    assert [one.id for one in first] == ids[:2]
    rest = await shelf.store.read(held.queue, TENANT, first[-1].id, 2)
    assert [one.id for one in rest] == ids[2:]
    assert await shelf.store.read(held.queue, "elsewhere", "", 9) == []


async def test_the_author_is_shown_the_latest_few(shelf: Shelf) -> None:
    """Somebody who tries a thousand times would get them all with every list."""
    ids = [await waits(shelf) for _ in range(OWN_MAX + 2)]
    assert [one.id for one in (await view(shelf, "ada")).held] == ids[2:]


async def test_another_text_replaces_the_one_that_waits(shelf: Shelf) -> None:
    """Of two new texts of one message the older could be said last."""
    id_, seq = await shelf.say("ada", "first")
    for name, text in (("h1", "0171"), ("h2", "0172")):
        await shelf.write(HoldEdit(name, id_, "talk", "ada", text, None, None, ()))
    (waiting,) = (await view(shelf, "ada")).held
    assert (waiting.id, waiting.edits) == ("h2", True)
    assert (waiting.message.id, waiting.message.seq) == (id_, seq)
    assert waiting.message.text == "0172"
