"""Real gateways on one store, as many as a test wants, and a way in that finds them.

Every arrow of a larger deployment goes through a proxy of its own: from the clients to
the gateways, from each gateway to PostgreSQL and to Redis.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import apsw
import asyncpg

from tests.faults.proxy import Proxy
from tests.faults.talk import UNBOUND
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer
from tests.support.server import Server

ARGUMENTS: Final = ("--demo", "--drain-notice", "0", "--grace", "4", *UNBOUND)


class Deployment:
    """SQLite and one gateway; see `Large` for more.

    What is written into `faults` are the fail points of the first gateway.
    """

    def __init__(self, folder: Path) -> None:
        self.gateways: list[Server] = []
        self.entrance = Proxy()
        self.faults = folder / "faults"
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
        await self._open(ARGUMENTS)
        await self._enter()

    async def stored(self, text: str) -> int:
        """How often a text is in the database, looked at from outside."""
        connection = apsw.Connection(str(self._folder / "data-0" / "chatd.sqlite3"))
        try:
            found = connection.execute(
                "SELECT count(*) FROM message WHERE text = ?", (text,)
            ).fetchone()
            return int(found[0]) if found else 0
        finally:
            connection.close()

    async def _open(self, arguments: Sequence[str]) -> None:
        number = len(self.gateways)
        # Hosts of one deployment have this in common, and no folder.
        variables = {
            "CHATD_DEPLOYMENT_SECRET": "known to all gateways, and to nobody else"
        }
        if number == 0:
            variables["CHATD_FAILPOINTS"] = f"@{self.faults}"
        folder = self._folder / f"data-{number}"
        gateway = Server(folder, arguments, variables=variables)
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
        self._database = ""

    async def _start(self) -> None:
        self._database = self.postgres.url(await self.postgres.create())
        for _ in range(self._count):
            sql = await self._proxy(self.to_postgres, self.postgres.port)
            bus = await self._proxy(self.to_redis, self.redis.port)
            await self._open(
                [
                    *ARGUMENTS,
                    *("--database-url", through(self._database, sql)),
                    *("--redis-url", through(self.redis.url, bus)),
                ]
            )
        await self._enter()

    async def stored(self, text: str) -> int:
        link = await asyncpg.connect(self._database)
        try:
            return int(
                await link.fetchval(
                    "SELECT count(*) FROM message WHERE text = $1", text
                )
            )
        finally:
            await link.close()

    async def _proxy(self, proxies: list[Proxy], port: int) -> Proxy:
        proxy = Proxy(("127.0.0.1", port))
        proxies.append(proxy)
        return await self._running.enter_async_context(proxy)


def through(url: str, proxy: Proxy) -> str:
    """The same address, by way of a proxy."""
    before, _, rest = url.rpartition(":")
    _port, slash, path = rest.partition("/")
    return f"{before}:{proxy.port}{slash}{path}"
