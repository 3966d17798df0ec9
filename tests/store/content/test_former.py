"""If these fail, who has left keeps what was taken back, or is told of too much."""

from dataclasses import replace

from chatd.store import personal
from chatd.store.members import Part
from chatd.store.messages import EditMessage, RemoveMessage
from tests.store.shelf import TENANT, Shelf


async def told(shelf: Shelf, user: str, since: int) -> list[str]:
    read = shelf.store.read
    return [
        one.kind for one in await read(personal.changes_since, TENANT, user, since, 9)
    ]


async def test_of_the_first_edit_and_of_every_removal(shelf: Shelf) -> None:
    """Each correction would be counted outside, or a removal never come there."""
    message, _ = await shelf.say("ada")
    first = EditMessage(message, "talk", "ada", "other words", None, None)
    await shelf.write(Part("talk", ("ben",), "ada"))
    after, _ = await shelf.say("ada", "behind ben")
    head = await shelf.store.read(personal.head, TENANT, "ben")
    shelf.clock.at_ms += 1
    await shelf.write(first)
    assert await told(shelf, "ben", head) == ["membership"]
    head = await shelf.store.read(personal.head, TENANT, "ben")
    await shelf.write(replace(first, expected_ms=shelf.clock.at_ms))
    assert await told(shelf, "ben", head) == []
    await shelf.write(RemoveMessage(message, "talk", "ada", None, "removed"))
    assert await told(shelf, "ben", head) == ["membership"]
    head = await shelf.store.read(personal.head, TENANT, "ben")
    await shelf.write(RemoveMessage(after, "talk", "ada", None, "removed"))
    assert await told(shelf, "ben", head) == []
