"""One connection to Redis."""

import asyncio
from collections.abc import AsyncIterator

import hiredis
import pytest

from chatd.bus.redis.address import Address, parse
from chatd.bus.redis.link import (
    REPLIES_PER_TURN,
    REPLY_BYTES,
    Link,
    LinkLost,
    Receiver,
    connect,
)
from chatd.clock import SystemClock
from tests.support.redis import RedisServer, redis_server
from tests.support.waiting import wait_until

CLOCK = SystemClock()


@pytest.fixture
async def link(redis: RedisServer) -> AsyncIterator[Link]:
    made = Link(CLOCK)
    await connect(parse(redis.url), Address("127.0.0.1", redis.port), made)
    yield made
    made.close()


async def test_answers_come_to_whoever_asked(link: Link) -> None:
    """A gateway would take one question's answer for another's."""
    link.post("SET", "one", 1)
    asked = [link.call("GET", "one"), link.call("NONSENSE"), link.call("ECHO", "two")]
    got = await asyncio.gather(*asked, return_exceptions=True)
    assert (got[0], got[2]) == (b"1", b"two")
    assert isinstance(got[1], hiredis.ReplyError)


async def test_an_answer_nobody_waits_for(link: Link) -> None:
    """After one deadline every later answer would be off by one."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await link.call("BLPOP", "nothing", 0.2)
    assert await link.call("ECHO", "mine") == b"mine"


async def test_the_end_is_told(link: Link, redis: RedisServer) -> None:
    """Who waits for an answer of a killed Redis would wait for ever."""
    waiting = asyncio.ensure_future(link.call("BLPOP", "nothing", 0))
    await wait_until(lambda: link.mute_s > 0)
    assert link.mute_s < 5
    await asyncio.to_thread(redis.kill)
    with pytest.raises(LinkLost):
        await waiting
    assert link.closed
    assert link.mute_s == 0
    with pytest.raises(LinkLost):
        link.post("PING")


async def test_one_answer_cannot_fill_the_process(link: Link) -> None:
    """Whoever can write to Redis could have all gateways killed (row 22: 50 MB)."""
    link.post("SETRANGE", "huge", REPLY_BYTES * 2, "end")
    with pytest.raises(LinkLost, match="beyond all bounds"):
        await link.call("GET", "huge")


async def test_a_paused_redis_is_not_connected(redis: RedisServer) -> None:
    """A kernel that accepts would pass for a Redis that works (row 6)."""
    redis.pause()
    link = Link(CLOCK)
    with pytest.raises(TimeoutError):
        await connect(parse(redis.url), Address("127.0.0.1", redis.port), link)
    assert link.closed


async def test_password_and_database() -> None:
    """A Redis that wants a password could not be used, or any one would do."""
    with redis_server("--requirepass", "p@ss") as server:
        address = Address("127.0.0.1", server.port)
        right, wrong = Link(CLOCK), Link(CLOCK)
        await connect(parse(f"redis://:p%40ss@{address}/2"), address, right)
        info = await right.call("CLIENT", "INFO")
        assert isinstance(info, bytes)
        assert b" db=2 " in info
        right.close()
        with pytest.raises(hiredis.ReplyError):
            await connect(parse(f"redis://:other@{address}"), address, wrong)


async def test_a_backlog_leaves_room_for_others(redis: RedisServer) -> None:
    """After a pause everybody would wait until all of it was heard (row 6)."""
    heard: list[bytes] = []
    receiver = Receiver(
        CLOCK,
        lambda _channel, data: heard.append(data),
        lambda _channel: None,
        lambda _channel, _error: None,
    )
    await connect(parse(redis.url), Address("127.0.0.1", redis.port), receiver)
    receiver.subscribe(b"a", sharded=False)
    await wait_until(lambda: receiver.confirmed)
    many = [b"%d" % number for number in range(4 * REPLIES_PER_TURN)]
    told = [
        b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$%d\r\n%b\r\n" % (len(n), n) for n in many
    ]
    receiver.data_received(b"".join(told))
    assert len(heard) == REPLIES_PER_TURN
    # What comes behind it stays behind it.
    redis.command("PUBLISH", "a", "last")
    await wait_until(lambda: heard[-1] == b"last")
    assert heard == [*many, b"last"]
    receiver.close()


async def test_a_receiver_tells_what_happens(redis: RedisServer) -> None:
    """Messages would be lost, or a subscription that has ended thought to be alive."""
    told: list[tuple[str, bytes, bytes]] = []
    receiver = Receiver(
        CLOCK,
        lambda channel, data: told.append(("message", channel, data)),
        lambda channel: told.append(("confirmed", channel, b"")),
        lambda channel, error: told.append(("gone", channel, error[:3])),
    )
    await connect(parse(redis.url), Address("127.0.0.1", redis.port), receiver)
    receiver.subscribe(b"a", b"b", sharded=False)
    await wait_until(lambda: len(told) == 2)
    assert receiver.confirmed == {b"a", b"b"}
    redis.command("PUBLISH", "a", "news")
    receiver.unsubscribe(b"a", sharded=False)
    receiver.subscribe(b"a", sharded=False)
    await wait_until(lambda: len(told) == 4)
    assert receiver.confirmed == {b"a", b"b"}
    # What Redis ends by itself, as when a slot moves, and what it refuses.
    receiver.write((b"UNSUBSCRIBE", b"b"))
    receiver.write((b"NONSENSE",))
    await wait_until(lambda: len(told) == 6)
    assert told == [
        ("confirmed", b"a", b""),
        ("confirmed", b"b", b""),
        ("message", b"a", b"news"),
        ("confirmed", b"a", b""),
        ("gone", b"b", b""),
        ("gone", b"", b"ERR"),
    ]
    receiver.close()
