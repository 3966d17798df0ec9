"""If these fail, what was removed can be read from the disk of a running server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from chatd.store.engine import scrubbing
from chatd.store.engine.scrubbing import cut
from chatd.store.messages import EditMessage, RemoveMessage
from chatd.store.saying.held import DropHeld, HoldMessage
from tests.store.shelf import Shelf, said, shelf_at
from tests.support.counted import value
from tests.support.waiting import wait_until

SECRET = b"an unmistakable secret"


@pytest.fixture
async def quick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shelf]:
    """A store that scrubs after 50 ms."""
    monkeypatch.setattr(scrubbing, "DELAY_S", 0.05)
    async with shelf_at(tmp_path / "chat.sqlite3") as shelf:
        await shelf.people("ada")
        await shelf.talk("talk", "ada")
        yield shelf


def on_disk(shelf: Shelf, text: bytes = SECRET) -> list[str]:
    """Which files hold these bytes; every byte of every file is looked at."""
    files = [shelf.path, *shelf.path.parent.glob(f"{shelf.path.name}-*")]
    return [file.name for file in files if text in file.read_bytes()]


async def long(shelf: Shelf, size: int = 0) -> str:
    """A message of the secret, and as much again of something that stays."""
    id_, _ = await shelf.say("ada", SECRET.decode() + "x" * size)
    await shelf.say("ada", "something that stays")
    return id_


def gone(id_: str) -> RemoveMessage:
    return RemoveMessage(id_, "talk", "ada", None, "author")


@pytest.mark.parametrize("size", [0, 40_000])
async def test_what_is_removed_leaves_every_file(quick: Shelf, size: int) -> None:
    """A removed message could be read from the disk, and be copied into backups."""
    id_ = await long(quick, size)
    assert on_disk(quick)
    await quick.write(gone(id_))
    await wait_until(lambda: not on_disk(quick))
    assert on_disk(quick, b"something that stays")
    assert (await quick.say("ada"))[1] > 0


async def test_what_an_edit_replaced_too(quick: Shelf) -> None:
    """What somebody took back by an edit would stay on the disk."""
    id_ = await long(quick)
    await quick.write(EditMessage(id_, "talk", "ada", "better", None, None))
    await wait_until(lambda: not on_disk(quick))
    assert on_disk(quick, b"better")


async def test_what_waited_for_a_moderator_too(quick: Shelf) -> None:
    """What its author took back before it was ever said would stay on the disk."""
    message = said("ada", SECRET.decode())
    await quick.write(HoldMessage(message, ("phone",)))
    assert on_disk(quick)
    await quick.write(DropHeld(message.id, "talk", "ada", files=True))
    await wait_until(lambda: not on_disk(quick))


async def test_while_others_write(quick: Shelf) -> None:
    """On a busy day nothing would ever leave the disk."""
    id_, busy = await long(quick), asyncio.Event()

    async def chatter() -> None:
        while not busy.is_set():
            await quick.say("ada", "chatter")

    talking = asyncio.create_task(chatter())
    await quick.write(gone(id_))
    await wait_until(lambda: not on_disk(quick))
    busy.set()
    await talking


async def test_a_reader_is_waited_for_and_holds_nobody_up(quick: Shelf) -> None:
    """Somebody who looks at the file would stop the school, or keep secrets alive."""
    id_ = await long(quick)
    reader = apsw.Connection(str(quick.path), flags=apsw.SQLITE_OPEN_READONLY)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM message").fetchall()
    pending = value("chatd_purge_pending")
    scrubbed = value("chatd_purge_lag_seconds_count")
    await quick.write(gone(id_))
    assert value("chatd_purge_pending") == pending + 1
    for _ in range(20):
        async with asyncio.timeout(60):
            await quick.say("ada", "meanwhile")
        await asyncio.sleep(0.01)
    assert on_disk(quick)
    assert value("chatd_purge_pending") == pending + 1
    reader.execute("ROLLBACK")
    reader.close()
    await wait_until(lambda: value("chatd_purge_pending") == pending)
    assert not on_disk(quick)
    assert value("chatd_purge_lag_seconds_count") == scrubbed + 1


async def test_a_crash_leaves_nothing_for_long(tmp_path: Path) -> None:
    """What was removed just before a crash would stay until the next removal."""
    path = tmp_path / "chat.sqlite3"
    async with shelf_at(path) as shelf:
        await shelf.people("ada")
        await shelf.talk("talk", "ada")
        id_ = await long(shelf)
        await shelf.write(gone(id_))
        # As after a crash: the file and its log, and nobody who has them open.
        files = [path, path.with_name(f"{path.name}-wal")]
        left = tmp_path / "left"
        left.mkdir()
        for file in files:
            (left / file.name).write_bytes(file.read_bytes())
    async with shelf_at(left / path.name) as again:
        assert not on_disk(again)
        assert on_disk(again, b"something that stays")


def test_what_is_no_database(tmp_path: Path) -> None:
    """A disk that fails would end the thread, and nothing be tried again."""
    path = tmp_path / "x"
    path.write_bytes(b"rubbish" * 1000)
    assert cut(path) is False
