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

from chatd.clock import SystemClock
from chatd.domain.people import Details
from chatd.store.change import Change, Write
from chatd.store.engine.opening import open_store
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember
from chatd.store.tenants import PutPolicy, PutTenant
from chatd_client import ChatOptions
from tests.faults.talk import UNBOUND, Talk
from tests.support.server import Server
from tests.support.tokens import token
from tests.support.waiting import wait_until

SENDERS = tuple(f"s{number:03}" for number in range(1, 9))
ANNA = {"Authorization": f"Bearer {token('anna')}"}
LARGE = 2_000
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
            await talk.settle()
    finally:
        await server.stop()
    assert talk.answered > kills * PROGRESS
    talk.check()
    check_file(tmp_path / "data" / "chatd.sqlite3")


async def test_a_mass_message_goes_on_after_a_kill(tmp_path: Path) -> None:
    """Half a school would never get it, or get it twice."""
    file = tmp_path / "data" / "chatd.sqlite3"
    await a_large_unit(file)
    # Each part takes a while, so that the kill comes between two on any machine.
    faults = tmp_path / "faults"
    faults.write_text("after_begin=sleep(0.3)\n")
    variables = {"CHATD_FAILPOINTS": f"@{faults}"}
    server = Server(tmp_path / "data", variables=variables)
    await server.start()
    try:
        async with httpx2.AsyncClient(headers=ANNA) as http:
            message = {"message": {"text": "Snow"}, "clientRequestId": "snow"}
            answer = await http.post(f"{server.url}/v1/mass-messages", json=message)
            assert answer.is_success, answer.text
            found = await mass_message(server, http, after=0, deadline_s=60)
            assert found["state"] == "delivering", "it was over before the kill"
            await server.kill()
            faults.unlink()
            await server.start()
            found = await mass_message(server, http, after=LARGE - 1, deadline_s=200)
    finally:
        await server.stop()
    assert (found["total"], found["delivered"], found["refused"]) == (LARGE, LARGE, 0)
    connection = apsw.Connection(str(file))
    ((stays, people),) = connection.execute(
        "SELECT count(*), count(DISTINCT user_id) FROM membership"
        " WHERE conversation_id = ? AND left_seq IS NULL",
        (found["id"],),
    ).fetchall()
    connection.close()
    assert (stays, people) == (LARGE + 1, LARGE + 1)  # with the sender
    check_file(file)


async def a_large_unit(file: Path) -> None:
    """So many that a kill comes in time; anna may send to them, at once."""
    file.parent.mkdir()
    clock = SystemClock()
    store = await open_store(
        f"sqlite:///{file}", clock=clock, on_committed=lambda _: None
    )
    rules = '{"mass":{"privileges":["massMessaging"],"undoS":0}}'
    may = Details(privileges=("massMessaging",))
    writes: list[Write] = [
        PutTenant("Demo", "itslearning"),
        PutPolicy("itslearning", rules),
        PutRoster("unit", "large", "Large"),
        PutPerson("anna", "Anna", ("teacher",), details=may),
        PutRosterMember("unit", "large", "anna", "member"),
    ]
    for number in range(LARGE):
        id_ = f"p{number:05}"
        writes.append(PutPerson(id_, id_, ("student",)))
        writes.append(PutRosterMember("unit", "large", id_, "member"))
    await store.commit(Change("demo", clock.now_ms(), tuple(writes)))
    await store.close()


async def mass_message(
    server: Server, http: httpx2.AsyncClient, *, after: int, deadline_s: float
) -> dict:
    """The mass message, once more people than that have it."""
    async with asyncio.timeout(deadline_s):
        while True:
            answer = await http.get(f"{server.url}/v1/mass-messages")
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
