"""What gateways know of a person together, through a real Redis."""

import asyncio
import time
from functools import partial

import pytest

from chatd.bus.leases import Key, Rate
from chatd.bus.redis import leases
from tests.bus.conftest import Open
from tests.bus.gateways import PATIENCE_S, TENANT, Gateway
from tests.support.redis import RedisCluster, RedisServer
from tests.support.waiting import wait_until

ANNA, BEN = (TENANT, "anna"), (TENANT, "ben")
SENDS = Rate(0.001, 30.0)
"""So slow that nothing comes back while a test runs, on whatever machine."""


async def count(gateway: Gateway, person: Key) -> int | None:
    return (await gateway.bus.leases.elsewhere([person])).get(person)


def keep(
    levels: dict[tuple[Key, str], float], person: Key, bucket: str, level: float
) -> None:
    levels[person, bucket] = level


async def counts(gateway: Gateway, person: Key, number: int) -> None:
    async def same() -> bool:
        return await count(gateway, person) == number

    await wait_until(same, what=f"{person} {number}")


async def test_connections_of_all_gateways(redis: RedisServer, opening: Open) -> None:
    """A person could have 20 connections at each gateway."""
    one, two, three = [await opening(redis.url) for _ in range(3)]
    for gateway in (one, two, three):
        await gateway.up()
    one.bus.leases.hold(ANNA, 1)
    one.bus.leases.hold(ANNA, 2)
    two.bus.leases.hold(ANNA, 3)
    two.bus.leases.hold(BEN, 1)
    await counts(three, ANNA, 5)
    assert await one.bus.leases.elsewhere([ANNA, BEN]) == {ANNA: 3, BEN: 1}
    two.bus.leases.hold(ANNA, 0)
    await counts(three, ANNA, 2)
    one.bus.leases.hold(ANNA, 0)
    await counts(three, ANNA, 0)
    keys = redis.command("KEYS", "*")
    assert "anna" not in keys
    assert "ben" in keys


