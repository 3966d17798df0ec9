"""If these fail, a mass message is sent twice, shown to the wrong, or not undone."""

import msgspec
import pytest

from chatd.actions import members, paging, reading, recovery
from chatd.actions.content import attachments
from chatd.actions.keeping import audit
from chatd.actions.mass import sending
from chatd.domain.content.attachments import AttachmentRecord
from chatd.store.content.attachments import DoomBlob, PutAttachment
from chatd.store.tenants import PutPolicy, PutTenant
from chatd_protocol.chat import requests
from chatd_protocol.chat.http.audit import ListAudit
from chatd_protocol.chat.requests import FirstMessage
from chatd_protocol.chat.social.mass import ListMassMessages
from tests.actions import deeds
from tests.actions.deeds import refused, who
from tests.actions.mass.schools import cancel, deliver, furnish, listed, send, sent
from tests.support.house import TENANT, House


@pytest.fixture
async def units(school: House) -> House:
    await furnish(school)
    return school


async def test_nobody_has_it_until_the_time_to_undo_is_over(units: House) -> None:
    """A slip would be read by a whole school at once, or look like a talk (ITS-23)."""
    made = await send(units, "anna", "unit:north", title="Snow")
    assert (made.state, made.total, made.delivered) == ("waiting", 4, 0)
    assert (made.title, made.sender.name) == ("Snow", "Anna")
    assert made.undo_until == "2025-11-21T04:40:05.000Z"
    await deliver(units, after_s=4)
    assert await listed(units, "sue") == ()
    await deliver(units, after_s=1)
    (own,) = await listed(units, "sue")
    assert (own.id, own.kind, own.title, own.unread.count) == (
        made.id,
        "mass",
        "Snow",
        1,
    )
    assert own.last_message is not None
    assert own.last_message.text == "School is closed."
    for other in ("uma", "zed", "ben"):
        assert await listed(units, other) == ()


async def test_one_way(units: House) -> None:
    """Recipients would answer to a whole school, or see who else has it (ITS-108)."""
    made = await send(units, "anna", "unit:north")
    await deliver(units)
    for one in ("sue", "anna"):
        await refused("mass_no_reply", deeds.send(units, one, made.id))
        asked = requests.ListParticipants(conversation_id=made.id)
        await refused("forbidden", members.page(units.context, who(one), asked))
        (own,) = await listed(units, one)
        assert own.participants == ()
        assert own.participant_count == 1
        assert own.denied["send"] == "mass_no_reply"
    typing = requests.Typing(conversation_id=made.id)
    units.announced.clear()
    await refused("mass_no_reply", reading.typing(units.context, who("sue"), typing))
    assert units.announced == []


async def test_the_sender_has_one_entry_and_the_list(units: House) -> None:
    """What was sent already could not be looked up (ITS-22, ITS-112)."""
    first = await send(units, "anna", "unit:north")
    units.clock.at_ms += 10
    second = await send(units, "anna", "unit:north-a")
    await deliver(units)
    (latest, earlier) = await listed(units, "anna")
    assert (latest.id, latest.sent_to) == (second.id, 1)
    assert (earlier.id, earlier.sent_to, earlier.unread.count) == (first.id, 4, 0)
    page = await sending.page(units.context, who("anna"), ListMassMessages(limit=1))
    rest = ListMassMessages(limit=1, cursor=page.next)
    more = await sending.page(units.context, who("anna"), rest)
    both = (*page.mass_messages, *more.mass_messages)
    assert [one.id for one in both] == [second.id, first.id]
    assert [(one.state, one.delivered) for one in both] == [
        ("delivered", 1),
        ("delivered", 4),
    ]
    assert more.next is None
    assert both[1].message is not None
    assert both[1].message.text == "School is closed."
    assert await sent(units, "sue") == ()


async def test_in_the_name_of_the_school(units: House) -> None:
    """Recipients would see, or find out, who of the staff has sent it (ITS-115)."""
    made = await send(units, "anna", "unit:north", as_unit_id="region")
    again = await send(units, "anna", "unit:north", as_unit_id="region")
    assert made.sender == again.sender
    assert made.sender.name == "Region"
    await deliver(units)
    whole = requests.Sync(personal_seq=0, cursors={made.id: 0, again.id: 0})
    seen = (
        await listed(units, "sue"),
        await recovery.sync(units.context, who("sue"), whole),
        await paging.page(
            units.context,
            who("sue"),
            requests.ListMessages(conversation_id=made.id),
        ),
    )
    assert b"nna" not in msgspec.json.encode(seen)
    assert seen[0][0].last_message is not None
    assert seen[0][0].last_message.author == made.sender
    assert all(one.unread.count == 0 for one in await listed(units, "anna"))


