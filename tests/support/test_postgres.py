import asyncio
from contextlib import ExitStack

import asyncpg
import pytest

from tests.support.postgres import PostgresServer, postgres_server

REMEMBER = "CREATE TABLE kept (word TEXT); INSERT INTO kept VALUES ('still here')"


async def words(
    server: PostgresServer, database: str, timeout_s: float = 60.0
) -> list[str]:
    connection = await asyncpg.connect(server.url(database), timeout=timeout_s)
    try:
        return [row[0] for row in await connection.fetch("SELECT word FROM kept")]
    finally:
        await connection.close()


async def test_it_can_be_copied_paused_killed_and_started_again() -> None:
    """Tests of lost databases would test nothing, or lose what was on disk."""
    with ExitStack() as running:
        server = await asyncio.to_thread(running.enter_context, postgres_server())
        await server.create(name="original")
        await server.execute(REMEMBER, "original")
        copy = await server.create("original")
        assert await words(server, copy) == ["still here"]
        server.pause()
        with pytest.raises(TimeoutError):
            await words(server, copy, timeout_s=1.0)
        server.resume()
        await asyncio.to_thread(server.kill)
        with pytest.raises(OSError, match=r"refused|failed"):
            await words(server, copy)
        await asyncio.to_thread(server.start)
        assert await words(server, copy) == ["still here"]
        await asyncio.to_thread(server.restart)
        await server.drop(copy)
        with pytest.raises(asyncpg.InvalidCatalogNameError):
            await words(server, copy)
        await asyncio.to_thread(running.close)
    assert not server.folder.exists()
