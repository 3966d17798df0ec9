"""If these fail, an operator is told that the audit trail is whole when it is not."""

import asyncio
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatd.cli import main
from chatd.operating.trails import kept_from, line
from chatd.store.keeping.trail import Note, Verified
from chatd.store.tenants import PutTenant
from tests.store.shelf import shelf_at
from tests.support.databases import execute

HASH = bytes(range(32))


def verify(url: str, *arguments: str) -> Result:
    given = ("audit", "verify", "--database-url", url, *arguments)
    return CliRunner().invoke(main, given)


@pytest.fixture
async def trails(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two schools with two rows each; the address of their database."""
    monkeypatch.chdir(tmp_path)
    async with shelf_at(database) as shelf:
        for tenant in ("north", "south"):
            await shelf.write(PutTenant(tenant, "itslearning"), tenant=tenant)
            for _ in range(2):
                one = Note("ada", "vault.read", "message", "m")
                await shelf.write(one, tenant=tenant)
    return database


async def test_the_first_bad_row_is_told(trails: str) -> None:
    """Tampering would be found by nobody, or nobody could say where."""
    whole = await asyncio.to_thread(verify, trails)
    assert whole.exit_code == 0, whole.output
    lines = whole.stdout.splitlines()
    assert [one.split(":")[:2] for one in lines] == [["north", "2"], ["south", "2"]]
    assert all(one.endswith(" ok") for one in lines)
    kept = [one.removesuffix(" ok") for one in lines]
    given = [word for one in kept for word in ("--kept", one)]
    assert (await asyncio.to_thread(verify, trails, *given)).exit_code == 0

    trigger = "audit_is_not_changed"
    off = (
        f"ALTER TABLE audit DISABLE TRIGGER {trigger}"
        if trails.startswith("postgres")
        else f"DROP TRIGGER {trigger}"
    )
    await execute(trails, off)
    await execute(
        trails,
        "UPDATE audit SET actor_id = 'eve' WHERE tenant = 'south' AND number = 2",
    )
    found = await asyncio.to_thread(verify, trails)
    assert found.exit_code == 1
    assert found.stdout.splitlines()[0] == lines[0]
    assert "broken at 2: the row is not as it was written" in found.stdout
    north = await asyncio.to_thread(verify, trails, "--tenant", "north")
    assert (north.exit_code, north.stdout) == (0, lines[0] + os.linesep)
    forged = f"north:1:{'00' * 32}"
    assert (await asyncio.to_thread(verify, trails, "--kept", forged)).exit_code == 1


async def test_a_tenant_that_is_gone(trails: str) -> None:
    """A whole school's trail could be removed unseen."""
    kept = f"west:3:{HASH.hex()}"
    found = await asyncio.to_thread(verify, trails, "--kept", kept)
    assert found.exit_code == 1
    assert "west:0:" in found.stdout


def test_lines_are_read_as_they_are_written() -> None:
    """What was kept could not be given back."""
    shown = line(Verified("a:b", 7, HASH))
    assert kept_from((shown.removesuffix(" ok"),)) == {"a:b": (7, HASH)}
    for wrong in ("", "a:b", "a:x:00", "a:1:zz"):
        with pytest.raises(ValueError, match="TENANT:NUMBER:HASH"):
            kept_from((wrong,))
