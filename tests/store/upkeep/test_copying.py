"""If these fail, a copy of a database is none, or one in use is replaced."""

import asyncio
import os
from pathlib import Path

import apsw
import pytest

from chatd.store.engine.migrating import SchemaError
from chatd.store.upkeep.copying import (
    CopyError,
    begin_epoch,
    copy,
    ledger,
    replace,
    verify,
)
from tests.store.invariants import check
from tests.store.shelf import Shelf, shelf_at
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engines("sqlite")


def rows(path: Path) -> int:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    ((count,),) = connection.execute("SELECT count(*) FROM message")
    connection.close()
    return int(count)


async def test_a_copy_of_a_busy_database_is_of_one_moment(shelf: Shelf) -> None:
    """A backup taken in school hours would have half of a deed, or never end."""
    target, stop = shelf.path.with_name("copy"), asyncio.Event()
    before = rows(shelf.path)

    async def chatter() -> None:
        while not stop.is_set():
            await asyncio.gather(*(shelf.say("ada", "x" * 500) for _ in range(20)))

    talking = asyncio.create_task(chatter())
    await wait_until(lambda: rows(shelf.path) > before)
    await asyncio.to_thread(copy, shelf.path, target)
    stop.set()
    await talking
    check(target)
    assert before < rows(target) <= rows(shelf.path)
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in target.parent.glob("copy*")) == ["copy"]


async def test_a_copy_is_never_written_over(shelf: Shelf, tmp_path: Path) -> None:
    """The only good backup would be replaced by a bad one."""
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        copy(shelf.path, target)
    assert target.read_bytes() == b"precious"


def test_there_is_nothing_to_copy(tmp_path: Path) -> None:
    """A mistyped folder would give an empty backup that looks good."""
    with pytest.raises(CopyError, match="there is no database"):
        copy(tmp_path / "x", tmp_path / "y")
    assert list(tmp_path.iterdir()) == []


async def test_damage_is_found(shelf: Shelf) -> None:
    """A backup would turn out to be unusable on the day that it is needed."""
    for _ in range(50):
        await shelf.say("ada", "x" * 1000)
    whole = shelf.path.with_name("whole")
    copy(shelf.path, whole)
    verify(whole)
    with whole.open("r+b") as file:
        file.seek(whole.stat().st_size // 2)
        file.write(os.urandom(20_000))
    with pytest.raises(CopyError):
        verify(whole)
    with pytest.raises(CopyError):
        copy(whole, shelf.path.with_name("copy"))


def test_a_ledger_of_nothing(tmp_path: Path) -> None:
    """Erasures that cannot be read would be taken for none."""
    path = tmp_path / "x"
    path.write_bytes(b"not a database" * 500)
    with pytest.raises(SchemaError):
        ledger(path)


async def test_a_database_in_use_is_not_replaced(shelf: Shelf, tmp_path: Path) -> None:
    """A running server would go on writing into a file that nobody finds again."""
    await shelf.say("ada")
    other = tmp_path / "other"
    copy(shelf.path, other)
    inode = shelf.path.stat().st_ino
    with pytest.raises(CopyError, match="in use: stop the server"):
        replace(shelf.path, other, tmp_path / "aside")
    assert shelf.path.stat().st_ino == inode
    assert not (tmp_path / "aside").exists()
    await shelf.say("ada", "still alive")


async def test_a_reader_is_in_use_too(shelf: Shelf, tmp_path: Path) -> None:
    """Replacing would pull the file from under a program that looks at it."""
    copy(shelf.path, tmp_path / "other")
    await shelf.store.close()
    reader = apsw.Connection(str(shelf.path), flags=apsw.SQLITE_OPEN_READONLY)
    reader.execute("BEGIN; SELECT count(*) FROM message").fetchall()
    with pytest.raises(CopyError, match="in use"):
        replace(shelf.path, tmp_path / "other", tmp_path / "aside")
    reader.close()
    replace(shelf.path, tmp_path / "other", tmp_path / "aside")
    async with shelf_at(shelf.path) as again:
        assert await again.store.ready()


async def test_the_old_one_is_kept_whole(shelf: Shelf, tmp_path: Path) -> None:
    """After a restore by mistake there would be no way back."""
    copy(shelf.path, tmp_path / "other")
    for _ in range(3):
        await shelf.say("ada")
    await shelf.store.close()
    replace(shelf.path, tmp_path / "other", tmp_path / "aside")
    assert (rows(shelf.path), rows(tmp_path / "aside")) == (0, 3)
    check(tmp_path / "aside")


async def test_a_new_epoch_is_another_database(shelf: Shelf) -> None:
    """Clients would take the positions of another history for this one's."""
    await shelf.store.close()
    begin_epoch(shelf.path, "another")
    async with shelf_at(shelf.path) as again:
        assert again.store.epoch == "another" != shelf.store.epoch


async def test_a_damaged_one_can_be_replaced(shelf: Shelf, tmp_path: Path) -> None:
    """The one database that needs a restore most would refuse it."""
    copy(shelf.path, tmp_path / "other")
    await shelf.store.close()
    shelf.path.write_bytes(b"rubbish" * 1000)
    replace(shelf.path, tmp_path / "other", tmp_path / "aside")
    assert rows(shelf.path) == 0
