"""Killing the server at random moments: nothing acknowledged is lost, nothing doubled.

Eight clients send without pause and repeat what was not answered, under the same id.
`--kills 100` is the full proof; the default keeps the run short.
"""

import asyncio
import random
from functools import partial
from pathlib import Path

import apsw
import httpx2
import pytest

from chatd_client import ChatOptions
from tests.faults.talk import UNBOUND, Talk
from tests.support.server import Server
from tests.support.tokens import token
from tests.support.waiting import wait_until

SENDERS = tuple(f"s{number:03}" for number in range(1, 9))
LIFE_S_MAX = 1.0
PROGRESS = 8
"""Messages that each life of the server must answer before its end is drawn."""


async def kill_again_and_again(server: Server, talk: Talk, kills: int) -> None:
    """Each life of the server answers something, and then ends at any moment."""
    seed = random.randrange(2**32)
    print(f"moments drawn from seed {seed}")
    moments = random.Random(seed)
    for _ in range(kills):
        enough = talk.answered + PROGRESS
        await wait_until(partial(talk.has_answers, enough), 60, "answers")
        await asyncio.sleep(moments.uniform(0, LIFE_S_MAX))
        await server.kill()
        await server.start()


@pytest.mark.timeout(1800)
async def test_nothing_answered_is_lost(tmp_path: Path, kills: int) -> None:
    """An acknowledged message could vanish, double or leave a hole at a crash."""
    server = Server(tmp_path / "data", ["--demo", *UNBOUND])
    await server.start()
    try:
        # They come back within 0.3 s, so that a kill finds them sending.
        async with Talk(ChatOptions(draw=lambda: 0.01)) as talk:
            for user in ("anna", *SENDERS):
                await talk.join(server.url, user)
            await talk.start("anna", *SENDERS)
            async with asyncio.TaskGroup() as sending:
                for user in SENDERS:
                    sending.create_task(talk.keep_sending(user))
                await kill_again_and_again(server, talk, kills)
                talk.over = True
            await talk.settle(30)
    finally:
        await server.stop()
    assert talk.answered > kills * PROGRESS
    talk.check()
    check_file(tmp_path / "data" / "chatd.sqlite3")


async def test_a_mass_message_goes_on_after_a_kill(tmp_path: Path) -> None:
    """Half a school would never get it, or get it twice."""
    server = Server(tmp_path / "data", ["--demo"])
    await server.start()
    try:
        async with httpx2.AsyncClient() as http:
            sent = await send_to_everybody(server, http)
            found = await mass_message(server, http, after=0, deadline_s=30)
            assert found["state"] == "delivering", "it was over before the kill"
            await server.kill()
            await server.start()
            found = await mass_message(server, http, after=402, deadline_s=60)
    finally:
        await server.stop()
    assert (found["total"], found["delivered"], found["refused"]) == (403, 403, 0)
    file = tmp_path / "data" / "chatd.sqlite3"
    connection = apsw.Connection(str(file))
    ((stays, people),) = connection.execute(
        "SELECT count(*), count(DISTINCT user_id) FROM membership"
        " WHERE conversation_id = ? AND left_seq IS NULL",
        (sent["id"],),
    ).fetchall()
    connection.close()
    assert (stays, people) == (404, 404)  # and the sender
    check_file(file)


async def send_to_everybody(server: Server, http: httpx2.AsyncClient) -> dict:
    """Anna may, and sends at once to all of the demo's people."""

    async def tell(method: str, path: str, scope: str | None, body: dict) -> dict:
        user = "anna" if scope is None else "lms"
        headers = {"Authorization": f"Bearer {token(user, scope=scope)}"}
        url = f"{server.url}/v1/{path}"
        answer = await http.request(method, url, headers=headers, json=body)
        assert answer.is_success, answer.text
        found: dict = answer.json()
        return found

    mass = {"privileges": ["massMessaging"], "undoS": 0}
    await tell("PUT", "tenants/demo/policy", "admin", {"policy": {"mass": mass}})
    may = {"name": "Anna", "roles": ["teacher"], "privileges": ["massMessaging"]}
    await tell("PUT", "users/anna", "directory", may)
    message = {"message": {"text": "Snow"}, "clientRequestId": "snow"}
    return await tell("POST", "mass-messages", None, message)


async def mass_message(
    server: Server, http: httpx2.AsyncClient, *, after: int, deadline_s: float
) -> dict:
    """The mass message, once more people than that have it."""
    headers = {"Authorization": f"Bearer {token('anna')}"}
    async with asyncio.timeout(deadline_s):
        while True:
            answer = await http.get(f"{server.url}/v1/mass-messages", headers=headers)
            assert answer.is_success, answer.text
            found: dict = answer.json()["massMessages"][0]
            if found["delivered"] > after:
                return found
            await asyncio.sleep(0.04)


def check_file(file: Path) -> None:
    """The database is sound by SQLite's own account."""
    connection = apsw.Connection(str(file))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
