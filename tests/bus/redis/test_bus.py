"""The bus between gateways, through a real Redis."""

import asyncio
import re
from pathlib import Path

import uvloop

from chatd import failpoints, metrics
from chatd.bus.leases import Rate
from chatd.bus.redis.bus import QUEUE_MAX
from chatd.domain.announcements import FactsMoved, Logged, PersonalMoved
from tests.bus.conftest import Open
from tests.bus.gateways import TENANT, open_gateway
from tests.hub.listeners import said
from tests.support.redis import RedisServer
from tests.support.waiting import wait_until

MANUAL = Path(__file__).resolve().parents[3] / "docs" / "operating.md"


def dropped(reason: str) -> float:
    return float(metrics.BUS_DROPPED.labels(reason)._value.get())


async def test_others_hear_what_they_follow(redis: RedisServer, opening: Open) -> None:
    """Clients of another gateway would hear nothing, or every gateway everything."""
    ours, theirs = await opening(redis.url), await opening(redis.url)
    await theirs.following("anna")
    await ours.up()
    message = Logged(TENANT, "c1", 7, "message.created", said(7))
    theirs.bus.follow("conversation", TENANT, "c1")
    await wait_until(lambda: theirs.follows("c1", "conversation"))
    assert "subscribed" in theirs.doubts
    ours.tell("ben", 1)
    ours.tell("anna", 2)
    ours.bus.publish([message, Logged(TENANT, "c2", 1, "message.created")])
    ours.bus.publish([FactsMoved(TENANT, "person", "ben")])
    await wait_until(lambda: len(theirs.heard) == 3)
    assert set(map(type, theirs.heard)) == {PersonalMoved, Logged, FactsMoved}
    assert message in theirs.heard
    assert theirs.personal == [2]
    value = metrics.REGISTRY.get_sample_value
    await wait_until(lambda: value("chatd_bus_lag_seconds_count"))


def test_on_the_loop_that_serves(redis: RedisServer) -> None:
    """The bus would work in tests only: uvloop's transports are of another kind."""

    async def hear() -> None:
        async with open_gateway(redis.url) as ours, open_gateway(redis.url) as theirs:
            await theirs.following("anna")
            await ours.up()
            ours.tell("anna", 1)
            await theirs.hears(1)

    uvloop.run(hear())


async def test_the_account_that_is_documented(
    redis: RedisServer, opening: Open
) -> None:
    """An operator who gives chatd no more than it needs would have no bus."""
    documented = re.search(r"^ACL SETUSER chatd .*$", MANUAL.read_text(), re.MULTILINE)
    assert documented is not None
    assert redis.command(*documented[0].split()) == "OK"
    redis.command("CONFIG", "SET", "requirepass", "another")
    url = redis.url.replace("redis://", "redis://chatd:PASSWORD@")
    ours, theirs = await opening(url), await opening(url)
    await theirs.following("anna")
    await ours.up()
    ours.tell("anna", 1)
    await theirs.hears(1)
    levels: list[float] = []
    ours.bus.leases.on_settled(lambda _person, _bucket, level: levels.append(level))
    ours.bus.leases.spend((TENANT, "anna"), "send", Rate(1, 5))
    await wait_until(lambda: levels)
    assert await ours.bus.leases.elsewhere([(TENANT, "anna")]) == {(TENANT, "anna"): 0}


async def test_here_first_and_once(redis: RedisServer, opening: Open) -> None:
    """Members on the sender's gateway would wait for Redis, or hear it twice."""
    ours, theirs = await opening(redis.url), await opening(redis.url)
    await ours.following("anna")
    await theirs.following("anna")
    ours.tell("anna", 1)
    assert ours.personal == [1]
    await theirs.hears(1)
    # By now Redis has told us our own as well.
    theirs.tell("anna", 2)
    await ours.hears(1, 2)


async def test_another_deployment_on_the_same_redis(
    redis: RedisServer, opening: Open
) -> None:
    """One school's server would be told what happens at another's."""
    ours = await opening(redis.url)
    foreign = await opening(redis.url, secret=b"the secret of another deployment")
    await foreign.following("anna")
    await ours.up()
    ours.tell("anna", 1)
    foreign.tell("anna", 2)
    await foreign.hears(2)
    assert ours.personal == [1]


