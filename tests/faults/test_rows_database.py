"""Row 8: PostgreSQL dies, comes back, or says nothing for a while."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest

from chatd_client import Refused
from tests.faults.talk import Talk
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.server import serving
from tests.support.waiting import wait_until

FAST_S = 10.0
"""Until a sender is told: two seconds of the store's, and the rest of the way, on a
machine that has other things to do. The database is away for longer."""


@pytest.fixture
def database_server() -> Iterator[PostgresServer]:
    """One that nobody else needs."""
    with postgres_server() as server:
        yield server


async def is_ready(url: str) -> bool:
    async with httpx2.AsyncClient() as http:
        return (await http.get(f"{url}/readyz")).status_code == 200


async def is_not_ready(url: str) -> bool:
    return not await is_ready(url)


async def takes(talk: Talk) -> bool:
    try:
        await talk.say("anna", f"after {talk.answered}")
    except Refused:
        return False
    return True


@pytest.mark.parametrize(
    ("ends", "returns"),
    [
        (PostgresServer.kill, PostgresServer.start),
        (PostgresServer.pause, PostgresServer.resume),
    ],
    ids=["killed", "mute"],
)
async def test_row_8_the_database_is_gone_for_a_while(
    tmp_path: Path,
    database_server: PostgresServer,
    ends: Callable[[PostgresServer], None],
    returns: Callable[[PostgresServer], None],
) -> None:
    """Senders would hang, everybody be disconnected, or the server need a restart."""
    loop = asyncio.get_running_loop()
    url = database_server.url(await database_server.create())
    async with (
        serving(tmp_path / "data", "--demo", "--database-url", url) as server,
        Talk() as talk,
    ):
        anna = await talk.join(server.url, "anna")
        await talk.join(server.url, "s001")
        await talk.start("anna", "s001", "s002")
        await talk.say("anna", "before")
        await asyncio.to_thread(ends, database_server)
        began_s = loop.time()
        with pytest.raises(Refused, match="storage_unavailable"):
            await talk.say("anna", "meanwhile")
        assert loop.time() - began_s < FAST_S
        await wait_until(partial(is_not_ready, server.url), what="unready")
        assert anna.connected
        await asyncio.to_thread(returns, database_server)
        await wait_until(partial(takes, talk), what="a send")
        await wait_until(partial(is_ready, server.url), what="ready")
        assert anna.connected
        await talk.settle()
        talk.check()
