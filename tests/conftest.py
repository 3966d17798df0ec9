"""Fixtures that every test may use, and the two rules that every test obeys.

No test may block an event loop, and the few long tests start first, so that two
workers finish at about the same time.
"""

import asyncio
import logging
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest
import structlog
from hypothesis import HealthCheck, settings

from chatd import telemetry
from tests.support import databases
from tests.support.databases import database, postgres, server_of
from tests.support.deployments import Shared
from tests.support.loop_watch import loop_watch
from tests.support.postgres import PostgresServer
from tests.support.redis import redis_server
from tests.support.server import Server, serving

# A busy machine makes examples slow, not wrong; and what passed today passes tomorrow.
# `--hypothesis-profile=search` draws other examples every time.
settings.register_profile(
    "search", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("chatd", settings.get_profile("search"), derandomize=True)
settings.load_profile("chatd")

# What tests talk to is on this machine, whatever proxy leads out of it.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1,::1"

# Some keep /tmp in memory, where chatd warns of every database: not there, then.
_KIND = ("stat", "-f", "-c", "%T", tempfile.gettempdir())
if subprocess.run(_KIND, check=False, capture_output=True).stdout.strip() == b"tmpfs":
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/var/tmp")

__all__ = ["database", "postgres", "server_of"]

LONG_FIRST = ("end_to_end", "signalr")


class Serve(Protocol):
    """Starts one more server: `await serve("--demo")`."""

    async def __call__(self, *arguments: str) -> Server: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills",
        type=int,
        default=5,
        help="how often servers are killed (100 in full, 200 under --nemesis)",
    )
    parser.addoption(
        "--every-topology",
        action="store_true",
        help="rows of faults also on PostgreSQL with one and three gateways",
    )
    parser.addoption(
        "--nemesis",
        action="store_true",
        help="three gateways, PostgreSQL and Redis under the nemesis; see --kills",
    )
    parser.addoption(
        "--messages",
        type=int,
        default=0,
        help="how many messages the nemesis lets through (100000 for the full proof)",
    )
    parser.addoption(
        "--seeds",
        type=int,
        default=120,
        help="how many runs the simulation makes (10000 for the full proof)",
    )
    parser.addoption("--first-seed", type=int, default=0, help="where they begin")
    parser.addoption(
        "--restarts",
        type=int,
        default=0,
        help="how many gateways the rolling restart ends (30 for the full proof)",
    )
    databases.add_option(parser)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    databases.parametrise(metafunc)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    tests = config.rootpath / "tests"

    def rank(item: pytest.Item) -> int:
        package = item.path.relative_to(tests).parts[0]
        return LONG_FIRST.index(package) if package in LONG_FIRST else len(LONG_FIRST)

    items.sort(key=rank)


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """How often a test of crashes is to kill what it is about."""
    return int(request.config.getoption("--kills"))


@pytest.fixture(autouse=True)
def loop_never_blocked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test in which one callback kept the event loop for seconds."""
    if "simulation" in request.path.parts:
        # Its time stands still meanwhile: whatever the machine does, nobody waits.
        yield
        return
    with loop_watch():
        yield


@pytest.fixture(autouse=True)
def logs_are_not_configured() -> Iterator[None]:
    """What a test or its server wants logged is nobody else's business."""
    yield
    structlog.reset_defaults()
    root = logging.getLogger()
    for handler in tuple(root.handlers):
        if isinstance(handler, telemetry._OfLibraries):
            root.removeHandler(handler)


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Starts real `chatd serve` processes, each with a folder of its own."""
    async with AsyncExitStack() as running:
        started = 0

        async def start(*arguments: str) -> Server:
            nonlocal started
            started += 1
            folder = tmp_path / f"data-{started}"
            return await running.enter_async_context(serving(folder, *arguments))

        yield start


@pytest.fixture
def shared(postgres: PostgresServer) -> Iterator[Shared]:
    """What gateways of one deployment share: a new database, and a Redis."""
    database = asyncio.run(postgres.create())
    with redis_server() as redis:
        yield Shared(postgres.url(database), redis.url)
    asyncio.run(postgres.drop(database))