async def test_redis_is_killed_and_returns(redis: RedisServer, opening: Open) -> None:
    """A gateway would stay deaf after a restart, or not know that it was (row 5)."""
    ours, theirs = await opening(redis.url), await opening(redis.url)
    await theirs.following("anna")
    await ours.up()
    theirs.doubts.clear()
    await asyncio.to_thread(redis.kill)
    await wait_until(lambda: not ours.bus.topology.up)
    before = dropped("disconnected")
    ours.tell("anna", 1)
    await wait_until(lambda: dropped("disconnected") > before)
    await asyncio.to_thread(redis.start)
    await wait_until(lambda: "connected" in theirs.doubts)
    assert theirs.follows("anna")
    await ours.up()
    ours.tell("anna", 2)
    await theirs.hears(2)


async def test_who_lost_redis_alone_says_so(redis: RedisServer, opening: Open) -> None:
    """Whoever kept Redis would never learn of what was said into the void (row 10)."""
    redis.command("ACL", "SETUSER", "one", "on", ">word", "~*", "&*", "+@all")
    ours = await opening(redis.url.replace("redis://", "redis://one:word@"))
    theirs = await opening(redis.url)
    await theirs.following("anna")
    await ours.up()
    theirs.doubts.clear()
    # Redis ends the connections of an account that is switched off, and opens no other.
    redis.command("ACL", "SETUSER", "one", "off")
    redis.command("CLIENT", "KILL", "USER", "one")
    await wait_until(lambda: not ours.bus.topology.up)
    before = dropped("disconnected")
    ours.tell("anna", 1)
    await wait_until(lambda: dropped("disconnected") > before)
    assert theirs.doubts == []
    redis.command("ACL", "SETUSER", "one", "on")
    await wait_until(lambda: "peer" in theirs.doubts)
    ours.tell("anna", 2)
    await theirs.hears(2)


async def test_garbage_on_a_channel(redis: RedisServer, opening: Open) -> None:
    """Whoever can write to Redis could stop or mislead a gateway (row 22)."""
    ours, theirs = await opening(redis.url), await opening(redis.url)
    await theirs.following("anna")
    await ours.up()
    _, channel = ours.bus.channels.of("person", TENANT, "anna")
    before = dropped("size") + dropped("version")
    theirs.doubts.clear()
    for garbage in ("", "x" * 100, "\x01" * 300_000):
        redis.command("PUBLISH", channel.decode(), garbage)
    ours.tell("anna", 1)
    await theirs.hears(1)
    assert dropped("size") + dropped("version") == before + 3
    assert theirs.doubts.count("envelope") == 3


async def test_a_flood_beyond_the_queue(redis: RedisServer, opening: Open) -> None:
    """One import would fill the memory, or be lost without a word."""
    ours, theirs = await opening(redis.url), await opening(redis.url)
    await theirs.following("anna")
    await ours.up()
    before = dropped("queue_full")
    flood = [FactsMoved(TENANT, "roster", str(one)) for one in range(QUEUE_MAX)]
    ours.bus.publish([*flood, PersonalMoved(TENANT, "anna", 1)])
    assert dropped("queue_full") == before + 1
    await wait_until(lambda: "peer" in theirs.doubts)
    await wait_until(lambda: len(theirs.heard) == QUEUE_MAX, 60)
    ours.tell("anna", 2)
    await theirs.hears(2)


async def test_the_answer_leaves_before_the_hint(
    redis: RedisServer, opening: Open, tmp_path: Path
) -> None:
    """A gateway that dies in publishing would take the acknowledgement with it."""
    ours, theirs = await opening(redis.url), await opening(redis.url)
    await theirs.following("anna")
    await ours.up()
    points = tmp_path / "points"
    failpoints.arm(f"@{points}")
    try:
        # A point that is reached once takes its file away before it acts.
        points.write_text("after_ack_before_publish=once(1):sleep(0.2)")
        ours.tell("anna", 1)
        assert ours.personal == [1]
        await wait_until(lambda: not points.exists())
        assert theirs.personal == []
        await theirs.hears(1)
        points.write_text("after_ack_before_publish=once(1):raise")
        ours.tell("anna", 2)
        await wait_until(lambda: not points.exists())
        ours.tell("anna", 3)
        await theirs.hears(1, 3)
    finally:
        failpoints.arm(None)
