"""If these fail, what waits for a moderator is said unseen, said twice, or lost."""

from pathlib import Path

import pytest

from chatd.actions import conversations, forwarding, messages, paging
from chatd.actions.content import attachments
from chatd.actions.directory import policies
from chatd.actions.keeping import audit, vault
from chatd.actions.saying import held
from chatd.domain.announcements import Logged
from chatd.store.saying.held import DropHeld
from chatd_protocol.chat.http.audit import ListAudit
from chatd_protocol.chat.http.keeping import ListEdits
from chatd_protocol.chat.http.screening import (
    HeldMessage,
    HeldMessagePage,
    ListFlaggedMessages,
    ListHeldMessages,
    RefuseHeldMessage,
    ReleaseHeldMessage,
)
from chatd_protocol.chat.objects import Conversation, Message
from chatd_protocol.chat.policy import PutPolicy
from chatd_protocol.chat.requests import (
    CloseConversation,
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    GetConversation,
    ListMessages,
)
from tests.actions.deeds import refused, send, start, together, who
from tests.actions.meanwhile import just_before
from tests.actions.saying.rules import PHONE, rule
from tests.actions.uploads import upload
from tests.support.files import files_at
from tests.support.house import TENANT, House

MODERATOR = who("mod", TENANT, "moderation")


@pytest.fixture
async def talk(school: House) -> Conversation:
    """Sue and tom talk; from now on contact data waits."""
    made = await start(school, "sue", "tom")
    await send(school, "tom", made.id, "hello")
    await rule(school, "hold")
    school.announced.clear()
    return made


async def queue(school: House, **page: object) -> HeldMessagePage:
    return await held.page(school.context, MODERATOR, ListHeldMessages(**page))  # type: ignore[arg-type]


async def release(school: House, id_: str) -> HeldMessage:
    request = ReleaseHeldMessage(held_id=id_)
    return await held.release(school.context, MODERATOR, request)


async def refuse(school: House, id_: str) -> HeldMessage:
    request = RefuseHeldMessage(held_id=id_)
    return await held.refuse(school.context, MODERATOR, request)


async def own(school: House, reader: str, id_: str) -> tuple[Message, ...]:
    request = GetConversation(conversation_id=id_)
    shown = await conversations.get(school.context, who(reader), request)
    return shown.held or ()


async def history(school: House, reader: str, id_: str) -> list[Message]:
    request = ListMessages(conversation_id=id_)
    return list((await paging.page(school.context, who(reader), request)).messages)


async def test_until_it_is_released_only_its_author_sees_it(
    school: House, talk: Conversation
) -> None:
    """The other one would read it, or see that there is something (TUT-26)."""
    waits = await send(school, "sue", talk.id, PHONE)
    assert not [one for one in school.announced if isinstance(one, Logged)]
    (mine,) = await own(school, "sue", talk.id)
    assert (mine.id, mine.text, mine.held) == (waits.id, PHONE, "waiting")
    assert await own(school, "tom", talk.id) == ()
    for reader in ("sue", "tom"):
        assert [one.text for one in await history(school, reader, talk.id)] == ["hello"]


async def test_released_it_is_said_then(school: House, talk: Conversation) -> None:
    """It would come before what was said meanwhile, and nobody would be told."""
    waits = await send(school, "sue", talk.id, PHONE, client_message_id="mine")
    await send(school, "tom", talk.id, "meanwhile")
    school.clock.at_ms += 60_000
    done = await release(school, waits.id)
    assert (done.id, done.state, done.contact_data) == (waits.id, None, ("phone",))
    *_, last = await history(school, "tom", talk.id)
    assert (last.id, last.text, last.client_message_id) == (waits.id, PHONE, "mine")
    assert last.created_at > waits.created_at
    assert [one.text for one in await history(school, "tom", talk.id)] == [
        "hello",
        "meanwhile",
        PHONE,
    ]
    assert await own(school, "sue", talk.id) == ()
    again = await send(school, "sue", talk.id, PHONE, client_message_id="mine")
    assert (again.id, again.seq) == (last.id, last.seq)
    await refused("not_found", release(school, waits.id))


