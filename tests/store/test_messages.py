from dataclasses import replace

import pytest

from chatd.domain.members import Range
from chatd.domain.messages import MessageRecord
from chatd.store import messages
from chatd.store.change import Moved
from chatd.store.messages import EditMessage, RemoveMessage
from tests.store.shelf import TENANT, Shelf, said


async def message(shelf: Shelf, id_: str) -> MessageRecord:
    found = await shelf.store.read(messages.by_id, TENANT, id_)
    assert found is not None
    return found


def edit(id_: str, text: str, expected_ms: int | None) -> EditMessage:
    return EditMessage(id_, "talk", "ada", text, None, expected_ms)


async def test_inserted(shelf: Shelf) -> None:
    """A message would be read back other than it was sent."""
    write = replace(
        said("ada", "Hé 👩🏽‍🚀", client_id="mine"), links_json="[]", reply_to_id="r"
    )
    await shelf.write(write)
    got = await message(shelf, write.id)
    assert got == MessageRecord(
        id=write.id,
        conversation_id="talk",
        seq=2,
        kind="text",
        author_id="ada",
        author_name="Ada",
        created_at_ms=shelf.clock.at_ms,
        last_event_seq=2,
        text="Hé 👩🏽‍🚀",
        links_json="[]",
        reply_to_id="r",
        client_message_id="mine",
        digest=b"same",
    )
    read = shelf.store.read
    assert await read(messages.by_client_id, TENANT, "ada", "mine") == got
    assert await read(messages.by_client_id, TENANT, "ben", "mine") is None
    assert await read(messages.by_id, TENANT, "no such") is None
    assert await read(messages.many, TENANT, []) == {}


async def test_edited(shelf: Shelf) -> None:
    """An edit would be lost, or two within a millisecond be one."""
    id_, _ = await shelf.say("ada", "one")
    await shelf.write(edit(id_, "two", None))
    first = await message(shelf, id_)
    assert (first.text, first.last_event_seq, first.seq) == ("two", 3, 2)
    await shelf.write(edit(id_, "three", first.edited_at_ms))
    again = await message(shelf, id_)
    assert again.text == "three"
    assert first.edited_at_ms is not None
    assert again.edited_at_ms == first.edited_at_ms + 1


async def test_an_edit_of_an_older_state_is_decided_anew(shelf: Shelf) -> None:
    """Of two edits at once the later one would undo the first unseen."""
    id_, _ = await shelf.say("ada", "one")
    await shelf.write(edit(id_, "two", None))
    with pytest.raises(Moved):
        await shelf.write(edit(id_, "three", None))
    assert (await message(shelf, id_)).text == "two"


async def test_removed(shelf: Shelf) -> None:
    """What was removed would still be read, or come back by an edit."""
    id_, _ = await shelf.say("ada", "a secret")
    shelf.clock.at_ms += 9
    await shelf.write(RemoveMessage(id_, "talk", "ben", "ben", "moderator"))
    got = await message(shelf, id_)
    assert (got.text, got.links_json, got.digest) == (None, None, None)
    assert (got.removed_by, got.removed_by_name, got.notice) == (
        "ben",
        "Ben",
        "moderator",
    )
    assert (got.removed_at_ms, got.last_event_seq) == (shelf.clock.at_ms, 3)
    for write in (
        edit(id_, "back", None),
        RemoveMessage(id_, "talk", "ada", None, "author"),
    ):
        with pytest.raises(Moved):
            await shelf.write(write)
    assert (await message(shelf, id_)).last_event_seq == 3


async def test_pages_stay_within_what_is_visible(shelf: Shelf) -> None:
    """Somebody would page into a time when he was not there."""
    for _ in range(9):
        await shelf.say("ada")
    ranges = [Range(2, 4), Range(8, 9)]
    read = shelf.store.read
    where = (TENANT, "talk", ranges)
    older = await read(messages.older, *where, before=99, limit=9)
    assert [one.seq for one in older] == [9, 8, 4, 3, 2]
    older = await read(messages.older, *where, before=8, limit=2)
    assert [one.seq for one in older] == [4, 3]
    newer = await read(messages.newer, *where, after=3, limit=2)
    assert [one.seq for one in newer] == [4, 8]
    nothing = await read(messages.newer, TENANT, "talk", [], after=0, limit=9)
    assert nothing == []