async def test_a_gateway_that_was_killed(
    redis: RedisServer, opening: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its people would seem to be connected for ever, and be refused."""
    ours, theirs = await opening(redis.url), await opening(redis.url)
    await ours.up()
    await theirs.up()
    theirs.bus.leases.hold(ANNA, 5)
    await counts(ours, ANNA, 5)
    monkeypatch.setattr(leases, "LEASE_S", 1)
    theirs.bus.leases.hold(ANNA, 6)
    # Asked on the connection on which it was said: by then Redis has heard it.
    assert await count(theirs, ANNA) == 0
    await theirs.bus.stop()
    await counts(ours, ANNA, 0)


async def test_leases_are_renewed(
    redis: RedisServer, opening: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who stays connected would be forgotten after half a minute."""
    monkeypatch.setattr(leases, "RENEW_S", 0.05)
    ours, theirs = await opening(redis.url), await opening(redis.url)
    await ours.up()
    await theirs.up()
    theirs.bus.leases.hold(ANNA, 5)
    await counts(ours, ANNA, 5)
    _, key = theirs.bus.channels.key("seat", *ANNA)

    def ends_ms() -> int:
        (held,) = redis.command("HVALS", key.decode()).splitlines()
        return int(held.split()[1])

    first_ms = ends_ms()
    await wait_until(lambda: ends_ms() >= first_ms + 100)
    assert await count(ours, ANNA) == 5


async def test_redis_was_restarted(redis: RedisServer, opening: Open) -> None:
    """Until the next renewal nobody would be connected anywhere."""
    ours, theirs = await opening(redis.url), await opening(redis.url)
    await ours.up()
    await theirs.up()
    theirs.bus.leases.hold(ANNA, 5)
    await counts(ours, ANNA, 5)
    await asyncio.to_thread(redis.kill)
    assert await count(ours, ANNA) is None
    await asyncio.to_thread(redis.start)
    await counts(ours, ANNA, 5)


async def test_a_bucket_for_all_gateways(redis: RedisServer, opening: Open) -> None:
    """A person at two gateways could send twice as much."""
    ours, theirs = await opening(redis.url), await opening(redis.url)
    here: dict[tuple[Key, str], float] = {}
    there: dict[tuple[Key, str], float] = {}
    for gateway, levels in ((ours, here), (theirs, there)):
        await gateway.up()
        gateway.bus.leases.on_settled(partial(keep, levels))
    for _ in range(20):
        ours.bus.leases.spend(ANNA, "send", SENDS)
    await wait_until(lambda: here)
    assert 10 <= here[ANNA, "send"] < 11
    for _ in range(25):
        theirs.bus.leases.spend(ANNA, "send", SENDS)
    theirs.bus.leases.spend(BEN, "send", SENDS)
    theirs.bus.leases.spend(ANNA, "read", SENDS)
    await wait_until(lambda: len(there) == 3)
    assert -15 <= there[ANNA, "send"] < -14
    assert (there[BEN, "send"], there[ANNA, "read"]) == (29, 29)


async def test_a_debt_is_bounded_and_ends(redis: RedisServer, opening: Open) -> None:
    """One flood would lock a person out for hours."""
    gateway = await opening(redis.url)
    await gateway.up()
    levels: list[float] = []
    gateway.bus.leases.on_settled(lambda _person, _bucket, level: levels.append(level))
    rate = Rate(100.0, 10.0)
    for _ in range(1_000):
        gateway.bus.leases.spend(ANNA, "send", rate)
    await wait_until(lambda: levels)
    assert levels == [-10.0]

    async def may_send() -> bool:
        told = len(levels)
        gateway.bus.leases.spend(ANNA, "send", rate)
        await wait_until(lambda: len(levels) > told)
        return levels[-1] > 5

    await wait_until(may_send)


async def test_without_redis_nothing_waits(
    redis: RedisServer, opening: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People would be kept waiting, or out, because Redis is dead or mute (row 6)."""
    monkeypatch.setattr(leases, "ANSWER_S", 0.2)
    gateway = await opening(redis.url)
    await gateway.up()
    redis.pause()
    began_s = time.monotonic()
    gateway.bus.leases.hold(ANNA, 1)
    gateway.bus.leases.spend(ANNA, "send", SENDS)
    assert await gateway.bus.leases.elsewhere([ANNA, BEN]) == {}
    # Not until the probes find Redis dead, which is when it would be given up anyway.
    assert time.monotonic() - began_s < PATIENCE_S / 2
    await asyncio.to_thread(redis.kill)
    await wait_until(lambda: not gateway.bus.topology.up)
    gateway.bus.leases.hold(ANNA, 2)
    gateway.bus.leases.spend(ANNA, "send", SENDS)
    assert await gateway.bus.leases.elsewhere([ANNA]) == {}


async def test_garbage_in_redis(redis: RedisServer, opening: Open) -> None:
    """Whoever can write to Redis could keep a person from connecting at all."""
    gateway = await opening(redis.url)
    await gateway.up()
    _, key = gateway.bus.channels.key("seat", *ANNA)
    redis.command("HSET", key.decode(), "evil", "garbage", "worse", "-5 99999999999999")
    assert await count(gateway, ANNA) == 0
    redis.command("DEL", key.decode())
    redis.command("SET", key.decode(), "of another type")
    assert await count(gateway, ANNA) is None


async def test_on_a_cluster(cluster: RedisCluster, opening: Open) -> None:
    """A Cluster would refuse the keys, or count each node for itself."""
    ours, theirs = await opening(cluster.url), await opening(cluster.url)
    await ours.up()
    await theirs.up()
    people = [(TENANT, f"p{number}") for number in range(20)]
    for person in people:
        theirs.bus.leases.hold(person, 2)
    everybody = dict.fromkeys(people, 2)

    async def same() -> bool:
        # Each node of the Cluster hears of its own people, in its own time.
        return await ours.bus.leases.elsewhere(people) == everybody

    await wait_until(same)
