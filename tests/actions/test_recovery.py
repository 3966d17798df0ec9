"""If these fail, somebody who was away knows something else than who was there."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from chatd.actions import conversations, me, members, messages, reading, recovery
from chatd_client.replica import Replica
from chatd_protocol.chat import requests
from chatd_protocol.chat.objects import Conversation
from tests.actions.deeds import refused, send, start, who
from tests.support.house import House

Deed = Callable[[House, Conversation], Awaitable[Any]]


def deed(
    action: Callable[..., Awaitable[Any]], actor: str, request: type, **fields: Any
) -> Deed:
    async def run(school: House, group: Conversation) -> Any:
        values = {
            name: value(group) if callable(value) else value
            for name, value in fields.items()
        }
        return await action(school.context, who(actor), request(**values))

    return run


def here(group: Conversation) -> str:
    return group.id


def first_message(group: Conversation) -> str:
    assert group.last_message is not None
    return group.last_message.id


DEEDS: dict[str, Deed] = {
    "send": lambda school, group: send(school, "anna", group.id, "news"),
    "edit": deed(
        messages.edit,
        "anna",
        requests.EditMessage,
        message_id=first_message,
        text="new",
    ),
    "delete": deed(
        messages.delete, "anna", requests.DeleteMessage, message_id=first_message
    ),
    "rename": deed(
        conversations.rename,
        "sue",
        requests.RenameConversation,
        conversation_id=here,
        title="Other",
    ),
    "close": deed(
        conversations.close, "anna", requests.CloseConversation, conversation_id=here
    ),
    "leave": deed(
        conversations.leave, "tom", requests.LeaveConversation, conversation_id=here
    ),
    "add": deed(
        members.add,
        "anna",
        requests.AddParticipants,
        conversation_id=here,
        user_ids=("ben",),
    ),
    "add again": deed(
        members.add,
        "anna",
        requests.AddParticipants,
        conversation_id=here,
        user_ids=("uma",),
    ),
    "remove": deed(
        members.remove,
        "anna",
        requests.RemoveParticipant,
        conversation_id=here,
        user_id="sue",
    ),
    "read": deed(
        reading.mark_read, "sue", requests.MarkRead, conversation_id=here, seq=99
    ),
    "unread": deed(
        reading.mark_unread, "sue", requests.MarkUnread, conversation_id=here
    ),
    "marks": deed(
        conversations.set_preferences,
        "sue",
        requests.SetConversationPreferences,
        conversation_id=here,
        starred=True,
        draft="later",
    ),
    "settings": deed(
        me.update_preferences, "sue", requests.UpdatePreferences, enter_sends=True
    ),
}

VIEWERS = ("anna", "sue", "tom", "uma", "ben", "zed")
"""Actor and members; uma was removed before, ben may join, zed has nothing with it."""


async def snapshot(school: House, viewer: str) -> dict[str, Any]:
    """All that a person can ask for, in the shape of a replica's knowledge."""
    context, caller = school.context, who(viewer)
    found: dict[str, Conversation] = {}
    for name in ("all", "archived", "closed"):
        request = requests.ListConversations(filter=name)
        page = await conversations.page(context, caller, request)
        found |= {one.id: one for one in page.conversations}
    pages = {
        id_: await messages.page(
            context, caller, requests.ListMessages(conversation_id=id_)
        )
        for id_ in found
    }
    known = await me.get(context, caller, requests.GetMe())
    return {"me": known, "conversations": found, "pages": pages}


def comparable(conversation: Conversation) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(conversation)
    # Not derivable from events: a place to scroll to, and a handful of faces.
    for name in ("resumeSeq", "participants"):
        values.pop(name, None)
    return values


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (one.get(name), other.get(name))
        for name in one.keys() | other.keys()
        if one.get(name) != other.get(name)
    }


@pytest.mark.parametrize("name", DEEDS)
async def test_old_snapshot_and_events_are_the_new_snapshot(
    school: House, name: str
) -> None:
    """Clients that were connected would show something else than those that reload."""
    group = await start(school, "anna", "sue", "tom", "uma", title="Team")
    await send(school, "anna", group.id, "first")
    request = requests.RemoveParticipant(conversation_id=group.id, user_id="uma")
    group = await members.remove(school.context, who("anna"), request)
    replicas: dict[str, Replica] = {}
    loaded = set()
    for viewer in VIEWERS:
        old = await snapshot(school, viewer)
        replicas[viewer] = replica = Replica()
        replica.baseline(old["me"], old["conversations"].values())
        for id_, page in old["pages"].items():
            replica.load(id_, page)
            loaded.add((viewer, id_))
    school.clock.at_ms += 1_000
    await DEEDS[name](school, group)
    for viewer, replica in replicas.items():
        await catch_up(school, viewer, replica)
        new = await snapshot(school, viewer)
        shown = {one.id: comparable(one) for one in replica.conversations()}
        assert shown.keys() == new["conversations"].keys(), viewer
        if viewer == "uma" and name in ("edit", "delete"):
            # What is withheld from who has left is not announced to her either.
            continue
        for id_, one in new["conversations"].items():
            assert differences(shown[id_], comparable(one)) == {}, viewer
        for id_, page in new["pages"].items():
            known = replica.rooms[id_].messages
            kept = [known[seq].message for seq in sorted(known)]
            # Who has just joined has loaded nothing of the past yet.
            since = 0 if (viewer, id_) in loaded else group.head_seq
            assert kept == [m for m in page.messages if m.seq > since], viewer


async def catch_up(school: House, viewer: str, replica: Replica) -> None:
    """`Sync` as a client does it, until there is no more."""
    replica.begin()
    for request in replica.requests():
        asked: requests.Sync | None = request
        while asked is not None:
            synced = await recovery.sync(school.context, who(viewer), asked)
            replica.absorb(synced, 0.0)
            asked = replica.again(asked) if synced.more else None
    replica.finish(0.0)


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


async def test_too_far_behind_is_told_to_load_anew(school: House) -> None:
    """A client would replay a year, or trust a log of another database."""
    group = await start(school, "anna", "sue", "tom")
    ahead = requests.Sync(cursors={group.id: 99})
    (missed,) = (await recovery.sync(school.context, who("sue"), ahead)).conversations
    assert (missed.too_long, missed.head_seq, missed.events) == (True, 1, ())


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
