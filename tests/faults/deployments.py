"""Real gateways on one store, as many as a test wants, and a way in that finds them.

Every arrow of a larger deployment goes through a proxy of its own: from the clients to
the gateways, from each gateway to PostgreSQL and to Redis.
"""

from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.faults.proxy import Proxy
from tests.faults.talk import UNBOUND
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer
from tests.support.server import Server

ARGUMENTS: Final = ("--demo", "--drain-notice", "0", "--grace", "4", *UNBOUND)


class Deployment:
    """SQLite and one gateway; see `Large` for more."""

    def __init__(self, folder: Path) -> None:
        self.gateways: list[Server] = []
        self.entrance = Proxy()
        self._folder = folder
        self._running = AsyncExitStack()

    @property
    def url(self) -> str:
        """Where clients connect: to any gateway that is up."""
        return f"http://127.0.0.1:{self.entrance.port}"

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._running.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._running.aclose()

    async def _start(self) -> None:
        await self._open(Server(self._folder / "data", ARGUMENTS))
        await self._enter()

    async def _open(self, gateway: Server) -> None:
        await gateway.start()
        self._running.push_async_callback(gateway.stop)
        self.gateways.append(gateway)

    async def _enter(self) -> None:
        self.entrance.targets = [("127.0.0.1", one.port) for one in self.gateways]
        await self._running.enter_async_context(self.entrance)


class Large(Deployment):
    """Several gateways on PostgreSQL, with Redis between them."""

    def __init__(
        self,
        folder: Path,
        postgres: PostgresServer,
        redis: RedisServer,
        count: int = 3,
    ) -> None:
        super().__init__(folder)
        self.postgres = postgres
        self.redis = redis
        self.to_postgres: list[Proxy] = []
        self.to_redis: list[Proxy] = []
        self._count = count

    async def _start(self) -> None:
        database = await self.postgres.create()
        for number in range(self._count):
            sql = await self._proxy(self.to_postgres, self.postgres.port)
            bus = await self._proxy(self.to_redis, self.redis.port)
            arguments = [
                *ARGUMENTS,
                *("--database-url", through(self.postgres.url(database), sql)),
                *("--redis-url", through(self.redis.url, bus)),
            ]
            await self._open(Server(self._folder / f"data-{number}", arguments))
        await self._enter()

    async def _proxy(self, proxies: list[Proxy], port: int) -> Proxy:
        proxy = Proxy(("127.0.0.1", port))
        proxies.append(proxy)
        return await self._running.enter_async_context(proxy)


def through(url: str, proxy: Proxy) -> str:
    """The same address, by way of a proxy."""
    before, _, rest = url.rpartition(":")
    _port, slash, path = rest.partition("/")
    return f"{before}:{proxy.port}{slash}{path}"
