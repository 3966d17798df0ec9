"""If these fail, a backup is none when it is needed, or brings back too much."""

import asyncio
import json
from pathlib import Path

import pytest

from chatd.config import Config
from chatd.operating import copies
from chatd.operating.copies import MANIFEST, read, read_ledger, restore, take
from chatd.store import messages
from chatd.store.messages import RemoveMessage
from chatd.store.upkeep.copying import CopyError
from tests.store.shelf import TENANT, shelf_at
from tests.support.house import HandClock

CLOCK = HandClock()
DATABASE = "database.sqlite3"


def config(folder: Path) -> Config:
    return Config(data_dir=folder / "data")


async def term(folder: Path) -> tuple[str, str]:
    """A message that stays, and one that is removed after the backup."""
    settings = config(folder)
    settings.data_dir.mkdir()
    async with shelf_at(settings.data_dir / "chatd.sqlite3") as shelf:
        await shelf.people("ada")
        await shelf.talk("talk", "ada")
        stays, _ = await shelf.say("ada", "this may stay")
        gone, _ = await shelf.say("ada", "an unmistakable secret")
        await asyncio.to_thread(take, settings, CLOCK, folder / "backup")
        await shelf.write(RemoveMessage(gone, "talk", "ada", None, "author"))
        await shelf.say("ada", "too late for the backup")
    return stays, gone


async def texts(folder: Path, *ids: str) -> list[str | None]:
    async with shelf_at(config(folder).data_dir / "chatd.sqlite3") as shelf:
        found = [await shelf.store.read(messages.by_id, TENANT, id_) for id_ in ids]
    return [one.text if one else "nothing" for one in found]


async def epoch(folder: Path) -> str:
    async with shelf_at(config(folder).data_dir / "chatd.sqlite3") as shelf:
        return shelf.store.epoch


@pytest.fixture
async def school(tmp_path: Path) -> tuple[Path, str, str]:
    return tmp_path, *await term(tmp_path)


async def test_there_and_back(school: tuple[Path, str, str]) -> None:
    """A school would lose its messages, or get back what it had removed."""
    folder, stays, gone = school
    before = await epoch(folder)
    done = await asyncio.to_thread(restore, config(folder), CLOCK, folder / "backup")
    assert await texts(folder, stays, gone) == ["this may stay", None]
    assert (done.erased, done.ledger_known) == (1, True)
    assert done.epoch == await epoch(folder) != before
    assert done.aside is not None
    names = {str(one) for one in config(folder).data_dir.iterdir()}
    assert names == {str(config(folder).data_dir / "chatd.sqlite3"), done.aside}


async def test_files_come_along(school: tuple[Path, str, str]) -> None:
    """Messages would be back without the homework that was sent with them."""
    folder, _, _ = school
    file = config(folder).data_dir / "attachments" / "ab" / "blob"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"homework")
    await asyncio.to_thread(take, config(folder), CLOCK, folder / "second")
    file.unlink()
    await asyncio.to_thread(restore, config(folder), CLOCK, folder / "second")
    assert file.read_bytes() == b"homework"


async def test_onto_a_new_machine(school: tuple[Path, str, str]) -> None:
    """After a fire there would be backups and no way to use them."""
    folder, stays, gone = school
    ledger = folder / "erasures"
    assert await asyncio.to_thread(copies.write_ledger, config(folder), ledger) == 1
    (config(folder).data_dir / "chatd.sqlite3").unlink()
    done = await asyncio.to_thread(
        restore, config(folder), CLOCK, folder / "backup", ledgers=[ledger]
    )
    assert (done.erased, done.ledger_known, done.aside) == (1, True, None)
    assert await texts(folder, stays, gone) == ["this may stay", None]


async def test_erasures_that_nobody_knows_are_said(
    school: tuple[Path, str, str],
) -> None:
    """Removed messages would be back, and nobody would know."""
    folder, _, gone = school
    database = config(folder).data_dir / "chatd.sqlite3"
    database.write_bytes(b"burnt" * 1000)
    with pytest.raises(CopyError, match="--forget-erasures"):
        await asyncio.to_thread(restore, config(folder), CLOCK, folder / "backup")
    assert database.read_bytes() == b"burnt" * 1000
    done = await asyncio.to_thread(
        restore, config(folder), CLOCK, folder / "backup", forget=True
    )
    assert (done.erased, done.ledger_known) == (0, False)
    assert await texts(folder, gone) == ["an unmistakable secret"]


async def test_what_is_no_whole_backup(school: tuple[Path, str, str]) -> None:
    """A transfer that broke off would replace a good database by half of one."""
    folder, stays, _ = school
    backup = folder / "backup"
    copy = (backup / DATABASE).read_bytes()
    (backup / DATABASE).write_bytes(copy[:-1] + bytes([copy[-1] ^ 1]))
    with pytest.raises(CopyError, match="not what the manifest says"):
        await asyncio.to_thread(restore, config(folder), CLOCK, backup)
    (backup / MANIFEST).unlink()
    with pytest.raises(CopyError, match="no whole backup"):
        read(backup)
    assert await texts(folder, stays) == ["this may stay"]


async def test_a_backup_says_what_it_is(school: tuple[Path, str, str]) -> None:
    """Of ten folders nobody could tell which one to restore."""
    folder, _, _ = school
    said = json.loads((folder / "backup" / MANIFEST).read_bytes())
    assert said["engine"] == "sqlite"
    assert said["epoch"] == await epoch(folder)
    assert said["takenAt"].startswith("20")
    assert said["size"] == (folder / "backup" / DATABASE).stat().st_size
    for path in (folder / "backup").iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_a_failed_backup_leaves_nothing(tmp_path: Path) -> None:
    """A folder that looks like a backup would be trusted."""
    with pytest.raises(CopyError):
        take(config(tmp_path), CLOCK, tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_ledger(tmp_path: Path) -> None:
    """A wrong file would be taken for an empty ledger."""
    path = tmp_path / "x"
    with pytest.raises(CopyError):
        read_ledger(path)
    path.write_text("a letter home\n")
    with pytest.raises(CopyError):
        read_ledger(path)
