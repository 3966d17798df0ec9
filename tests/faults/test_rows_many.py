"""Rows 4, 5, 8, 10, 11 and 23 where gateways are two, on PostgreSQL with Redis."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import asyncpg
import httpx2
import pytest

from chatd_client import Refused
from chatd_protocol.chat.objects import Message
from chatd_protocol.chat.requests import SendMessage
from tests.faults.deployments import Large
from tests.faults.talk import Talk
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer, redis_server
from tests.support.waiting import DEADLINE_S, wait_until

REPAIRED_S = 5.0
"""A hint that was lost costs no more than this (ARCHITECTURE, Several gateways)."""

MOVED_S = 60.0
"""Eight seconds of patience, and a few connections to close."""

PAUSE_S = 3.0
"""The fault itself: a database that is silent for longer than a commit may take."""

ANSWER_S = 10.0
"""Whoever asks while the database is away is told so within this."""


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """Started on nobody's loop."""
    with redis_server() as server:
        yield server


@pytest.fixture
async def two(
    tmp_path: Path, postgres: PostgresServer, redis: RedisServer
) -> AsyncIterator[Large]:
    """Two gateways, each with a proxy to PostgreSQL and one to Redis."""
    async with Large(tmp_path, postgres, redis, count=2) as deployment:
        yield deployment


async def talking(talk: Talk, deployment: Large) -> None:
    """Anna is on the first gateway, a student on the second."""
    first, second = deployment.gateways
    await talk.join(first.url, "anna")
    await talk.join(second.url, "s001")
    await talk.start("anna", "s001", "s002")
    await shown(talk, "s001", 1)


async def shown(talk: Talk, user: str, seq: int, within_s: float = DEADLINE_S) -> float:
    """Waits until somebody has a position; how long that took, in seconds."""
    began_s = time.monotonic()

    def has() -> bool:
        room = talk.clients[user].replica.rooms.get(talk.conversation)
        return room is not None and room.cursor >= seq

    await wait_until(has, within_s, f"{user} has {seq}")
    return time.monotonic() - began_s


async def finish(talk: Talk) -> None:
    await talk.settle()
    talk.check()


async def test_row_10_a_gateway_without_redis(two: Large) -> None:
    """Who is connected to a gateway that lost Redis would see nobody's messages."""
    async with Talk() as talk:
        await talking(talk, two)
        two.to_redis[0].blackhole()
        for _ in range(3):
            theirs = await talk.say("s001")
            assert await shown(talk, "anna", theirs.seq) < REPAIRED_S
            began_s = time.monotonic()
            own = await talk.say("anna")
            # Three seconds later Redis would be given up anyway.
            assert time.monotonic() - began_s < 2.5
            assert await shown(talk, "s001", own.seq) < REPAIRED_S
        two.to_redis[0].heal()
        await finish(talk)


async def test_row_5_redis_dies_and_returns(two: Large) -> None:
    """Without Redis nobody could send, or nobody would hear."""
    async with Talk() as talk:
        await talking(talk, two)
        await asyncio.to_thread(two.redis.kill)
        for _ in range(3):
            sent = await talk.say("anna")
            assert await shown(talk, "s001", sent.seq) < REPAIRED_S
        await asyncio.to_thread(two.redis.start)
        sent = await talk.say("anna")
        assert await shown(talk, "s001", sent.seq) < REPAIRED_S
        await finish(talk)


async def test_row_11_a_gateway_without_sql(two: Large) -> None:
    """A gateway that can store nothing would take messages, or keep its callers."""
    async with Talk() as talk, httpx2.AsyncClient(timeout=20) as http:
        await talking(talk, two)
        two.to_postgres[0].blackhole()
        began_s = time.monotonic()
        with pytest.raises(Refused) as refused:
            await talk.say("anna", "into the void")
        assert refused.value.retry == "later"
        assert time.monotonic() - began_s < ANSWER_S
        ready = f"{two.gateways[0].url}/readyz"

        async def is_unready() -> bool:
            return (await http.get(ready)).status_code == 503

        await wait_until(is_unready)
        await wait_until(partial(moves_on, talk, "anna"), MOVED_S, "anna is sent away")
        assert "clients are sent elsewhere" in two.gateways[0].log
        two.to_postgres[0].heal()
        await wait_until(partial(accepted, talk, "anna"))
        await finish(talk)


