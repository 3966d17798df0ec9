"""Two gateways on one PostgreSQL with a real Redis between them, and without it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog

from chatd import failpoints, metrics
from chatd.actions import conversations, messages
from chatd.bus.redis.bus import RedisBus
from chatd.domain.people import Caller
from chatd.store.members import Join, NewMember, Part
from chatd.store.people import EndSessions
from chatd.telemetry import about, configure
from chatd_protocol.chat.requests import SendMessage, SetConversationPreferences
from tests.bus.gateways import be_patient
from tests.faults.proxy import Proxy
from tests.hub.peers import TENANT, CallError, House, Peer, open_house
from tests.support.redis import RedisServer, redis_server
from tests.support.tokens import SECRET
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engines("postgres")

WHOLE_S = 60.0
"""Until then who is connected must be whole again, on whatever machine; how long it
takes is measured by `./dev bench outage`."""


@dataclass
class Gateways:
    """One writes, the other listens."""

    redis: RedisServer
    between: Proxy
    ours: House
    theirs: House

    async def up(self) -> None:
        """Returns once both hear each other."""
        for house in (self.ours, self.theirs):
            bus = house.installation.bus
            assert isinstance(bus, RedisBus)
            await wait_until(partial(getattr, bus.topology, "up"), WHOLE_S)

    async def listening(self, user: str) -> Peer:
        """Somebody on the other gateway, to whom hints come by now."""
        peer = await self.theirs.join(user)
        bus = self.theirs.installation.bus
        assert isinstance(bus, RedisBus)
        await wait_until(lambda: bus.topology.settled, WHOLE_S)
        return peer


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
async def gateways(
    redis: RedisServer,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Gateways]:
    be_patient(monkeypatch)
    limits = {"connectionsPerUser": 3, "sendsPerSecond": 1, "sendsBurst": 25}
    shared: dict[str, Any] = {"database_url": database, "deployment_secret": SECRET}
    async with AsyncExitStack() as running:
        between = await running.enter_async_context(Proxy(("127.0.0.1", redis.port)))
        urls = (redis.url, f"redis://127.0.0.1:{between.port}")
        ours, theirs = [
            await running.enter_async_context(
                open_house(tmp_path, limits, redis_url=url, **shared)
            )
            for url in urls
        ]
        made = Gateways(redis, between, ours, theirs)
        await made.up()
        yield made


@pytest.fixture
def unannounced() -> Iterator[Callable[[], None]]:
    """From the call on, nothing that is committed is told to other gateways."""
    yield lambda: failpoints.arm("after_ack_before_publish=raise")
    failpoints.arm(None)


async def say(peer: Peer, text: str, room: str = "physics") -> dict:
    return await peer.call(
        "SendMessage", conversationId=room, clientMessageId=text, text=text
    )


def seqs(peer: Peer, room: str = "physics") -> list[int]:
    found = [one for one in peer.events() if one.get("conversationId") == room]
    return [one["seq"] for one in found if "seq" in one]


async def test_a_message_crosses(gateways: Gateways) -> None:
    """People at another gateway would wait for the head check, or read the log."""
    await gateways.ours.group("physics", "anna", "ben")
    anna, ben = await gateways.ours.join("anna"), await gateways.listening("ben")
    await gateways.theirs.installation.chat._heads.stop()
    for number in range(20):
        await say(anna, f"text {number}")
    await wait_until(lambda: len(seqs(ben)) == 20)
    assert seqs(ben) == list(range(2, 22))


async def test_a_delivery_elsewhere_is_logged_with_its_trace(
    gateways: Gateways,
) -> None:
    """Of what is late at one gateway nobody could find the call at another."""
    configure("debug")
    trace = f"{0xC0FFEE:032x}"
    await gateways.ours.group("physics", "anna", "ben")
    ben = await gateways.listening("ben")
    context, caller = gateways.ours.installation.context, Caller(TENANT, "ben")
    with structlog.testing.capture_logs() as logs:

        def told() -> set[object]:
            return {
                one.get("conversation") or one.get("user")
                for one in logs
                if (one["event"], one.get("trace")) == ("delivered", trace)
            }

        with about(f"00-{trace}-{1:016x}-01"):
            await messages.send(
                context,
                caller,
                SendMessage(
                    conversation_id="physics", client_message_id="1", text="hello"
                ),
            )
        await wait_until(lambda: told() == {"physics"})
        with about(f"00-{trace}-{1:016x}-01"):
            away = SetConversationPreferences(conversation_id="physics", muted=True)
            await conversations.set_preferences(context, caller, away)
        await wait_until(lambda: told() == {"physics", "ben"})
    assert seqs(ben) == [2]
    assert "hello" not in str(logs)


async def test_a_new_conversation_crosses(gateways: Gateways) -> None:
    """Who is written to for the first time would hear nothing until a reload."""
    anna, ben = await gateways.ours.join("anna"), await gateways.listening("ben")
    await gateways.ours.group("physics", "anna", "ben")
    joined = await ben.event("conversation.joined")
    await say(anna, "first")
    message = await ben.event("message.created")
    assert message["seq"] > joined["conversation"]["headSeq"]


async def test_a_removed_member_hears_no_more(gateways: Gateways) -> None:
    """Who was removed elsewhere would go on reading along (row 26)."""
    await gateways.ours.group("physics", "anna", "ben", "carl")
    anna = await gateways.ours.join("anna")
    ben, carl = await gateways.listening("ben"), await gateways.listening("carl")
    await gateways.ours.write(Part("physics", ("carl",), "anna"))
    await say(anna, "behind his back")
    await ben.event("message.created")
    assert carl.events("message.created") == []
    await gateways.ours.write(Join("physics", (NewMember("carl"),), "anna"))
    await carl.event("conversation.joined")
    await say(anna, "to his face")
    await carl.event("message.created")
    # His leaving, and after his return what followed it; his return itself, too, if
    # the log was faster than his own row.
    assert [seq for seq in seqs(carl) if seq != 4] == [2, 5]


async def test_typing_crosses(gateways: Gateways) -> None:
    """Nobody at another gateway would see that somebody writes (UX-39)."""
    await gateways.ours.group("physics", "anna", "ben")
    anna, ben = await gateways.ours.join("anna"), await gateways.listening("ben")
    await anna.call("Typing", conversationId="physics")
    typing = await ben.event("typing")
    assert typing["actor"]["id"] == "anna"


async def test_redis_is_dead_for_a_while(gateways: Gateways) -> None:
    """A dead Redis would cost a message, or an acknowledgement (row 5)."""
    await gateways.ours.group("physics", "anna", "ben")
    anna, ben = await gateways.ours.join("anna"), await gateways.listening("ben")
    await asyncio.to_thread(gateways.redis.kill)
    for number in range(10):
        await say(anna, f"dark {number}")
    # Not even then is anybody out of date for longer.
    await wait_until(lambda: len(seqs(ben)) == 10, WHOLE_S)
    await say(anna, "last before the light")
    await asyncio.to_thread(gateways.redis.start)
    await wait_until(lambda: len(seqs(ben)) == 11, WHOLE_S)
    await gateways.up()
    await say(anna, "light")
    await wait_until(lambda: len(seqs(ben)) == 12, WHOLE_S)
    assert seqs(ben) == list(range(2, 14))


async def test_a_gateway_is_cut_off_from_redis(gateways: Gateways) -> None:
    """Its clients would be told nothing, or its own sends wait (row 10)."""
    await gateways.ours.group("physics", "anna", "ben")
    anna, ben = await gateways.ours.join("anna"), await gateways.listening("ben")
    gateways.between.blackhole()
    await say(anna, "from outside")
    await say(ben, "from inside")
    await wait_until(lambda: len(seqs(ben)) == 2 == len(seqs(anna)), WHOLE_S)
    gateways.between.heal()
    await gateways.up()
    await say(anna, "together again")
    await wait_until(lambda: len(seqs(ben)) == 3, WHOLE_S)
    assert seqs(ben) == seqs(anna) == [2, 3, 4]


async def test_the_publisher_dies_in_between(
    gateways: Gateways, unannounced: Callable[[], None]
) -> None:
    """What was acknowledged and never announced would never arrive (row 4)."""
    await gateways.ours.group("physics", "anna", "ben")
    anna, ben = await gateways.ours.join("anna"), await gateways.listening("ben")
    before = metrics.GAP_FILLS.labels("head_check")._value.get()
    unannounced()
    await say(anna, "unheard")
    await wait_until(lambda: seqs(ben) == [2], WHOLE_S)
    assert metrics.GAP_FILLS.labels("head_check")._value.get() > before
    assert anna.events("message.created") != []


async def test_sessions_end_everywhere(
    gateways: Gateways, unannounced: Callable[[], None]
) -> None:
    """A signed-out device would go on listening at another gateway (row 27)."""
    first, second = await gateways.listening("ben"), await gateways.listening("carl")
    now_ms = gateways.ours.installation.clock.now_ms()
    await gateways.ours.write(EndSessions("ben", now_ms + 1_000))
    assert "unauthenticated" in (await first.end())["error"]
    unannounced()
    await gateways.ours.write(EndSessions("carl", now_ms + 1_000))
    assert "unauthenticated" in (await second.end())["error"]


async def test_hostile_words_on_a_channel(gateways: Gateways) -> None:
    """Whoever can write to Redis could speak as anybody (row 22)."""
    await gateways.ours.group("physics", "anna", "ben")
    anna, ben = await gateways.ours.join("anna"), await gateways.listening("ben")
    bus = gateways.ours.installation.bus
    assert isinstance(bus, RedisBus)
    _, channel = bus.channels.of("conversation", TENANT, "physics")
    for words in ("", "garbage", "\x01" + "x" * 200, "{" * 100_000):
        gateways.redis.command("PUBLISH", channel.decode(), words)
    await say(anna, "undisturbed")
    await ben.event("message.created")
    assert seqs(ben) == [2]


async def test_limits_are_of_all_gateways(gateways: Gateways) -> None:
    """One person could do at each gateway what is allowed once."""
    await gateways.ours.group("physics", "anna", "ben")
    here, there = await gateways.ours.join("anna"), await gateways.listening("anna")
    for number in range(25):
        await say(here, f"text {number}")

    async def is_spent() -> bool:
        try:
            await say(there, "one more")
        except CallError as refused:
            return refused.code == "rate_limited"
        return False

    await wait_until(is_spent)
    await gateways.ours.join("anna")
    refused = await gateways.theirs.join("anna")
    assert "rate_limited" in (await refused.end())["error"]
    await here.leave()
    anna = (TENANT, "anna")
    shared = gateways.theirs.installation.bus.leases

    async def has_gone() -> bool:
        return await shared.elsewhere([anna]) == {anna: 1}

    await wait_until(has_gone)
    assert (await gateways.theirs.join("anna")).closing is None


async def test_limits_without_redis(gateways: Gateways) -> None:
    """A dead Redis would lock people out, or let one person in without end."""
    await asyncio.to_thread(gateways.redis.kill)
    peers = [await gateways.theirs.join("anna") for _ in range(4)]
    assert "rate_limited" in (await peers[3].end())["error"]
    assert [peer.closing for peer in peers[:3]] == [None] * 3


async def test_presence_crosses(gateways: Gateways) -> None:
    """People at another gateway would always seem to be away."""
    await gateways.ours.group("physics", "anna", "ben", "carl")
    carl = await gateways.ours.join("carl")
    ben = await gateways.listening("ben")
    watched = await ben.call("WatchPresence", userIds=["anna", "carl"])
    assert watched["people"] == [
        {"userId": "anna", "online": False},
        {"userId": "carl", "online": True},
    ]
    await gateways.ours.join("anna")
    came = await ben.event("presence.changed")
    assert (came["userId"], came["online"]) == ("anna", True)
    await carl.leave()
    went = await ben.event("presence.changed", 2)
    assert (went["userId"], went["online"]) == ("carl", False)
