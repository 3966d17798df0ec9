import asyncio

import asyncpg
import pytest

from chatd.store.engine.postgres.connections import (
    Connection,
    Place,
    Pool,
    lost,
    unique_name,
)

pytestmark = pytest.mark.engines("postgres")


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (asyncpg.AdminShutdownError("57P01"), True),
        (asyncpg.CannotConnectNowError("57P03"), True),
        (asyncpg.ConnectionDoesNotExistError("08003"), True),
        (asyncpg.ReadOnlySQLTransactionError("25006"), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.UniqueViolationError("23505"), False),
        (asyncpg.DeadlockDetectedError("40P01"), False),
        (asyncpg.DiskFullError("53100"), False),
        (ValueError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_means_that_the_connection_is_gone(
    error: Exception, is_lost: bool
) -> None:
    """A broken connection would be kept, or somebody's mistake be tried for ever."""
    assert lost(error) == is_lost


async def test_a_value_that_does_not_fit_is_no_lost_connection(database: str) -> None:
    """One odd value would have every gateway connect anew, again and again."""
    link = await asyncpg.connect(database)
    with pytest.raises(asyncpg.DataError) as caught:
        await link.execute("SELECT $1::bigint", "seven")
    await link.close()
    assert not lost(caught.value)


async def test_what_a_pool_gives_again(database: str) -> None:
    """Readers would share a connection, wait for a dead one, or never reuse any."""
    pool = Pool(Place(database, durable=True), 2)
    async with pool.turn(), pool.turn():
        async with pool.connection() as first, pool.connection() as second:
            assert first is not second
        third = asyncio.create_task(_use(pool))
        await asyncio.sleep(0.01)
        assert not third.done()
    assert await third in (first, second)
    for trouble in (ConnectionResetError(), asyncio.CancelledError()):
        with pytest.raises(type(trouble)):
            async with pool.connection() as broken:
                raise trouble
        assert broken.is_closed()
    with pytest.raises(LookupError):
        async with pool.connection() as whole:
            raise LookupError
    assert not whole.is_closed()
    async with pool.connection() as again:
        assert again is whole
    again.terminate()
    async with pool.connection() as fresh:
        assert await fresh.fetchval("SELECT 1") == 1
    await pool.close()
    assert fresh.is_closed()


async def _use(pool: Pool) -> Connection:
    async with pool.turn(), pool.connection() as connection:
        return connection


async def test_a_connection_says_whose_it_is(database: str) -> None:
    """Nobody could tell from the server's list which transaction is in doubt."""
    name = unique_name("writer")
    assert name != unique_name("writer")
    link = await Place(database, durable=True).connect(name)
    row = await link.fetchrow(
        "SELECT application_name, current_setting('jit'),"
        " current_setting('idle_in_transaction_session_timeout')"
        " FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )
    await link.close()
    assert row is not None
    assert tuple(row) == (name, "off", "5s")
