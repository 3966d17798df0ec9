"""If these fail, moderators are not told of contact data, or for ever of the same."""

from chatd.store.messages import RemoveMessage
from chatd.store.saying import flagged
from chatd.store.saying.flagged import FlaggedRecord, FlagMessage
from tests.store.shelf import TENANT, Shelf

LAST = (2**53, "")


async def page(
    shelf: Shelf, before: tuple[int, str] = LAST, limit: int = 9
) -> list[FlaggedRecord]:
    return await shelf.store.read(flagged.page, TENANT, before, limit)


async def test_the_latest_first_page_by_page(shelf: Shelf) -> None:
    """A moderator would read through last year to see what came today (TUT-26)."""
    ids = []
    for text in ("one", "two", "three"):
        id_, _ = await shelf.say("ada", text)
        shelf.clock.at_ms += 1
        await shelf.write(FlagMessage(id_, "talk", ("phone", "social")))
        ids.append(id_)
    first = await page(shelf, limit=2)
    assert [one.message.id for one in first] == [ids[2], ids[1]]
    assert first[0].sorts == ("phone", "social")
    rest = await page(shelf, (first[-1].flagged_at_ms, first[-1].message.id))
    assert [one.message.text for one in rest] == ["one"]
    assert await shelf.store.read(flagged.page, "elsewhere", LAST, 9) == []


async def test_flagged_again_and_removed(shelf: Shelf) -> None:
    """An edit would be a second row, and a removed text be read here."""
    id_, _ = await shelf.say("ada", "0171")
    await shelf.write(FlagMessage(id_, "talk", ("phone",)))
    shelf.clock.at_ms += 5
    await shelf.write(FlagMessage(id_, "talk", ("social",)))
    (one,) = await page(shelf)
    assert (one.sorts, one.flagged_at_ms) == (("social",), shelf.clock.at_ms)
    await shelf.write(RemoveMessage(id_, "talk", "ada", None, "removed"))
    (one,) = await page(shelf)
    assert (one.message.text, one.message.notice) == (None, "removed")
