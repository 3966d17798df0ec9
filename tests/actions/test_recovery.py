"""If these fail, somebody who was away knows something else than who was there."""

from dataclasses import replace

import msgspec

from chatd.actions import members, messages, recovery
from chatd_protocol.chat import requests
from chatd_protocol.chat.events import MessageEdited
from tests.actions.deeds import refused, send, start, who
from tests.support.house import House


async def test_who_was_removed_sees_that_and_nothing_after(school: House) -> None:
    """Somebody would read what was said behind his back."""
    group = await start(school, "anna", "sue", "tom")
    request = requests.RemoveParticipant(conversation_id=group.id, user_id="sue")
    await members.remove(school.context, who("anna"), request)
    await send(school, "anna", group.id, "between")
    again = requests.AddParticipants(conversation_id=group.id, user_ids=("sue",))
    sync = requests.Sync(cursors={group.id: 1})
    (missed,) = (await recovery.sync(school.context, who("sue"), sync)).conversations
    assert [event.seq for event in missed.events] == [2]
    assert missed.head_seq == 2
    await members.add(school.context, who("anna"), again)
    await send(school, "anna", group.id, "after")
    (missed,) = (await recovery.sync(school.context, who("sue"), sync)).conversations
    assert [event.seq for event in missed.events] == [2, 4, 5]


async def test_strange_conversations_are_left_out_alike(school: House) -> None:
    """A cursor could be used to find out what there is."""
    group = await start(school, "anna", "sue", "tom")
    sync = requests.Sync(cursors={group.id: 0, "no-such": 0})
    synced = await recovery.sync(school.context, who("zed"), sync)
    assert (synced.conversations, synced.more) == ((), False)


async def test_an_answer_is_cut_and_always_gets_further(school: House) -> None:
    """A client far behind would get nothing, or ask for ever."""
    group = await start(school, "anna", "sue", "tom")
    for number in range(25):
        await send(school, "anna", group.id, f"m{number}")
    sync = requests.Sync(cursors={group.id: 0}, limit=7)
    seen: list[int] = []
    for _ in range(10):
        synced = await recovery.sync(school.context, who("sue"), sync)
        (missed,) = synced.conversations
        seen += [event.seq for event in missed.events]
        if not synced.more:
            break
        sync = requests.Sync(cursors={group.id: seen[-1]}, limit=7)
    assert seen == list(range(1, 27))


async def test_an_answer_is_cut_by_bytes_and_always_gets_further(
    school: House,
) -> None:
    """Long messages would make an answer that no transport carries."""
    group = await start(school, "anna", "sue", "tom")
    for number in range(12):
        await send(school, "anna", group.id, f"{number}" + "x" * 5_000)
    small = msgspec.structs.replace(school.context.limits, sync_answer_bytes=16_384)
    context = replace(school.context, limits=small)
    cursor, answers = 0, 0
    while cursor < 13:
        sync = requests.Sync(cursors={group.id: cursor})
        synced = await recovery.sync(context, who("sue"), sync)
        assert len(msgspec.json.encode(synced)) <= small.sync_answer_bytes
        (missed,) = synced.conversations
        assert missed.events[0].seq == cursor + 1
        cursor, answers = missed.events[-1].seq, answers + 1
        assert synced.more == (cursor < 13)
    assert answers <= 7  # two or three whole messages in each


async def test_one_event_larger_than_an_answer_still_comes(school: House) -> None:
    """One long message would stop a client there for ever."""
    group = await start(school, "anna", "sue", "tom")
    await send(school, "anna", group.id, "x" * 9_000)
    small = msgspec.structs.replace(school.context.limits, sync_answer_bytes=4_096)
    sync = requests.Sync(cursors={group.id: 1})
    synced = await recovery.sync(
        replace(school.context, limits=small), who("sue"), sync
    )
    assert [one.seq for one in synced.conversations[0].events] == [2]
    assert not synced.more


async def test_too_far_behind_is_told_to_load_anew(school: House) -> None:
    """A client would replay a year, or trust a log of another database."""
    group = await start(school, "anna", "sue", "tom")
    for _ in range(5):
        await send(school, "anna", group.id)
    few = msgspec.structs.replace(school.context.limits, sync_events_per_conversation=3)
    context = replace(school.context, limits=few)
    for cursor in (2, 99):  # four behind; ahead of this log
        sync = requests.Sync(cursors={group.id: cursor})
        (missed,) = (await recovery.sync(context, who("sue"), sync)).conversations
        assert (missed.too_long, missed.head_seq, missed.events) == (True, 6, ())
    sync = requests.Sync(cursors={group.id: 3})
    (missed,) = (await recovery.sync(context, who("sue"), sync)).conversations
    assert [one.seq for one in missed.events] == [4, 5, 6]


async def test_an_edit_of_what_was_said_in_an_absence_says_nothing(
    school: House,
) -> None:
    """Who was away would read it as soon as somebody corrects a comma (ITS-70)."""
    group = await start(school, "anna", "sue", "tom")
    gone = requests.RemoveParticipant(conversation_id=group.id, user_id="sue")
    await members.remove(school.context, who("anna"), gone)
    secret = await send(school, "anna", group.id, "canary")
    back = requests.AddParticipants(conversation_id=group.id, user_ids=("sue",))
    await members.add(school.context, who("anna"), back)
    edit = requests.EditMessage(message_id=secret.id, text="canary https://e.org")
    await messages.edit(school.context, who("anna"), edit)
    sync = requests.Sync(cursors={group.id: 0})
    synced = await recovery.sync(school.context, who("sue"), sync)
    assert b"canary" not in msgspec.json.encode(synced)
    told = synced.conversations[0].events[-1]
    assert isinstance(told, MessageEdited)
    assert told.seq == synced.conversations[0].head_seq
    assert told.message.removed is not None
    assert told.message.removed.notice == "not_visible"
    blind = recovery.blind(school.context, who("sue").tenant, group.id, secret.seq)
    assert await blind == {"sue"}


async def test_the_tenants_events_go_to_who_may_have_them(school: House) -> None:
    """A person could read the whole school, or an application would miss events."""
    group = await start(school, "anna", "sue", "tom")
    await send(school, "anna", group.id)
    service = who("app", "school", "events")
    watched = await recovery.tenant_events(school.context, service, None, 10)
    assert [one.event.seq for one in watched] == [1, 2]
    rest = await recovery.tenant_events(school.context, service, watched[0].cursor, 10)
    assert list(rest) == list(watched[1:])
    await refused(
        "forbidden", recovery.tenant_events(school.context, who("sue"), None, 10)
    )
    elsewhere = who("app", "other", "events")
    assert await recovery.tenant_events(school.context, elsewhere, None, 10) == []
