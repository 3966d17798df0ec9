"""A new database for each test, of either engine, and what looks into it from outside.

A test that takes the fixture `database`, directly or not, runs once on each engine. One
that is about a single engine says so: `pytestmark = pytest.mark.engines("sqlite")`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import asyncpg
import pytest

from chatd.clock import SystemClock
from chatd.store.engine.opening import POSTGRES, SQLITE
from chatd.store.engine.postgres import store as postgres_store
from tests.support.postgres import PostgresServer, postgres_server

ENGINES = ("sqlite", "postgres")
TEMPLATE = "filled"


def add_option(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine", choices=ENGINES, help="run the stores' tests on this engine only"
    )


def parametrise(metafunc: pytest.Metafunc) -> None:
    """Both engines for whoever asks for one."""
    if "engine" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("engines")
    chosen = metafunc.config.getoption("--engine")
    engines = marker.args if marker else ENGINES
    wanted = [each for each in engines if chosen in (None, each)]
    metafunc.parametrize("engine", wanted)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of this run's own; its database `filled` has the schema."""
    with postgres_server() as server:
        # Not on this thread, which has a loop of its own now and then.
        with ThreadPoolExecutor(1) as aside:
            aside.submit(lambda: asyncio.run(_fill(server))).result()
        yield server


async def _fill(server: PostgresServer) -> None:
    await server.create(name=TEMPLATE)
    store = await postgres_store.open_store(
        server.url(TEMPLATE), clock=SystemClock(), on_committed=lambda _: None
    )
    await store.close()


@pytest.fixture
def server_of(engine: str, request: pytest.FixtureRequest) -> PostgresServer | None:
    """Started for the first test that needs it, and not on its loop's time."""
    if engine == "sqlite":
        return None
    server = request.getfixturevalue("postgres")
    assert isinstance(server, PostgresServer)
    return server


@pytest.fixture
async def database(
    server_of: PostgresServer | None, tmp_path: Path
) -> AsyncIterator[str]:
    """The address of a database that nobody has written to."""
    if server_of is None:
        yield f"{SQLITE}{tmp_path / 'chat.sqlite3'}"
        return
    name = await server_of.create(TEMPLATE)
    yield server_of.url(name)
    await server_of.drop(name)


async def execute(url: str, sql: str) -> None:
    """Behind the store's back."""
    if is_postgres(url):
        link = await asyncpg.connect(url)
        try:
            await link.execute(sql)
        finally:
            await link.close()
    else:
        connection = apsw.Connection(str(path_of(url)))
        connection.execute(sql)
        connection.close()


def path_of(url: str) -> Path:
    """The file of an SQLite database."""
    assert url.startswith(SQLITE)
    return Path(url.removeprefix(SQLITE))


def url_of(where: Path | str) -> str:
    """The address of a database, given as such or as a file."""
    return f"{SQLITE}{where}" if isinstance(where, Path) else where


def is_postgres(url: str) -> bool:
    return url.startswith(POSTGRES)
