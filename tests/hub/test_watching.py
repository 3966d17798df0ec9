"""The stream of a tenant's events for embedding applications."""

import asyncio
from pathlib import Path

import pytest

from chatd.domain.people import Caller
from chatd.hub.watching import Watchers
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.requests import WatchEvents
from tests.hub.peers import CallError, House, Peer
from tests.support.house import TENANT, house
from tests.support.waiting import wait_until

STREAM = 4
CANCEL = 5


async def items(peer: Peer, number: int) -> list[tuple[str, int]]:
    await wait_until(lambda: len(peer.items) >= number, what=f"{number} items")
    return [
        (item["event"]["conversationId"], item["event"]["seq"]) for item in peer.items
    ]


async def say(peer: Peer, room: str, text: str) -> None:
    await peer.call("SendMessage", conversationId=room, clientMessageId=text, text=text)


async def test_everything_of_the_tenant_from_the_beginning_on(school: House) -> None:
    """An embedding application would miss messages, of the past or live."""
    await school.group("physics", "anna", "ben")
    await school.group("optics", "anna", "carl")
    anna = await school.join("anna")
    service = await school.join("lms", scope="events")
    await service.start(STREAM, "WatchEvents", {})
    assert await items(service, 2) == [("physics", 1), ("optics", 1)]
    await say(anna, "physics", "one")
    await say(anna, "optics", "two")
    assert (await items(service, 4))[2:] == [("physics", 2), ("optics", 2)]
    assert service.items[2]["event"]["message"]["text"] == "one"
    assert service.told == []


async def test_from_a_cursor_on(school: House) -> None:
    """An application that comes back would get everything again, or miss some."""
    await school.group("physics", "anna", "ben")
    anna = await school.join("anna")
    first = await school.join("lms", scope="events")
    await first.start(STREAM, "WatchEvents", {})
    await items(first, 1)
    cursor = first.items[0]["cursor"]
    await first.leave()
    await say(anna, "physics", "while away")
    again = await school.join("lms", scope="events")
    await again.start(STREAM, "WatchEvents", {"cursor": cursor})
    assert await items(again, 1) == [("physics", 2)]


async def test_another_tenant_sees_nothing(school: House) -> None:
    """A school would read another school's messages."""
    await school.write(PutTenant("Another", "itslearning"), tenant="another")
    await school.write(PutPerson("dora", "Dora", ("student",)), tenant="another")
    await school.group("physics", "anna", "ben")
    stranger = await school.join("lms", tenant="another", scope="events")
    service = await school.join("lms", scope="events")
    await stranger.start(STREAM, "WatchEvents", {})
    await service.start(STREAM, "WatchEvents", {})
    await items(service, 1)
    assert stranger.items == []


async def test_a_cancelled_stream_ends(school: House) -> None:
    """Streams that nobody reads would be kept running for ever."""
    service = await school.join("lms", scope="events")
    number = await service.start(STREAM, "WatchEvents", {})
    watchers = school.installation.chat._watchers
    await wait_until(lambda: watchers._waiting)
    await service.send(type=CANCEL, invocationId=number)
    assert await service.answer(number) == {}
    assert not watchers._waiting


async def test_a_lost_connection_ends_its_stream(school: House) -> None:
    """Streams of connections that are gone would be kept running for ever."""
    service = await school.join("lms", scope="events")
    await service.start(STREAM, "WatchEvents", {})
    watchers = school.installation.chat._watchers
    await wait_until(lambda: watchers._waiting)
    await service.leave()
    await wait_until(lambda: not watchers._waiting)


@pytest.mark.parametrize(
    ("user", "scope", "argument", "code"),
    [
        ("anna", "", {}, "forbidden"),
        ("lms", "messages", {}, "forbidden"),
        ("lms", "events", {"cursor": "nonsense"}, "invalid_request"),
        ("lms", "events", {"since": 1}, "invalid_request"),
        ("lms", "events", [], "invalid_request"),
    ],
)
async def test_who_may_not_or_asks_wrongly(
    school: House, user: str, scope: str, argument: object, code: str
) -> None:
    """Anybody could read everything, or a wrong cursor would start from anywhere."""
    peer = await school.join(user, scope=scope)
    number = await peer.start(STREAM, "WatchEvents", argument)
    with pytest.raises(CallError) as refused:
        await peer.answer(number)
    assert refused.value.code == code
    assert peer.items == []


async def test_what_is_not_told_does_not_show(tmp_path: Path) -> None:
    """A stream would stir just when somebody reports something (5.2)."""
    async with house(tmp_path) as made:
        watchers = Watchers()
        caller = Caller(TENANT, "lms", frozenset({"events"}))
        batches = watchers.batches(made.context, caller, WatchEvents())
        assert await anext(batches) == []
        following = asyncio.ensure_future(anext(batches))
        for _ in range(3):
            watchers.wake(TENANT)
            done, _pending = await asyncio.wait([following], timeout=0.1)
            assert not done, "nothing was told, and it stirred"
        made.clock.at_ms += 2_000
        watchers.wake(TENANT)
        assert await asyncio.wait_for(following, 60) == [], "all is well, it says"
