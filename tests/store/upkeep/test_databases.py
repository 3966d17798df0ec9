"""If these fail, a backup of one of the engines cannot be taken or put back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.clock import SystemClock
from chatd.store.engine.opening import open_store
from chatd.store.upkeep.copying import CopyError
from chatd.store.upkeep.databases import COPIED_AS, database_at
from tests.support.postgres import PostgresServer


@pytest.fixture(params=sorted(COPIED_AS))
def server(request: pytest.FixtureRequest) -> PostgresServer | None:
    """Started for the first test that needs it, and not on its loop's time."""
    if request.param == "sqlite":
        return None
    found = request.getfixturevalue("postgres")
    assert isinstance(found, PostgresServer)
    return found


@pytest.fixture
async def url(server: PostgresServer | None, tmp_path: Path) -> AsyncIterator[str]:
    """Where a database of each engine can be."""
    if server is None:
        yield f"sqlite:///{tmp_path / 'chat.sqlite3'}"
        return
    name = await server.create()
    yield server.url(name)
    await server.drop(name)


async def epoch_at(url: str) -> str:
    store = await open_store(url, clock=SystemClock(), on_committed=lambda _: None)
    await store.close()
    return store.epoch


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def nothing(_url: str) -> None:
    pass


async def test_there_and_back(url: str, tmp_path: Path) -> None:
    """A database would come back as another one, or as the same as before."""
    database, copy = database_at(url), tmp_path / "copy"
    assert await database.ledger() is None
    epoch = await epoch_at(url)
    found = await database.copy(copy)
    assert (found.epoch, found.schema, found.usable) == (epoch, found.known, True)
    assert await database.ledger() == []
    renewed: list[str] = []

    async def renew(at: str) -> None:
        renewed.append(await epoch_at(at))

    aside = await database.put_back(copy, "20261121T080000.000Z", "e-2", renew)
    assert renewed == [epoch]
    assert await epoch_at(url) == "e-2"
    assert aside is not None
    assert "20261121" in aside


async def test_onto_nothing(url: str, tmp_path: Path) -> None:
    """A new machine could not be given the backup of the old one."""
    database, copy = database_at(url), tmp_path / "copy"
    await epoch_at(url)
    await database.copy(copy)
    path = tmp_path / "chat.sqlite3"
    path.unlink(missing_ok=True)
    await database.put_back(copy, "now", "e-2", nothing)
    assert await epoch_at(url) == "e-2"


async def test_what_cannot_be_renewed_changes_nothing(url: str, tmp_path: Path) -> None:
    """Text that was erased would be back because something else went wrong."""
    database, copy = database_at(url), tmp_path / "copy"
    epoch = await epoch_at(url)
    await database.copy(copy)
    before = names(tmp_path)

    async def fail(_url: str) -> None:
        raise CopyError("the ledger has something else")

    with pytest.raises(CopyError, match="something else"):
        await database.put_back(copy, "now", "e-2", fail)
    assert await epoch_at(url) == epoch
    assert names(tmp_path) == before


async def test_one_that_is_open_elsewhere(url: str, tmp_path: Path) -> None:
    """A running server would lose its database under its feet."""
    database, copy = database_at(url), tmp_path / "copy"
    await epoch_at(url)
    await database.copy(copy)
    store = await open_store(url, clock=SystemClock(), on_committed=lambda _: None)
    assert await store.ready()
    with pytest.raises(CopyError, match="stop the server"):
        await database.put_back(copy, "now", "e-2", nothing)
    assert await store.ready()
    await store.close()