async def moves_on(talk: Talk, user: str) -> bool:
    """Others talk on; whether `user` has lost the connection meanwhile."""
    assert (await talk.say("s001")).seq
    return not talk.clients[user].connected


async def accepted(talk: Talk, user: str) -> bool:
    try:
        await talk.say(user)
    except Refused:
        return False
    return True


async def test_row_4_the_hint_is_never_sent(two: Large) -> None:
    """A message whose gateway died after the answer would wait for the next one."""
    faults = two.faults
    async with Talk() as talk:
        await talking(talk, two)
        faults.write_text("after_ack_before_publish=once(1):kill9\n")
        sent = await talk.say("anna", "the last words")
        took_s = await shown(talk, "s001", sent.seq)
        assert took_s < REPAIRED_S
        await two.gateways[0].wait_ended()
        await two.gateways[0].start()
        await finish(talk)


async def test_row_23_one_key_on_two_gateways(two: Large) -> None:
    """A client that changed the gateway in between would say it twice."""
    async with Talk() as talk:
        await talking(talk, two)
        await talk.join(two.gateways[1].url, "anna", "anna-2")
        for number in range(10):
            text = f"said once {number}"
            talk.asked(text)
            request = SendMessage(
                conversation_id=talk.conversation, client_message_id=text, text=text
            )
            answers = await asyncio.gather(
                *(
                    talk.clients[device].call(request, Message)
                    for device in ("anna", "anna-2") * 3
                )
            )
            assert len({(answer.id, answer.seq) for answer in answers}) == 1
        await finish(talk)


# ------------------------------------------------------------------ row 8


async def restart(server: PostgresServer) -> None:
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)


async def crash(server: PostgresServer) -> None:
    await asyncio.to_thread(server.stop, signal.SIGQUIT)
    await asyncio.to_thread(server.start)


async def lose_power(server: PostgresServer) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)


async def kill_a_backend(server: PostgresServer) -> None:
    """All others are ended by the server itself then."""
    link = await asyncpg.connect(server.url())
    pids = [row["pid"] for row in await link.fetch(OTHERS)]
    link.terminate()
    # One may end by itself in the meantime.
    with suppress(ProcessLookupError):
        os.kill(pids[0], signal.SIGKILL)


async def end_sessions(server: PostgresServer) -> None:
    link = await asyncpg.connect(server.url())
    await link.execute(f"SELECT pg_terminate_backend(pid) FROM ({OTHERS}) AS others")
    await link.close()


async def pause(server: PostgresServer) -> None:
    server.pause()
    await asyncio.sleep(PAUSE_S)
    server.resume()


OTHERS = (
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
    " AND pid <> pg_backend_pid()"
)
HARM: tuple[Callable[[PostgresServer], Awaitable[None]], ...] = (
    restart,
    crash,
    lose_power,
    kill_a_backend,
    end_sessions,
    pause,
)


async def test_row_8_postgresql_goes_and_returns(two: Large) -> None:
    """After a hiccup of the database somebody would have to restart every gateway."""
    async with Talk(patient=True) as talk:
        await talking(talk, two)
        connections = [one._lifeline._connection for one in talk.clients.values()]
        async with asyncio.TaskGroup() as sending:
            for user in talk.clients:
                sending.create_task(talk.keep_sending(user, 0.01))
            for harm in HARM:
                await harm(two.postgres)
                enough = talk.answered + 20
                await wait_until(partial(talk.has_answers, enough), 60, harm.__name__)
            talk.over = True
        await finish(talk)
        # Sockets are not the database's business.
        assert connections == [
            one._lifeline._connection for one in talk.clients.values()
        ]
