import asyncio

import pytest

from chatd.store.engine.migrating import SchemaError
from chatd.store.engine.postgres.store import open_store
from tests.store.shelf import Shelf
from tests.support.house import HandClock
from tests.support.postgres import PostgresServer, postgres_server


async def opened(url: str, *, unsafe: bool = False) -> None:
    store = await open_store(
        url,
        clock=HandClock(),
        on_committed=lambda _: None,
        unsafe_durability=unsafe,
    )
    assert await store.ready()
    await store.close()


@pytest.mark.engines("postgres")
async def test_a_careless_database_is_refused(
    database: str, postgres: PostgresServer
) -> None:
    """A power cut would take acknowledged messages."""
    await opened(database)
    name = database.rpartition("/")[2]
    for level, safe in (("off", False), ("local", False), ("remote_write", True)):
        setting = f"synchronous_commit = {level}"
        await postgres.execute(f"ALTER DATABASE {name} SET {setting}")
        if safe:
            await opened(database)
            continue
        with pytest.raises(SchemaError, match=f"synchronous_commit {level}"):
            await opened(database)
        await opened(database, unsafe=True)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_careless_server_is_refused(setting: str) -> None:
    """A power cut would take acknowledged messages, or the whole database."""
    with (
        postgres_server({setting: "off"}) as server,
        pytest.raises(SchemaError, match=f"{setting} off"),
    ):
        asyncio.run(opened(server.url()))


async def test_an_encoding_that_cannot_hold_every_text(
    postgres: PostgresServer,
) -> None:
    """Somebody's message would be refused for its letters."""
    await postgres.execute(
        "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII'"
        " LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc"
    )
    with pytest.raises(SchemaError, match="UTF8"):
        await opened(postgres.url("ascii"))


@pytest.mark.engines("postgres")
async def test_a_restart_of_the_database_is_survived(
    shelf: Shelf, postgres: PostgresServer
) -> None:
    """After an update of the database every gateway would have to be restarted."""
    await shelf.say("ada")
    await asyncio.to_thread(postgres.restart)
    assert (await shelf.say("ada"))[1] == 3
    assert await shelf.store.ready()
