"""If these fail, the sender is shown another message than the one that was sent."""

from chatd.actions.mass import showing
from tests.actions.mass.schools import cancel, furnish, send
from tests.support.house import TENANT, House


async def test_as_it_is_now(school: House) -> None:
    """The sender would be told of words that were taken back."""
    await furnish(school)
    made = await send(school, "anna", "unit:north", title="Snow")
    read = school.context.store.read
    assert await read(showing.by_ids, TENANT, [made.id, "nothing"]) == {made.id: made}
    await cancel(school, "anna", made.id)
    found = (await read(showing.by_ids, TENANT, [made.id]))[made.id]
    assert found.message is not None
    assert (found.message.text, found.state) == (None, "cancelled")
    assert found.ended_at is not None
