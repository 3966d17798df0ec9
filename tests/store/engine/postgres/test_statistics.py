import asyncio

import asyncpg
import pytest

from tests.store.shelf import Shelf, said
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engines("postgres")

ROWS = "SELECT reltuples FROM pg_class WHERE relname = 'message'"
OF_INDEXES = "SELECT sum({}) FROM pg_stat_user_indexes WHERE relname = 'message'"


async def ask(shelf: Shelf, sql: str) -> int:
    connection = await asyncpg.connect(shelf.url)
    try:
        return int(await connection.fetchval(sql))
    finally:
        await connection.close()


async def say(shelf: Shelf, batches: int) -> None:
    for _ in range(batches):
        sends = [shelf.store.commit(shelf.change(said("ada"))) for _ in range(100)]
        await asyncio.gather(*sends)


async def test_a_plan_from_when_a_table_was_empty_is_not_kept(shelf: Shelf) -> None:
    """A new installation would look at all messages of a tenant for each send, until
    the database happens to be analyzed."""
    await say(shelf, 2)

    async def analyzed() -> bool:
        return await ask(shelf, ROWS) > 0

    await wait_until(analyzed, what="the first look")
    await say(shelf, 20)

    async def counted() -> bool:
        # What was read is told at the end of a transaction, at most once a second.
        await shelf.say("ada")
        return await ask(shelf, OF_INDEXES.format("idx_scan")) > 2_000

    await wait_until(counted)
    # Each of 2,000 among 1,000, on average, would be two million.
    assert await ask(shelf, OF_INDEXES.format("idx_tup_read")) < 200_000


async def test_what_is_known_well_is_left_alone(shelf: Shelf) -> None:
    """A table of millions would be read again after each start."""
    grown = "UPDATE pg_class SET reltuples = 1000000 WHERE relname = 'message'"
    connection = await asyncpg.connect(shelf.url)
    await connection.execute(grown)
    await connection.close()
    await say(shelf, 3)

    async def others_are_analyzed() -> bool:
        found = await ask(shelf, ROWS.replace("message", "log"))
        return found > 0

    await wait_until(others_are_analyzed)
    assert await ask(shelf, ROWS) == 1_000_000
