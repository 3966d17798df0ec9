"""If these fail, it is decided about the wrong two people, or about a stranger."""

from chatd.actions.between import contacts
from chatd.actions.between.knowing import known, shown
from chatd.store.between.acquaintances import Acquaintance, SetBlock
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.social.people import RemoveContact
from tests.actions.deeds import look, refused, report_whole, start, who
from tests.actions.mass.schools import deliver, furnish, send
from tests.support.house import House


async def test_what_there_is_between_two(school: House) -> None:
    """A block would be decided without looking whether they talk."""
    direct = await start(school, "sue", "tom")
    await school.write(SetBlock("tom", "sue", True))
    found = await school.context.store.read(known, who("sue"), "tom")
    assert (found.direct, found.acquainted) == (direct.id, True)
    assert (found.case.between.blocked, found.case.between.blocked_by) == (False, True)
    assert {guard.id for guard in found.guards} == {"sue", "tom"}
    assert [told.user_ids for told in found.told("sue")] == [("sue",)]


async def test_strangers(school: House) -> None:
    """Somebody without anything in common would be known."""
    found = await school.context.store.read(known, who("uma"), "zed")
    assert (found.acquainted, found.direct, found.told("uma")) == (False, None, ())
    read = school.context.store.read(known, who("uma"), "uma")
    await refused("invalid_request", read)


async def test_how_it_is_shown(school: House) -> None:
    """A request of somebody who is blocked would show."""
    found = await school.context.store.read(known, who("uma"), "sue")
    person = found.case.recipient
    assert person is not None
    half = Acquaintance("sue", "received", True, 5)
    assert shown(half, person.person).state == "none"
    half = Acquaintance("sue", "received", False, 5)
    contact = shown(half, person.person)
    assert (contact.state, contact.at) == ("received", "1970-01-01T00:00:00.005Z")


async def test_a_message_to_all_acquaints_nobody(school: House) -> None:
    """Whoever has the same message would learn names of strangers, id by id."""
    await furnish(school)
    await send(school, "anna", "unit:north")
    await deliver(school)
    await school.write(PutTenant("School", "moodle"))
    found = await school.context.store.read(known, who("gail"), "tom")
    assert not found.acquainted
    asked = RemoveContact(user_id="tom")
    await refused("not_found", contacts.remove(school.context, who("gail"), asked))


async def test_a_guest_is_nobodys_acquaintance(school: House) -> None:
    """Who was reported would find out that a teacher came in unseen (ITS-68)."""
    await school.conversation("group", "zed", "tom")
    made = await report_whole(school, "tom", "group")
    await look(school, "anna", made.id, enter=True)
    for one in ("zed", "tom"):
        found = await school.context.store.read(known, who(one), "anna")
        assert found.acquainted is (one == "tom"), "whom he wrote to with the report"