async def test_who_has_sent_it_is_in_the_trail(units: House) -> None:
    """Nobody could find out who of the staff has spoken for the school (MOO-94)."""
    made = await send(units, "anna", "unit:north", as_unit_id="region")
    await send(units, "anna", "unit:north")
    lead = who("lead", TENANT, "safeguarding")
    page = await audit.page(units.context, lead, ListAudit(deed="mass.sent"))
    own, schools_ = page.entries
    assert (own.actor_id, own.facts) == ("anna", {})
    assert (schools_.actor_id, schools_.about_id) == ("anna", made.id)
    assert schools_.facts == {"unit": "region"}


async def test_the_same_request_is_sent_once(units: House) -> None:
    """A retry would reach everybody twice."""
    made = await send(units, "anna", "unit:north", client_request_id="once")
    assert await send(units, "anna", "unit:north", client_request_id="once") == made
    other = send(units, "anna", "unit:north-a", client_request_id="once")
    await refused("idempotency_conflict", other)
    await deliver(units)
    assert len(await listed(units, "sue")) == 1
    again = await send(units, "anna", "unit:north", client_request_id="once")
    assert again.state == "delivered"


async def test_undone_before_anybody_has_it(units: House) -> None:
    """An undone message would come all the same, or its words be kept."""
    made = await send(units, "anna", "unit:north", message=FirstMessage(text="CANARY"))
    done = await cancel(units, "anna", made.id)
    assert (done.state, done.delivered, done.undo_until) == ("cancelled", 0, None)
    assert await cancel(units, "anna", made.id) == done
    await deliver(units)
    assert await listed(units, "sue") == ()
    assert b"CANARY" not in msgspec.json.encode(await listed(units, "anna"))


async def test_only_the_sender_undoes_and_not_for_ever(units: House) -> None:
    """Somebody else would take it back, or tell that there is such a thing."""
    made = await send(units, "anna", "unit:north")
    for other in ("sue", "adam"):
        await refused("not_found", cancel(units, other, made.id))
    await refused("not_found", cancel(units, "anna", "nothing"))
    await deliver(units)
    await refused("edit_window_over", cancel(units, "anna", made.id))


async def test_a_message_is_needed(units: House) -> None:
    """An empty message would reach everybody (ITS-116)."""
    await refused("invalid_request", send(units, "anna", message=FirstMessage()))


async def test_files_go_along(units: House) -> None:
    """A letter would be lost, or nobody be allowed to open it (ITS-56, ITS-61)."""
    file = AttachmentRecord("f", "anna", "b", "letter.txt", "text/plain", 1, 0)
    await units.write(DoomBlob("b", 1), PutAttachment(file, 1_000))
    message = FirstMessage(attachment_ids=("f",))
    made = await send(units, "anna", "unit:north", message=message, as_unit_id="north")
    assert made.message is not None
    assert [one.name for one in made.message.attachments or ()] == ["letter.txt"]
    await refused("not_found", attachments.find(units.context, who("sue"), "f"))
    await deliver(units)
    found = await attachments.find(units.context, who("sue"), "f")
    assert found.name == "letter.txt"
    await refused("not_found", attachments.find(units.context, who("uma"), "f"))


async def test_contact_data_is_treated_as_everywhere(units: House) -> None:
    """A mass message would carry what no other message may (TUT-26)."""
    message = FirstMessage(text="call 0171 2345678")
    for treatment in ("hold", "block"):
        rules = f'{{"pii":{{"phone":"{treatment}"}}}}'
        await units.write(PutPolicy("itslearning", rules))
        await refused("content_held", send(units, "anna", message=message))
    await units.write(PutPolicy("itslearning", '{"pii":{"phone":"mask"}}'))
    made = await send(units, "anna", message=message)
    assert made.message is not None
    assert "0171" not in (made.message.text or "")


async def test_where_everybody_can_answer(units: House) -> None:
    """An answer would be lost, or be read by others (MOO-62, PLU-11)."""
    await units.write(PutTenant("School", "moodle"))
    made = await send(units, "anna", "unit:north", "user:zed")
    await deliver(units)
    (entry,) = await sent(units, "anna")
    # Zed shares no course with anna and accepts nobody else.
    assert (entry.state, entry.delivered, entry.refused) == ("delivered", 2, 3)
    (own,) = await listed(units, "sue")
    assert (own.kind, own.participant_count) == ("direct", 2)
    assert own.last_message is not None
    assert own.last_message.text == "School is closed."
    assert [one.id for one in await listed(units, "anna")] == [made.id]
    units.clock.at_ms += 1_000
    await deeds.send(units, "sue", own.id, "thank you")
    assert own.id in [one.id for one in await listed(units, "anna")]
    assert own.id not in [one.id for one in await listed(units, "tom")]
