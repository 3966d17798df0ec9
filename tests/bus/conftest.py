"""Redis for the tests of the bus, and buses on it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from tests.bus.gateways import Gateway, be_patient, open_gateway
from tests.support.redis import RedisCluster, RedisServer, redis_cluster, redis_server

Open = Callable[..., Awaitable[Gateway]]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that runs many tests may answer later than a hint is worth."""
    be_patient(monkeypatch)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A server of the test's own: it may be killed."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    """Three nodes, which take two seconds to find each other."""
    with redis_cluster() as nodes:
        yield nodes


@pytest.fixture
async def opening() -> AsyncIterator[Open]:
    """Starts one more gateway's bus: `await opening(redis.url)`."""
    async with AsyncExitStack() as running:

        async def start(url: str, **options: bytes) -> Gateway:
            return await running.enter_async_context(open_gateway(url, **options))

        yield start
