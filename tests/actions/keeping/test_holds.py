"""If these fail, what an inquiry needs is gone, or nobody can tell who held it."""

from chatd.actions.keeping import holds
from chatd_protocol.chat.http.keeping import DeleteHold, Hold, ListHolds, PutHold
from tests.actions.deeds import refused, start, who
from tests.actions.keeping.trailing import LEAD, noted
from tests.support.house import House


async def test_setting_and_lifting(school: House) -> None:
    """A hold could be set on nothing, or lifted without a trace."""
    talk = await start(school, "anna", "sue")
    person = PutHold(name="case-1", user_id="sue")
    chat = PutHold(name="case-2", conversation_id=talk.id)
    held = await holds.put(school.context, LEAD, person)
    assert (held.user_id, held.conversation_id, held.set_by) == ("sue", None, "lead")
    await holds.put(school.context, LEAD, chat)
    found = await holds.listed(school.context, LEAD, ListHolds())
    assert [one.name for one in found.holds] == ["case-1", "case-2"]
    assert found.holds[1] == Hold(
        name="case-2",
        set_by="lead",
        set_at=held.set_at,
        conversation_id=talk.id,
    )
    await holds.lift(school.context, LEAD, DeleteHold(name="case-1"))
    again = holds.lift(school.context, LEAD, DeleteHold(name="case-1"))
    await refused("not_found", again)
    for wrong in (
        PutHold(name="x"),
        PutHold(name="x", user_id="sue", conversation_id=talk.id),
    ):
        await refused("invalid_request", holds.put(school.context, LEAD, wrong))
    for unknown in (
        PutHold(name="x", user_id="nobody"),
        PutHold(name="x", conversation_id="nothing"),
    ):
        await refused("not_found", holds.put(school.context, LEAD, unknown))
    elsewhere = who("lead", "other", "safeguarding")
    await refused("not_found", holds.put(school.context, elsewhere, person))
    assert await noted(school) == [
        ("lead", "hold.set", "sue"),
        ("lead", "hold.set", talk.id),
        ("lead", "holds.read", "school"),
        ("lead", "hold.lifted", "sue"),
    ]
