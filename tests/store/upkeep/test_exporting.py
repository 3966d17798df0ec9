"""If these fail, an export has less than there is, or somebody else's."""

from chatd.store.between.acquaintances import SetBlock, SetContact
from chatd.store.upkeep import exporting
from chatd.store.upkeep.exporting import Half
from tests.store.filing import upload
from tests.store.shelf import TENANT, Shelf


async def test_pages_of_what_is_the_persons_own(shelf: Shelf) -> None:
    """A page would leave out, or show twice, what is at its edge."""
    await shelf.talk("also", "ben", "ada")
    read = shelf.store.read
    first = await read(exporting.conversations_of, TENANT, "ada", "", 1)
    rest = await read(exporting.conversations_of, TENANT, "ada", first[0], 9)
    assert (first, rest) == (["also"], ["talk"])
    ids = [(await shelf.say("ada"))[0] for _ in range(3)]
    await shelf.say("ben")
    own = await read(exporting.own_messages, TENANT, "ada", ids[0], 9)
    assert [one.id for one in own] == ids[1:]
    await upload(shelf, "f")
    await upload(shelf, "g", "ben")
    found = await read(exporting.uploads, TENANT, "ada")
    assert [one.id for one in found] == ["f"]


async def test_a_request_that_a_block_hides(shelf: Shelf) -> None:
    """An export would tell what the person asked not to be told (MOO-10)."""
    await shelf.write(
        SetContact("ben", "ada", "sent"),
        SetBlock("ada", "ben", blocked=True),
        SetContact("cleo", "ada", "sent"),
        SetContact("dan", "ada", "none"),
    )
    assert await shelf.store.read(exporting.acquainted, TENANT, "ada") == [
        Half("ben", "none", True),
        Half("cleo", "received", False),
    ]
