"""The topologies on which rows of faults are tried: the smallest, or all of them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.deployments import Deployment, Large
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.redis import RedisServer, redis_server

GATEWAYS = {"sqlite x 1": 0, "postgres x 1": 1, "postgres x 3": 3}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "topology" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every-topology")
        metafunc.parametrize("topology", list(GATEWAYS)[: None if every else 1])


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of these tests' own: others would not like what is done to it."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def below(
    topology: str, request: pytest.FixtureRequest
) -> Iterator[tuple[PostgresServer, RedisServer] | None]:
    """Started where it is needed, and not on a loop's time."""
    if not GATEWAYS[topology]:
        yield None
        return
    server = request.getfixturevalue("postgres")
    assert isinstance(server, PostgresServer)
    with redis_server() as redis:
        yield server, redis


@pytest.fixture
async def deployment(
    topology: str, tmp_path: Path, below: tuple[PostgresServer, RedisServer] | None
) -> AsyncIterator[Deployment]:
    """Running gateways; the tests' clients go to the first one, by its own address."""
    if below is None:
        async with Deployment(tmp_path) as small:
            yield small
        return
    async with Large(tmp_path, *below, GATEWAYS[topology]) as large:
        yield large
