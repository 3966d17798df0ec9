"""If these fail, a block does not hold, harms others, or shows itself."""

import msgspec
import pytest

from chatd.actions import conversations, reading, recovery
from chatd.actions.between import blocks
from chatd.actions.starting import previewing, searching
from chatd.domain.announcements import PersonalMoved
from chatd.store.tenants import PutTenant
from chatd_protocol.chat import requests
from chatd_protocol.chat.events import BlockChanged, PermissionsChanged
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.requests import Recipient
from chatd_protocol.chat.social.people import (
    BlockState,
    BlockUser,
    GetBlock,
    ListBlocks,
    UnblockUser,
)
from tests.actions.deeds import refused, send, start, who
from tests.support.house import House


async def block(school: House, who_: str, whom: str) -> BlockState:
    return await blocks.block(school.context, who(who_), BlockUser(user_id=whom))


async def unblock(school: House, who_: str, whom: str) -> BlockState:
    return await blocks.unblock(school.context, who(who_), UnblockUser(user_id=whom))


async def get(school: House, reader: str, id_: str) -> Conversation:
    asked = requests.GetConversation(conversation_id=id_)
    return await conversations.get(school.context, who(reader), asked)


async def everything(school: House, viewer: str, *ids: str) -> bytes:
    """All that somebody can look at, as bytes."""
    caller = who(viewer)
    sync = requests.Sync(personal_seq=0, cursors=dict.fromkeys(ids, 0))
    found = requests.SearchRecipients(text="s")
    preview = requests.PreviewRecipients(recipients=(Recipient(kind="user", id="sue"),))
    seen = (
        await recovery.sync(school.context, caller, sync),
        await conversations.page(school.context, caller, requests.ListConversations()),
        await searching.search(school.context, caller, found),
        await previewing.preview(school.context, caller, preview),
        await reading.unread(school.context, caller, requests.GetUnread()),
    )
    return msgspec.json.encode(seen)


async def test_neither_side_writes(school: House) -> None:
    """Somebody who was blocked would go on (ITS-95), or hear it before (ITS-96)."""
    direct = await start(school, "tom", "sue")
    await block(school, "sue", "tom")
    await refused("recipient_unavailable", send(school, "tom", direct.id))
    await refused("blocked", send(school, "sue", direct.id))
    assert (await get(school, "sue", direct.id)).denied["send"] == "blocked"
    assert "send" not in (await get(school, "tom", direct.id)).denied
    await unblock(school, "sue", "tom")
    await send(school, "tom", direct.id)
    await send(school, "sue", direct.id)


async def test_the_blocked_one_sees_the_same_bytes(school: House) -> None:
    """The blocked person could tell it without trying to send (ITS-96)."""
    direct = await start(school, "tom", "sue")
    group = await start(school, "tom", "sue", "uma")
    before = await everything(school, "tom", direct.id, group.id)
    school.announced.clear()
    await block(school, "sue", "tom")
    told = {one.user_id for one in school.announced if isinstance(one, PersonalMoved)}
    assert told == {"sue"}
    assert await everything(school, "tom", direct.id, group.id) == before
    typing = requests.Typing(conversation_id=direct.id)
    school.announced.clear()
    await reading.typing(school.context, who("tom"), typing)
    assert school.announced == []  # and nobody is told that somebody types


async def test_groups_go_on(school: House) -> None:
    """A block would silence two people where others listen (ITS-97)."""
    group = await start(school, "anna", "sue", "tom")
    await block(school, "sue", "tom")
    await send(school, "tom", group.id)
    await send(school, "sue", group.id)
    assert (await start(school, "tom", "sue", "uma")).participant_count == 3


async def test_nobody_starts_around_a_block(school: House) -> None:
    """A new conversation would be a way around it."""
    await start(school, "anna", "sue", "tom")
    await block(school, "sue", "tom")
    await refused("recipient_unavailable", start(school, "tom", "sue"))
    await refused("blocked", start(school, "sue", "tom"))


async def test_staff_cannot_be_silenced(school: House) -> None:
    """A student would escape a teacher (ITS-98)."""
    direct = await start(school, "anna", "sue")
    state = await block(school, "sue", "anna")
    assert (state.blocked, state.exempt) == (False, True)
    await send(school, "anna", direct.id)
    asked = ListBlocks()
    assert (await blocks.page(school.context, who("sue"), asked)).users == ()


async def test_all_of_a_persons_devices_are_told(school: House) -> None:
    """A second device would offer to write."""
    direct = await start(school, "tom", "sue")
    since, _ = await recovery.memberships(school.context, who("sue").tenant, "sue")
    await block(school, "sue", "tom")
    live = await recovery.personal_events(
        school.context, who("sue").tenant, "sue", since
    )
    changed, permissions = sorted(live, key=lambda one: type(one).__name__)
    assert isinstance(changed, BlockChanged)
    assert (changed.user_id, changed.blocked) == ("tom", True)
    assert isinstance(permissions, PermissionsChanged)
    assert permissions.conversation_id == direct.id
    assert permissions.denied["send"] == "blocked"


async def test_the_list(school: House) -> None:
    """Nobody could find out again whom they have blocked."""
    for other in ("tom", "uma"):
        await start(school, "sue", other)
        assert (await block(school, "sue", other)).blocked
        assert (await block(school, "sue", other)).blocked
    first = await blocks.page(school.context, who("sue"), ListBlocks(limit=1))
    rest = await blocks.page(
        school.context, who("sue"), ListBlocks(limit=1, cursor=first.next)
    )
    assert [one.id for one in (*first.users, *rest.users)] == ["tom", "uma"]
    assert rest.next is None
    state = await blocks.get(school.context, who("sue"), GetBlock(user_id="tom"))
    assert state.blocked


@pytest.mark.parametrize("other", ["nobody", "zed"])
async def test_who_is_not_known_is_nobody(school: House, other: str) -> None:
    """Blocking would tell which ids there are."""
    await refused("recipient_unknown", block(school, "uma", other))


async def test_not_oneself(school: House) -> None:
    """Somebody would lock themselves out."""
    await refused("invalid_request", block(school, "sue", "sue"))


async def test_one_way_and_seen(school: House) -> None:
    """Moodle's block would stop the blocker, or stay for ever (MOO-25 … 27, 29)."""
    await school.write(PutTenant("School", "moodle"))
    direct = await start(school, "tom", "sue")
    assert (await block(school, "sue", "tom")).blocked
    await refused("recipient_unavailable", send(school, "tom", direct.id))
    denied = (await get(school, "tom", direct.id)).denied
    assert denied["send"] == "recipient_unavailable"
    await send(school, "sue", direct.id)
    await unblock(school, "sue", "tom")
    await send(school, "tom", direct.id)


async def test_nothing_is_kept_of_a_block_without_effect(school: House) -> None:
    """It would come to life when a teacher is none any more (MOO-28)."""
    await school.write(PutTenant("School", "moodle"))
    direct = await start(school, "anna", "sue")
    before = await everything(school, "sue", direct.id)
    state = await block(school, "sue", "anna")  # her teacher reaches her all the same
    assert (state.blocked, state.exempt) == (False, True)
    assert await everything(school, "sue", direct.id) == before
    asked = GetBlock(user_id="anna")
    assert not (await blocks.get(school.context, who("sue"), asked)).blocked
    await send(school, "anna", direct.id)


async def test_where_there_is_none(school: House) -> None:
    """A platform without blocking would have it."""
    await school.write(PutTenant("School", "tutoring"))
    await refused("forbidden", block(school, "sue", "tom"))