async def test_two_moderators_at_once(school: House, talk: Conversation) -> None:
    """It would be said twice, or be said and refused."""
    waits = await send(school, "sue", talk.id, PHONE)
    await together(
        release(school, waits.id), refuse(school, waits.id), release(school, waits.id)
    )
    said = [one.id for one in await history(school, "tom", talk.id)]
    waiting = await own(school, "sue", talk.id)
    assert (said.count(waits.id), len(waiting)) in [(1, 0), (0, 1)]


async def test_refused_it_can_be_taken_off_the_list(
    school: House, talk: Conversation
) -> None:
    """Its author would look at it for ever, or never learn of it."""
    waits = await send(school, "sue", talk.id, PHONE)
    done = await refuse(school, waits.id)
    assert (done.state, done.decided_by) == ("refused", "mod")
    assert done.decided_at is not None
    (mine,) = await own(school, "sue", talk.id)
    assert mine.held == "refused"
    await refused("not_found", release(school, waits.id))
    request = DeleteMessage(message_id=waits.id, scope="me")
    await refused("not_found", messages.delete(school.context, who("tom"), request))
    await messages.delete(school.context, who("sue"), request)
    assert await own(school, "sue", talk.id) == ()
    assert (await queue(school)).messages == ()


async def test_what_the_author_may_not_say_now_is_not_said(
    school: House, talk: Conversation
) -> None:
    """A message would appear in a conversation that was closed meanwhile (ITS-100)."""
    group = await start(school, "sue", "tom", "uma", title="Maths")
    waits = await send(school, "sue", group.id, PHONE)
    request = CloseConversation(conversation_id=group.id)
    await conversations.close(school.context, who("sue"), request)
    await refused("conversation_closed", release(school, waits.id))
    assert len((await queue(school)).messages) == 1


async def test_said_meanwhile_it_is_not_said_again(
    school: House, talk: Conversation
) -> None:
    """A client that tried again under a milder rule would be heard twice."""
    waits = await send(school, "sue", talk.id, PHONE, client_message_id="mine")
    await rule(school, "allow")
    said = await send(school, "sue", talk.id, PHONE, client_message_id="mine")
    await release(school, waits.id)
    texts = [one.id for one in await history(school, "tom", talk.id)]
    assert texts[1:] == [said.id]
    assert await own(school, "sue", talk.id) == ()


async def test_another_text_of_a_message(school: House, talk: Conversation) -> None:
    """An edit would be a way around, or take the message out of sight meanwhile."""
    said = await send(school, "sue", talk.id, "call me")
    request = EditMessage(message_id=said.id, text=PHONE)
    answer = await messages.edit(school.context, who("sue"), request)
    assert (answer.text, answer.held) == ("call me", None)
    (mine,) = await own(school, "sue", talk.id)
    assert (mine.id, mine.seq, mine.text) == (said.id, said.seq, PHONE)
    (waits,) = (await queue(school)).messages
    assert waits.edits is True
    await release(school, waits.id)
    *_, now = await history(school, "tom", talk.id)
    assert (now.id, now.text, now.edited_at is not None) == (said.id, PHONE, True)
    assert await own(school, "sue", talk.id) == ()


async def test_editing_back_takes_back_what_waits(
    school: House, talk: Conversation
) -> None:
    """Nobody could take back another text that was refused."""
    said = await send(school, "sue", talk.id, "call me")
    for text in (PHONE, "call me"):
        request = EditMessage(message_id=said.id, text=text)
        await messages.edit(school.context, who("sue"), request)
    assert await own(school, "sue", talk.id) == ()
    assert (await queue(school)).messages == ()


async def test_files_wait_with_it(
    school: House, talk: Conversation, tmp_path: Path
) -> None:
    """A file would be seen before its message, or be swept away while it waits."""
    file = await upload(school, files_at(tmp_path), "sue")
    waits = await send(school, "sue", talk.id, PHONE, attachment_ids=(file.id,))
    await refused("not_found", attachments.find(school.context, who("tom"), file.id))
    await attachments.find(school.context, who("sue"), file.id)
    await release(school, waits.id)
    await attachments.find(school.context, who("tom"), file.id)
    *_, last = await history(school, "tom", talk.id)
    assert [one.id for one in last.attachments or ()] == [file.id]


