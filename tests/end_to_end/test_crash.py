"""Killing the server at random moments: nothing acknowledged is lost, nothing doubled.

Eight clients send without pause and repeat what was not answered, under the same id.
`--kills 100` is the full proof; the default keeps the run short.
"""

import asyncio
import random
from functools import partial
from pathlib import Path

import apsw
import pytest

from chatd_client import ChatOptions
from tests.faults.talk import UNBOUND, Talk
from tests.support.server import Server
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


def check_file(file: Path) -> None:
    """The database is sound by SQLite's own account."""
    connection = apsw.Connection(str(file))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
