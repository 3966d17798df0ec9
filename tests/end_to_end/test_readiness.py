"""What a server depends on goes, and `/readyz` says exactly that.

Nothing of it may need a restart: what comes back is noticed within a second.
"""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import httpx2
import pytest

from tests.support.server import Server, serving
from tests.support.volumes import on_volume, seen_by
from tests.support.waiting import wait_until

WELL = {"serving": True, "store": True, "schema": True, "disk": True}


async def checks(server: Server) -> dict[str, bool]:
    """What is said; and that the status says the same."""
    async with httpx2.AsyncClient() as http:
        answer = await http.get(f"{server.url}/readyz")
        # Being unready is no reason to be killed.
        assert (await http.get(f"{server.url}/livez")).status_code == 200
    said: dict[str, bool] = answer.json()["checks"]
    assert (answer.status_code == 200) == all(said.values())
    return {name: said[name] for name in WELL}


async def become(server: Server, **changes: bool) -> None:
    async def so() -> bool:
        return await checks(server) == WELL | changes

    await wait_until(so, what=f"{WELL | changes}")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as running:
        await become(running)
        yield running


def set_meta(server: Server, name: str, value: str) -> str:
    """Another value, as another release or another file would have; the one before."""
    connection = apsw.Connection(str(server.data_dir / "chatd.sqlite3"))
    ((old,),) = connection.execute("SELECT value FROM meta WHERE name = ?1", (name,))
    connection.execute("UPDATE meta SET value = ?2 WHERE name = ?1", (name, value))
    connection.close()
    return str(old)


@pytest.mark.parametrize(
    ("name", "value"), [("epoch", "another"), ("compatible_with", "999")]
)
async def test_the_database_moved_on(server: Server, name: str, value: str) -> None:
    """After a migration or a restore behind its back a server would do harm."""
    old = set_meta(server, name, value)
    await become(server, schema=False)
    set_meta(server, name, old)
    await become(server)


async def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    """Senders would find out before the balancer does."""
    running = Server(tmp_path, prefix=on_volume(tmp_path, "4m"))
    await running.start()
    try:
        await become(running)
        disk = seen_by(running.pid, tmp_path)
        filler = disk / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(disk).free - 100_000))
        await become(running, disk=False)
        filler.unlink()
        await become(running)
    finally:
        await running.stop()
