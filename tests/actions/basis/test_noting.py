"""If these fail, a deed is done or something is shown that the trail does not tell."""

from chatd.actions.basis.noting import note_look, noted
from chatd.store.keeping import trail
from chatd.store.keeping.trail import Entry, Filter
from tests.actions.deeds import who
from tests.support.house import TENANT, House


async def test_a_deed_and_a_look(school: House) -> None:
    """Who did what, and who looked at what, could not be told afterwards."""
    where = {"conversationId": "c"}
    done = noted(who("anna"), "message.removed", "message", "m", **where)
    await school.write(done)
    await note_look(school.context, who("lead"), "vault.read", "message", "m")
    at = school.clock.at_ms
    assert await school.context.store.read(trail.page, TENANT, Filter(), 9, 9) == [
        Entry(2, at, "lead", "vault.read", "message", "m", {}),
        Entry(
            1, at, "anna", "message.removed", "message", "m", {"conversationId": "c"}
        ),
    ]
