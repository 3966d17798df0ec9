"""Two releases at once, as in every rolling update: this one, and one that comes next.

The next one is a copy of this code with one more migration, and a field more in what
gateways tell each other.
"""

import shutil
from functools import partial
from pathlib import Path
from typing import Final

import httpx2
import pytest

from chatd.store.engine.migrating import COMPATIBLE_WITH, load
from tests.faults.talk import UNBOUND, Talk
from tests.support.deployments import Shared
from tests.support.server import ROOT, Server
from tests.support.waiting import wait_until

NEWEST: Final = len(load("postgres"))

MIGRATION: Final = """
ALTER TABLE message ADD COLUMN mood TEXT;
ALTER TABLE conversation ADD COLUMN moods BIGINT NOT NULL DEFAULT 0;
CREATE TABLE mood (tenant TEXT NOT NULL, name TEXT NOT NULL);
"""

NUMBER: Final = "COMPATIBLE_WITH: Final = "
LAST_FIELD: Final = "    origin: str | None = None\n\n\nclass _PersonalMoved"


def next_release(folder: Path, *, compatible_with: int) -> Path:
    """The folder that it runs in."""
    shutil.copytree(ROOT / "chatd", folder / "chatd")
    steps = folder / "chatd" / "store" / "migrations" / "postgres"
    (steps / f"{NEWEST + 1:04}_moods.sql").write_text(MIGRATION)
    replace(
        folder / "chatd" / "store" / "engine" / "migrating.py",
        f"{NUMBER}{COMPATIBLE_WITH}\n",
        f"{NUMBER}{compatible_with}\n",
    )
    replace(
        folder / "chatd" / "bus" / "redis" / "envelopes.py",
        LAST_FIELD,
        LAST_FIELD.replace("\n", '\n    mood: str = "gay"\n', 1),
    )
    return folder


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def gateway(folder: Path, shared: Shared, release: Path = ROOT) -> Server:
    # Python takes the package of the folder that it is started in before all others.
    return Server(
        folder,
        ("--demo", "--drain-notice", "0", *shared.arguments, *UNBOUND),
        prefix=("env", "-C", str(release)),
    )


async def has_schema(server: Server, fits: bool) -> bool:
    async with httpx2.AsyncClient() as http:
        answer = await http.get(f"{server.url}/readyz")
    return bool(answer.json()["checks"]["schema"]) == fits


async def metrics(server: Server, name: str) -> list[str]:
    async with httpx2.AsyncClient() as http:
        lines = (await http.get(f"{server.url}/metrics")).text.splitlines()
    return [line for line in lines if line.startswith(name)]


async def newest_schema(server: Server) -> int:
    (line,) = await metrics(server, "chatd_build_info")
    return int(line.partition('schema="')[2].partition('"')[0])


async def test_both_serve_side_by_side(shared: Shared, tmp_path: Path) -> None:
    """A rolling update would be an outage for whoever is still at an old gateway."""
    release = next_release(tmp_path / "next", compatible_with=NEWEST)
    old = gateway(tmp_path / "old", shared)
    new = gateway(tmp_path / "new", shared, release)
    await old.start()
    try:
        async with Talk() as talk:
            await talk.join(old.url, "anna")
            await talk.start("anna", "s001", "s002")
            await talk.say("anna")
            await new.start()
            assert await newest_schema(new) == NEWEST + 1
            await talk.join(new.url, "s001")
            for _ in range(5):
                await talk.say("anna")
                await talk.say("s001")
            # A step back: the old release starts on what the new one has migrated.
            await old.kill()
            await old.start()
            assert await newest_schema(old) == NEWEST
            assert await has_schema(old, True)
            await talk.join(old.url, "s002")
            for device in ("anna", "s001", "s002"):
                await talk.say(device)
            await talk.settle()
            talk.check()
        for server in (old, new):
            assert await metrics(server, "chatd_bus_dropped_total{") == []
    finally:
        await old.stop()
        await new.stop()


async def test_one_that_the_old_cannot_work_with(
    shared: Shared, tmp_path: Path
) -> None:
    """An old gateway would go on writing into a database that it misreads."""
    release = next_release(tmp_path / "next", compatible_with=NEWEST + 1)
    old = gateway(tmp_path / "old", shared)
    new = gateway(tmp_path / "new", shared, release)
    await old.start()
    try:
        assert await has_schema(old, True)
        await new.start()
        await wait_until(partial(has_schema, old, False), 15, "the old one is unready")
        again = gateway(tmp_path / "old", shared)
        with pytest.raises(AssertionError, match="made by a newer chatd"):
            await again.start()
    finally:
        await old.stop()
        await new.stop()
