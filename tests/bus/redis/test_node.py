"""One Redis server as a gateway uses it, when it misbehaves."""

import asyncio
from contextlib import ExitStack

import pytest

from chatd import metrics
from chatd.bus.redis import node
from chatd.bus.redis.address import Address, parse
from chatd.bus.redis.link import Link, connect
from chatd.bus.redis.node import SUBSCRIBE_MAX, Node, batches, is_replica
from chatd.clock import SystemClock
from tests.bus.conftest import Open
from tests.bus.gateways import Gateway
from tests.support.redis import RedisServer, redis_server
from tests.support.waiting import wait_until


def test_subscriptions_go_in_batches() -> None:
    """A reconnect of a busy gateway would be tens of thousands of commands, or one
    that a Cluster refuses."""
    channels = [(f"{number}".encode(), number % 2) for number in range(1_500)]
    assert sorted(map(len, batches(channels, sharded=True))) == [238, 238, 512, 512]
    assert list(map(len, batches(channels, sharded=False))) == [512, 512, 476]
    found = [one for batch in batches(channels, sharded=True) for one in batch]
    assert sorted(found) == sorted(channel for channel, _ in channels)


def node_of(gateway: Gateway) -> Node:
    node = gateway.bus.topology.node(0)
    assert node is not None
    return node


def dropped(reason: str) -> float:
    value = metrics.BUS_DROPPED.labels(reason)._value.get()
    return float(value)


async def test_more_than_a_batch_is_subscribed(
    redis: RedisServer, opening: Open
) -> None:
    """The people after the first 512 would hear by the head check alone."""
    ours, theirs = await opening(redis.url), await opening(redis.url)
    people = [f"p{number}" for number in range(SUBSCRIBE_MAX + 100)]
    await theirs.following(*people)
    await ours.up()
    ours.tell(people[0], 1)
    ours.tell(people[-1], 2)
    await theirs.hears(1, 2)
    for person in people:
        theirs.bus.unfollow("person", "school", person)
    await wait_until(lambda: not theirs.follows(people[-1]))
    # Those for everyone and its own are what is left.
    assert "school" not in redis.command("PUBSUB", "CHANNELS")


async def test_a_subscription_cut_in_silence(redis: RedisServer, opening: Open) -> None:
    """Redis cuts a slow subscriber; nothing raises, and all would be lost (row 7)."""
    ours, theirs = await opening(redis.url), await opening(redis.url)
    await theirs.following("anna")
    await ours.up()
    before = metrics.BUS_RECONNECTS._value.get()
    theirs.doubts.clear()
    redis.command("CLIENT", "KILL", "TYPE", "pubsub")
    await wait_until(lambda: "connected" in theirs.doubts)
    await wait_until(lambda: theirs.follows("anna"))
    ours.tell("anna", 1)
    await theirs.hears(1)
    assert metrics.BUS_RECONNECTS._value.get() > before


async def test_a_subscription_that_redis_forgot(
    redis: RedisServer, opening: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway would be deaf on a connection that looks alive (row 7b)."""
    gateway = await opening(redis.url)
    await gateway.following("anna")
    gateway.doubts.clear()
    monkeypatch.setattr(node, "PROBES_MISSED", 3)
    receiver = await wait_until(lambda: node_of(gateway)._receiver)
    assert receiver is not None
    # As if it were somebody else's: nothing comes back, and no error says so.
    receiver._on_message = lambda _channel, _data: None
    await wait_until(lambda: "connected" in gateway.doubts)


async def test_a_mute_redis_costs_nobody_anything(
    redis: RedisServer, opening: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sends would wait for a Redis that is alive but mute (row 6)."""
    monkeypatch.setattr(node, "DEADLINE_S", 0.2)
    gateway = await opening(redis.url)
    await gateway.following("ben")
    before = dropped("deadline")
    redis.pause()
    told = 0
    # Whoever waited for an answer would be in the first one for ever.
    while dropped("deadline") == before:
        gateway.tell("anna", told)
        told += 1
        await asyncio.sleep(0.01)
    # Heard here in spite of all.
    assert gateway.personal == list(range(told))
    gateway.doubts.clear()
    monkeypatch.setattr(node, "PROBES_MISSED", 3)
    await wait_until(lambda: not gateway.bus.topology.up)
    redis.resume()
    await wait_until(lambda: "connected" in gateway.doubts)


async def test_a_replica_is_no_bus(redis: RedisServer, opening: Open) -> None:
    """Half of the gateways would talk to a server that the others have left."""
    gateway = await opening(redis.url)
    await gateway.up()
    with ExitStack() as running:
        other = await asyncio.to_thread(running.enter_context, redis_server())
        redis.command("REPLICAOF", "127.0.0.1", str(other.port))
        await wait_until(lambda: not gateway.bus.topology.up)
        link = Link(SystemClock())
        await connect(parse(redis.url), Address("127.0.0.1", redis.port), link)
        assert await is_replica(link)
        link.close()
        redis.command("REPLICAOF", "NO", "ONE")
        await gateway.up()


async def test_a_refused_question_for_the_role(
    redis: RedisServer, opening: Open
) -> None:
    """Where a hoster forbids ROLE there would be no bus at all."""
    redis.command("ACL", "SETUSER", "default", "-role")
    gateway = await opening(redis.url)
    await gateway.following("anna")
    gateway.tell("anna", 1)
    await gateway.hears(1)


async def test_a_server_that_is_not_there(redis: RedisServer, opening: Open) -> None:
    """A gateway would not start, or fail, for want of Redis."""
    redis.kill()
    gateway = await opening(redis.url)
    before = dropped("disconnected")
    gateway.tell("anna", 1)
    await wait_until(lambda: dropped("disconnected") > before)
    assert gateway.personal == [1]
    with pytest.raises(AssertionError):
        await wait_until(lambda: gateway.bus.topology.up, 0.3)