async def test_pages_and_who_looked(school: House, talk: Conversation) -> None:
    """A full queue would have no end, and nobody would know who read it."""
    ids = [(await send(school, "sue", talk.id, PHONE)).id for _ in range(3)]
    first = await queue(school, limit=2)
    assert [one.id for one in first.messages] == ids[:2]
    rest = await queue(school, limit=2, cursor=first.next)
    assert ([one.id for one in rest.messages], rest.next) == (ids[2:], None)
    await rule(school, "warn_sender", flag=True)
    said = [(await send(school, "sue", talk.id, PHONE)).id for _ in range(3)]
    request = ListFlaggedMessages(limit=2)
    flags = await held.flagged_page(school.context, MODERATOR, request)
    assert {one.message.id for one in flags.messages} < set(said)
    request = ListFlaggedMessages(limit=2, cursor=flags.next)
    more = await held.flagged_page(school.context, MODERATOR, request)
    assert (len(more.messages), more.next) == (1, None)
    await release(school, ids[0])
    lead = who("lead", TENANT, "safeguarding")
    trail = await audit.page(school.context, lead, ListAudit(user_id="mod"))
    deeds = [one.deed for one in trail.entries]
    assert deeds == ["held_message.decided", *["held_messages.read"] * 4]
    assert PHONE not in str(trail)


async def test_what_staff_removed_is_not_let_through_elsewhere(
    school: House, talk: Conversation, tmp_path: Path
) -> None:
    """A forwarded insult would be said after it was removed everywhere (ITS-77)."""
    group = await start(school, "anna", "sue", "tom")
    await rule(school, "allow")
    file = await upload(school, files_at(tmp_path), "tom")
    said = await send(school, "tom", group.id, PHONE, attachment_ids=(file.id,))
    await rule(school, "hold")
    on = ForwardMessage(
        message_id=said.id, conversation_id=talk.id, client_message_id="on"
    )
    waits = await forwarding.forward(school.context, who("sue"), on)
    delete = DeleteMessage(message_id=said.id)
    await messages.delete(school.context, who("anna"), delete)
    assert (await queue(school)).messages == ()
    assert await own(school, "sue", talk.id) == ()
    await refused("not_found", release(school, waits.id))
    (copy,) = waits.attachments or ()
    await refused("not_found", attachments.find(school.context, who("sue"), copy.id))


async def test_a_released_edit_keeps_what_was_said_before(
    school: House, talk: Conversation
) -> None:
    """By a number in the new text an insult would be hidden from safeguarding."""
    policy = {"pii": {"phone": "hold"}, "retainRemovedDays": 30}
    asked = PutPolicy(tenant_id=TENANT, policy=policy)
    await policies.put(school.context, school.platform, asked)
    said = await send(school, "sue", talk.id, "an insult")
    edit = EditMessage(message_id=said.id, text=PHONE)
    await messages.edit(school.context, who("sue"), edit)
    (waits,) = (await queue(school)).messages
    await release(school, waits.id)
    lead = who("lead", TENANT, "safeguarding")
    kept = await vault.edits(school.context, lead, ListEdits(message_id=said.id))
    assert [one.text for one in kept.messages] == ["an insult"]


async def test_two_moderators_at_once_for_what_was_said_meanwhile(
    school: House, talk: Conversation
) -> None:
    """The second one would be told of an error of ours."""
    waits = await send(school, "sue", talk.id, PHONE, client_message_id="mine")
    await rule(school, "allow")
    await send(school, "sue", talk.id, PHONE, client_message_id="mine")

    async def first() -> None:
        await release(school, waits.id)

    context = just_before(school.context, DropHeld, first)
    request = ReleaseHeldMessage(held_id=waits.id)
    await refused("not_found", held.release(context, MODERATOR, request))
