"""What serves in a test of the whole: one process, or several behind a balancer."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.balancers import COMMANDS, balancing
from tests.support.server import Server, serving

TOPOLOGIES = ("sqlite", "postgres", *COMMANDS)
"""One process on either database, or two on PostgreSQL and Redis behind a balancer."""


@dataclass(frozen=True)
class Shared:
    """What gateways of one deployment have in common, besides their data folder."""

    database_url: str
    redis_url: str

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("--database-url", self.database_url, "--redis-url", self.redis_url)


@dataclass(frozen=True)
class Deployment:
    """Gateways that are one server, and where clients reach it."""

    url: str
    gateways: tuple[Server, ...]

    @property
    def hub_url(self) -> str:
        return f"{self.url}/hub"


@asynccontextmanager
async def deployed(
    topology: str,
    folder: Path,
    shared: Shared | None,
    arguments: Sequence[str] = (),
    gateways: int = 2,
) -> AsyncIterator[Deployment]:
    """A running deployment with the demo tenant."""
    async with AsyncExitStack() as running:
        if topology not in COMMANDS:
            database = () if shared is None else shared.arguments[:2]
            server = await running.enter_async_context(
                serving(folder / "data", "--demo", *database, *arguments)
            )
            yield Deployment(server.url, (server,))
            return
        assert shared is not None
        # The first alone makes the tenant; the folder has the secrets of all.
        servers = [
            await running.enter_async_context(
                serving(folder / "data", "--demo", *shared.arguments, *arguments)
            )
            for _ in range(gateways)
        ]
        url = await running.enter_async_context(
            balancing(topology, folder / topology, [each.port for each in servers])
        )
        yield Deployment(url, tuple(servers))
