"""If these fail, who comes back still reads what was taken back meanwhile."""

from chatd.domain.members import Absence
from chatd.store.messages import EditMessage, RemoveMessage
from chatd.store.removing.amended import amended
from tests.store.shelf import TENANT, Shelf


async def test_what_was_taken_back_during_an_absence(shelf: Shelf) -> None:
    """An edit or removal behind somebody's back would be missed, or told twice."""
    ids = [await shelf.say("ada", f"text {number}") for number in range(4)]
    (edited, _), (removed, _), (_, _), (_, last) = ids
    edit = EditMessage(edited, "talk", "ada", "other", None, None)
    await shelf.write(edit, RemoveMessage(removed, "talk", "ada", None, "removed"))
    late, _ = await shelf.say("ada", "behind the back")
    await shelf.write(RemoveMessage(late, "talk", "ada", None, "removed"))
    away = Absence(visible_until=last, first=last + 1, last=last + 9)
    found = await shelf.store.read(amended, TENANT, [("talk", away)], 10)
    assert [one.id for one in found["talk"]] == [edited, removed]
    latest = await shelf.store.read(amended, TENANT, [("talk", away)], 1)
    assert [one.id for one in latest["talk"]] == [removed]
    assert await shelf.store.read(amended, TENANT, [], 10) == {}
