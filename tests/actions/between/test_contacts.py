"""If these fail, contacts are made without a yes, or are not made with one."""

import pytest

from chatd.actions import me, reading, recovery
from chatd.actions.between import blocks, contacts
from chatd.store.people import PutPerson
from chatd.store.tenants import PutPolicy, PutTenant
from chatd_protocol.chat import requests
from chatd_protocol.chat.social.people import (
    AcceptContact,
    BlockUser,
    ChangeContact,
    Contact,
    ContactPage,
    DeclineContact,
    ListContacts,
    RemoveContact,
    RequestContact,
    UnblockUser,
)
from tests.actions.deeds import refused, send, start, who
from tests.support.house import House


@pytest.fixture
async def moodle(school: House) -> House:
    await school.write(PutTenant("School", "moodle"))
    return school


async def ask(school: House, one: str, other: str) -> Contact:
    request = RequestContact(user_id=other)
    return await contacts.request(school.context, who(one), request)


async def accept(school: House, one: str, other: str) -> Contact:
    request = AcceptContact(user_id=other)
    return await contacts.accept(school.context, who(one), request)


async def listed(school: House, one: str, filter_: str = "contacts") -> ContactPage:
    request = ListContacts(filter=filter_)  # type: ignore[arg-type]
    return await contacts.page(school.context, who(one), request)


async def asking(school: House, one: str) -> int:
    found = await reading.unread(school.context, who(one), requests.GetUnread())
    return found.requests


async def test_asked_and_accepted(moodle: House) -> None:
    """A yes would make a contact of one side alone (PLU-2, MOO-1, 3, 6)."""
    assert (await ask(moodle, "sue", "tom")).state == "sent"
    assert await asking(moodle, "tom") == 1
    (waiting,) = (await listed(moodle, "tom", "requests")).contacts
    assert (waiting.user.id, waiting.state) == ("sue", "received")
    assert (await accept(moodle, "tom", "sue")).state == "accepted"
    for one, other in (("sue", "tom"), ("tom", "sue")):
        (found,) = (await listed(moodle, one)).contacts
        assert (found.user.id, found.state) == (other, "accepted")
        assert await asking(moodle, one) == 0


async def test_declined_and_asked_again(moodle: House) -> None:
    """A no would be for ever, or be none (MOO-4)."""
    await ask(moodle, "sue", "tom")
    decline = DeclineContact(user_id="sue")
    done = await contacts.decline(moodle.context, who("tom"), decline)
    assert done.state == "none"
    await refused("not_found", accept(moodle, "tom", "sue"))
    assert (await ask(moodle, "sue", "tom")).state == "sent"


async def test_once_per_pair(moodle: House) -> None:
    """Two people who ask each other would both wait (MOO-11)."""
    await ask(moodle, "sue", "tom")
    assert (await ask(moodle, "sue", "tom")).state == "sent"
    assert (await ask(moodle, "tom", "sue")).state == "accepted"


async def test_removed_and_taken_back(moodle: House) -> None:
    """A contact would stay with one of the two (MOO-7)."""
    remove = RemoveContact(user_id="tom")
    await ask(moodle, "sue", "tom")
    await contacts.remove(moodle.context, who("sue"), remove)
    assert await asking(moodle, "tom") == 0
    await ask(moodle, "sue", "tom")
    await accept(moodle, "tom", "sue")
    await contacts.remove(moodle.context, who("sue"), remove)
    assert (await listed(moodle, "tom")).contacts == ()


async def test_who_cannot_be_reached_is_nobody(moodle: House) -> None:
    """Asking would tell which ids there are (MOO-8, MOO-23)."""
    await moodle.write(PutPerson("gus", "Gus", ("guest",)))
    for other in ("nobody", "zed", "gus"):
        await refused("recipient_unknown", ask(moodle, "sue", other))


async def test_requests_of_the_blocked_do_not_show(moodle: House) -> None:
    """Somebody who was blocked would still ring (MOO-10)."""
    await ask(moodle, "sue", "tom")
    block, back = BlockUser(user_id="sue"), UnblockUser(user_id="sue")
    await blocks.block(moodle.context, who("tom"), block)
    assert await asking(moodle, "tom") == 0
    assert (await listed(moodle, "tom", "requests")).contacts == ()
    await refused("not_found", accept(moodle, "tom", "sue"))
    await blocks.unblock(moodle.context, who("tom"), back)
    assert await asking(moodle, "tom") == 1


async def test_who_takes_messages_from_contacts_alone(moodle: House) -> None:
    """A preference would hold nobody off, or contacts too (PLU-7, MOO-13, 17, 20)."""
    direct = await start(moodle, "tom", "sue")
    choose = requests.UpdatePreferences(accepts="contacts")
    await me.update_preferences(moodle.context, who("sue"), choose)
    await refused("contact_request_required", send(moodle, "tom", direct.id))
    await ask(moodle, "tom", "sue")
    await accept(moodle, "sue", "tom")
    await send(moodle, "tom", direct.id)
    await send(moodle, "anna", (await start(moodle, "anna", "sue")).id)


async def test_a_mentor_and_a_mentee(moodle: House) -> None:
    """Two who share no course would not come to talk in private (PLU-13)."""
    rules = '{"recipientPrivacy":{"enabled":true,"siteWide":true}}'
    await moodle.write(PutPolicy("moodle", rules))
    choose = requests.UpdatePreferences(accepts="contacts")
    await me.update_preferences(moodle.context, who("uma"), choose)
    await refused("contact_request_required", start(moodle, "zed", "uma"))
    await ask(moodle, "zed", "uma")
    await accept(moodle, "uma", "zed")
    direct = await start(moodle, "zed", "uma")
    await send(moodle, "uma", direct.id)


async def test_anyone_is_offered_only_where_the_site_has_it(moodle: House) -> None:
    """A setting would be stored that means nothing (MOO-14)."""
    choose = requests.UpdatePreferences(accepts="anyone")
    deed = me.update_preferences(moodle.context, who("sue"), choose)
    await refused("invalid_request", deed)


async def test_both_are_told_on_all_their_devices(moodle: House) -> None:
    """The one who asked would have to look again and again."""
    tenant = who("sue").tenant
    since, _ = await recovery.memberships(moodle.context, tenant, "sue")
    await ask(moodle, "sue", "tom")
    await accept(moodle, "tom", "sue")
    live = await recovery.personal_events(moodle.context, tenant, "sue", since)
    sync = requests.Sync(personal_seq=since)
    rows = (await recovery.sync(moodle.context, who("sue"), sync)).personal
    (event,), (row,) = live, rows
    assert event.contact == row.contact  # type: ignore[union-attr]
    assert row.contact.state == "accepted"  # type: ignore[union-attr]


async def test_by_its_name_over_http(moodle: House) -> None:
    """One of the four would do what another does."""
    deeds = (
        ("sue", "tom", "request", "sent"),
        ("tom", "sue", "decline", "none"),
        ("tom", "sue", "request", "sent"),
        ("sue", "tom", "accept", "accepted"),
        ("sue", "tom", "remove", "none"),
    )
    for one, other, deed, state in deeds:
        request = ChangeContact(user_id=other, deed=deed)  # type: ignore[arg-type]
        done = await contacts.change(moodle.context, who(one), request)
        assert done.state == state


async def test_where_there_are_none(school: House) -> None:
    """A platform without contacts would have them."""
    await refused("forbidden", ask(school, "sue", "tom"))
    await refused("forbidden", listed(school, "sue"))
