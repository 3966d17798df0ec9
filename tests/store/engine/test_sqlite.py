import asyncio
import resource
import threading
from pathlib import Path

import pytest

from chatd.store.engine.migrating import SchemaError
from chatd.store.engine.sqlite import READERS, open_store
from chatd.store.messages import RemoveMessage
from chatd.store.transaction import SqlValue, Transaction
from tests.store.shelf import shelf_at
from tests.support.house import HandClock

pytestmark = pytest.mark.engines("sqlite")


async def test_durable_unless_told_otherwise(tmp_path: Path) -> None:
    """A power cut would take acknowledged messages."""
    for unsafe, level in ((False, 2), (True, 1)):
        store = open_store(
            tmp_path / f"{level}.sqlite3",
            clock=HandClock(),
            on_committed=lambda _: None,
            unsafe_durability=unsafe,
        )
        execute = store._writer._connection.execute
        assert execute("PRAGMA synchronous").fetchone() == (level,)
        assert execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert execute("PRAGMA secure_delete").fetchone() == (1,)
        assert execute("PRAGMA foreign_keys").fetchone() == (1,)
        await store.close()


async def test_without_descriptors_everything_goes_on(tmp_path: Path) -> None:
    """A crowd of strangers at the door would keep members from talking (row 28)."""
    async with shelf_at(tmp_path / "chat.sqlite3") as shelf:
        await shelf.people("ada")
        await shelf.talk("talk", "ada")
        everybody = threading.Barrier(READERS)
        most = resource.getrlimit(resource.RLIMIT_NOFILE)
        # What is open stays open, and nothing else can be opened.
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, most[1]))
        try:
            _, seq = await shelf.say("ada")
            reads = [shelf.store.read(together, everybody) for _ in range(READERS)]
            assert await asyncio.gather(*reads) == [seq] * READERS
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, most)


async def together(tx: Transaction, everybody: threading.Barrier) -> SqlValue:
    """The newest position, when all readers have begun."""
    everybody.wait(30)
    row = await tx.one("SELECT max(seq) FROM log")
    assert row is not None
    return row[0]


def test_a_place_without_durability_is_refused(tmp_path: Path) -> None:
    """A server on a database that cannot keep its promise would start all the same."""
    file = tmp_path / "?"
    file.mkdir()
    with pytest.raises(SchemaError):
        open_store(file, clock=HandClock(), on_committed=lambda _: None)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """Somebody's other file would be written over, or the reason would be hidden."""
    path = tmp_path / "chat.sqlite3"
    path.write_text("Dear diary, " * 1_000)
    with pytest.raises(SchemaError, match=r"chat\.sqlite3"):
        open_store(path, clock=HandClock(), on_committed=lambda _: None)
    assert path.read_text() == "Dear diary, " * 1_000


async def test_the_epoch_stays_with_the_file(tmp_path: Path) -> None:
    """Clients would throw away what they have at every restart, or never."""
    epochs = []
    for name in ("a", "a", "b"):
        async with shelf_at(tmp_path / f"{name}.sqlite3") as shelf:
            epochs.append(shelf.store.epoch)
    assert epochs[0] == epochs[1] != epochs[2] != ""


async def test_what_is_removed_is_gone_from_the_file(tmp_path: Path) -> None:
    """A removed message could be read from the disk for ever."""
    path = tmp_path / "chat.sqlite3"
    async with shelf_at(path) as shelf:
        await shelf.people("ada")
        await shelf.talk("talk", "ada")
        id_, _ = await shelf.say("ada", "an unmistakable secret")
        await shelf.say("ada", "something that stays")
        await shelf.write(RemoveMessage(id_, "talk", "ada", None, "author"))
    left = b"".join(file.read_bytes() for file in (path, *with_log(path)))
    assert b"something that stays" in left
    assert b"unmistakable" not in left


def with_log(path: Path) -> list[Path]:
    """What SQLite keeps beside the file."""
    return list(path.parent.glob(f"{path.name}-*"))
