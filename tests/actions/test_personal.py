"""If these fail, who has left keeps words that were taken back, or is never told."""

from typing import Final

import msgspec

from chatd.actions import members, messages, recovery
from chatd.actions.personal import AMENDED_MAX
from chatd_protocol.chat import requests
from chatd_protocol.chat.events import ConversationLeft
from chatd_protocol.chat.objects import Message
from chatd_protocol.chat.results import MembershipRow
from tests.actions.deeds import send, start, who
from tests.support.house import House

TENANT: Final = who("sue").tenant


async def left_behind(school: House, said: int) -> tuple[list[Message], int]:
    """Messages that sue has read before she was removed, and her position then."""
    group = await start(school, "anna", "sue", "tom", "uma")
    found = [await send(school, "tom", group.id, f"canary {n}") for n in range(said)]
    gone = requests.RemoveParticipant(conversation_id=group.id, user_id="sue")
    await members.remove(school.context, who("anna"), gone)
    head, _ = await recovery.memberships(school.context, TENANT, "sue")
    return found, head


async def told(school: House, since: int) -> MembershipRow:
    """What sue is told by `Sync`, which must be what she is told live."""
    sync = requests.Sync(personal_seq=since)
    synced = await recovery.sync(school.context, who("sue"), sync)
    (row,) = synced.personal
    assert isinstance(row, MembershipRow)
    (live,) = await recovery.personal_events(school.context, TENANT, "sue", since)
    assert isinstance(live, ConversationLeft)
    assert (live.amended, live.too_long, live.left_seq) == (
        row.amended,
        row.too_long,
        row.left_seq,
    )
    return row


async def edit(school: House, message: Message) -> None:
    edited = requests.EditMessage(message_id=message.id, text="canary anew")
    await messages.edit(school.context, who("tom"), edited)


async def delete(school: House, message: Message) -> None:
    asked = requests.DeleteMessage(message_id=message.id)
    await messages.delete(school.context, who("tom"), asked)


async def test_a_removal_reaches_who_has_left(school: House) -> None:
    """An open client would keep what is to be gone for everybody (ITS-77)."""
    (first, second), since = await left_behind(school, 2)
    await delete(school, first)
    row = await told(school, since)
    assert row.amended is not None
    (shown,) = row.amended
    assert (shown.id, shown.text) == (first.id, None)
    assert shown.removed is not None
    assert shown.removed.notice == "removed"
    assert row.conversation is not None
    assert row.conversation.last_message is not None
    assert row.conversation.last_message.id == second.id


async def test_an_edit_after_leaving_is_withheld_and_told_once(school: House) -> None:
    """New words would reach who has left, or each correction would be counted there."""
    (first,), since = await left_behind(school, 1)
    await edit(school, first)
    row = await told(school, since)
    assert b"canary" not in msgspec.json.encode(row)
    assert row.amended is not None
    assert row.amended[0].removed is not None
    assert row.amended[0].removed.notice == "edited_after_leaving"
    await edit(school, first)
    head, _ = await recovery.memberships(school.context, TENANT, "sue")
    assert head == row.personal_seq


async def test_what_was_said_after_leaving_is_never_told(school: House) -> None:
    """Somebody outside would learn of messages by their removal."""
    (first,), since = await left_behind(school, 1)
    later = await send(school, "tom", first.conversation_id, "after sue")
    await delete(school, later)
    synced = await recovery.sync(
        school.context, who("sue"), requests.Sync(personal_seq=since)
    )
    assert synced.personal == ()


async def test_too_many_are_said_to_be_too_many(school: House) -> None:
    """One row would be larger than an answer may be, or leave something out."""
    found, since = await left_behind(school, AMENDED_MAX + 1)
    for message in found[:-1]:
        await delete(school, message)
    row = await told(school, since)
    assert row.amended is not None
    assert len(row.amended) == AMENDED_MAX
    await delete(school, found[-1])
    row = await told(school, since)
    assert (row.amended, row.too_long) == (None, True)
    # Who knows the first hundred is told of the last one alone.
    (one,) = (await told(school, row.personal_seq - 1)).amended or ()
    assert one.id == found[-1].id
