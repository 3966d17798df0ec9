"""The whole API on a real store, asked in process over ASGI."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from chatd.actions.basis.rates import Rates
from chatd.actions.sessions import SignIn
from chatd.api.application import routes
from chatd.api.door import Door
from chatd.api.probes import Probes, Scrapes
from chatd.bus.leases import Alone
from chatd.domain.people import Caller
from chatd.hub.watching import Watchers
from chatd.identity.claims import EVERY_TENANT
from chatd.identity.issuers import FixedKey, Issuer, Signer
from chatd.identity.tokens import Verifier, mint
from chatd.limits import Limits
from chatd.operating.health import Check, Health
from tests.hub.peers import House as RunningHouse
from tests.hub.peers import open_house
from tests.support.files import files_at
from tests.support.house import TENANT, House, house

SECRET = b"a secret for these tests, long enough"
ORIGIN = "https://lms.example"


@dataclass(slots=True)
class Api:
    """Somebody who asks; by default the platform's service with every scope."""

    house: House
    http: httpx2.AsyncClient
    health: Health
    checks: dict[str, bool] = field(default_factory=dict)

    def token(self, user: str, *scopes: str, tenant: str = TENANT) -> str:
        caller = Caller(tenant, user, frozenset(scopes))
        return mint(Signer(SECRET), caller, self.house.clock.at_ms, 3600)

    def headers(self, user: str, *scopes: str, tenant: str = TENANT) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(user, *scopes, tenant=tenant)}"}

    async def ask(
        self,
        method: str,
        path: str,
        user: str | None = None,
        *,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """As this person, or as the platform."""
        scopes = () if user else ("directory", "admin")
        sent = {**self.headers(user or "lms", *scopes), **(headers or {})}
        if json is None:
            return await self.http.request(method, path, headers=sent)
        return await self.http.request(method, path, headers=sent, json=json)


@asynccontextmanager
async def asking(
    folder: Path, limits: Limits, scrapes: Scrapes = Scrapes.BY_OPERATORS
) -> AsyncIterator[Api]:
    """The API of a new house."""
    issuer = Issuer(None, ("HS256",), (EVERY_TENANT,), FixedKey(SECRET), operator=True)
    checks = {"store": True}

    async def ready() -> bool:
        return checks["store"]

    async with house(folder, limits) as made:
        health = Health(made.clock, (Check("store", ready),))
        health.started = True
        door = Door(
            context=made.context,
            authenticate=SignIn(made.context, Verifier((issuer,), made.clock)),
            rates=Rates(limits, made.clock, Alone()),
            probes=Probes(health, lambda: None),
            batches=partial(Watchers().batches, made.context),
            files=files_at(folder / "files"),
            allowed_origins=(ORIGIN,),
            scrapes=scrapes,
        )
        transport = httpx2.ASGITransport(Starlette(routes=routes(door)))
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://chat.example"
        ) as http:
            yield Api(made, http, health, checks)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    limits = Limits(
        http_body_bytes=4096,
        directory_import_bytes=256_000,
        reads_burst=5,
        reads_per_second=1,
        http_requests_at_once=3,
    )
    async with asking(tmp_path, limits) as made:
        yield made


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[RunningHouse]:
    """The whole server, for what an application in process cannot show."""
    async with open_house(tmp_path, {}) as made:
        yield made
