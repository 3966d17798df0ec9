"""If these fail, the sender is shown another message than the one that was sent."""

from chatd.actions.directory import people
from chatd.actions.mass import showing
from chatd.domain.announcements import Hinted, Logged
from chatd_protocol.chat.directory import DeleteUser, PutUser
from tests.actions.mass.schools import cancel, deliver, furnish, listed, send
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


async def test_nobody_learns_who_else_has_it(school: House) -> None:
    """Of a message to the whole school everybody would read who joins and leaves it."""
    await furnish(school)
    made = await send(school, "anna", "unit:north")
    await deliver(school)
    school.announced.clear()
    renamed = PutUser(user_id="sue", name="Susan", roles=("student",))
    await people.put(school.context, school.platform, renamed)
    gone = DeleteUser(user_id="gail")
    await people.delete(school.context, school.platform, gone)
    told = [one for one in school.announced if isinstance(one, Logged | Hinted)]
    assert [one for one in told if one.conversation_id == made.id] == []
    (entry,) = await listed(school, "tom")
    assert (entry.id, entry.head_seq, entry.participant_count) == (made.id, 2, 1)
