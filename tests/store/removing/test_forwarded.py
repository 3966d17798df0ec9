"""If these fail, a removal by staff leaves copies behind."""

from dataclasses import replace

from chatd.domain.messages import Forwarded
from chatd.store.removing import forwarded
from tests.store.shelf import TENANT, Shelf, said


async def test_every_copy_is_found_in_its_own_tenant(shelf: Shelf) -> None:
    """Words that staff removed would live on elsewhere (ITS-77)."""
    await shelf.talk("second", "ada", "ben")
    origin, _ = await shelf.say("ada")
    source = Forwarded(origin, "ada", "Ada", 1)
    one = replace(said("ben", to="second"), forwarded=source)
    two = replace(said("ada"), forwarded=source)
    await shelf.write(one, two)
    found = await shelf.store.read(forwarded.copies, TENANT, origin)
    assert found == tuple(sorted([(one.id, "second"), (two.id, "talk")]))
    assert await shelf.store.read(forwarded.copies, "other", origin) == ()
