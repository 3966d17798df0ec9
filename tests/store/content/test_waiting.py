"""If these fail, a text waits to replace one that is gone, or nobody hears of it."""

from chatd.domain.announcements import PersonalMoved
from chatd.store.messages import EditMessage, RemoveMessage
from chatd.store.saying import held
from chatd.store.saying.held import HoldEdit
from tests.store.shelf import TENANT, Shelf


def told(shelf: Shelf) -> set[str]:
    return {one.user_id for one in shelf.announced if isinstance(one, PersonalMoved)}


async def test_what_waits_for_a_message_goes_with_it(shelf: Shelf) -> None:
    """A removed message would come back with another text when that is let through."""
    id_, _ = await shelf.say("ada", "first")
    await shelf.write(HoldEdit("h", id_, "talk", "ada", "0171", None, None, ()))
    shelf.batches.clear()
    await shelf.write(RemoveMessage(id_, "talk", "ada", None, "removed"))
    assert await shelf.store.read(held.by_id, TENANT, "h") is None
    assert told(shelf) == {"ada"}


async def test_a_newer_text_outdates_what_waits(shelf: Shelf) -> None:
    """A moderator would put an old text over what its author says now."""
    id_, _ = await shelf.say("ada", "first")
    await shelf.write(HoldEdit("h", id_, "talk", "ada", "0171", None, None, ()))
    await shelf.write(EditMessage(id_, "talk", "ada", "second", None, None))
    assert await shelf.store.read(held.of_edit, TENANT, id_) is None
    # A message for which nothing waits is edited without news to anybody.
    shelf.batches.clear()
    other, _ = await shelf.say("ben", "mine")
    await shelf.write(EditMessage(other, "talk", "ben", "yours", None, None))
    assert told(shelf) == set()
