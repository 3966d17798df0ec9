"""The topologies on which rows of faults are tried: the smallest, or all of them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.deployments import Deployment, Large
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.redis import redis_server

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
def below(topology: str, request: pytest.FixtureRequest) -> PostgresServer | None:
    """Started where it is needed, and not on a loop's time."""
    if not GATEWAYS[topology]:
        return None
    server = request.getfixturevalue("postgres")
    assert isinstance(server, PostgresServer)
    return server


@pytest.fixture
async def deployment(
    topology: str, tmp_path: Path, below: PostgresServer | None
) -> AsyncIterator[Deployment]:
    """Running gateways; the tests' clients go to the first one, by its own address."""
    if below is None:
        async with Deployment(tmp_path) as small:
            yield small
        return
    with redis_server() as redis:
        async with Large(tmp_path, below, redis, GATEWAYS[topology]) as large:
            yield large
