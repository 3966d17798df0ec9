"""If these fail, an orchestrator misunderstands us, or strangers read our numbers."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest

from chatd import metrics
from chatd.api.application import operators_routes
from chatd.api.probes import Probes, Scrapes, is_neighbour
from chatd.limits import Limits
from chatd.operating.health import Health
from tests.api.conftest import Api, asking
from tests.support.house import HandClock


@pytest.fixture
async def neighbourly(tmp_path: Path) -> AsyncIterator[Api]:
    async with asking(tmp_path, Limits(), Scrapes.BY_NEIGHBOURS) as made:
        yield made


async def test_unready_is_said_check_by_check(api: Api) -> None:
    """Traffic would go to a server that cannot store anything."""
    assert (await api.http.get("/readyz")).json() == {
        "status": "ready",
        "checks": {"serving": True, "store": True},
    }
    api.checks["store"] = False
    api.house.clock.at_ms += 1000
    # The loop watch has not been started here; its next beat is due any time.
    api.health.loop.start()
    answer = await api.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unready",
        "checks": {"serving": True, "store": False},
    }
    # A restart would not bring the database back.
    assert (await api.http.get("/livez")).status_code == 200
    api.health.loop.stop()


async def test_draining_is_said_at_once(api: Api) -> None:
    """A balancer would go on sending clients to a server that goes down."""
    assert (await api.http.get("/readyz")).status_code == 200
    await api.health.drain(notice_s=0)
    answer = await api.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"serving": False, "store": True}
    assert (await api.http.get("/startupz")).status_code == 200
    metrics.DRAIN_STATE.set(0)


async def test_starting_and_stalled(api: Api) -> None:
    """A slow start would be taken for a hang, or a hang for health."""
    api.health.started = False
    answer = await api.http.get("/startupz")
    assert (answer.status_code, answer.json()) == (503, {"status": "starting"})
    api.house.clock.at_ms += 1500
    answer = await api.http.get("/livez")
    assert (answer.status_code, answer.json()) == (503, {"status": "stalled"})


async def test_metrics_are_for_operators(api: Api) -> None:
    """Anybody could see when a school is busy, and how well it holds."""
    assert (await api.http.get("/metrics")).status_code == 401
    for scopes in (("messages",), ()):
        headers = api.headers("lms" if scopes else "anna", *scopes)
        await api.house.people("anna")
        refused = await api.http.get("/metrics", headers=headers)
        assert refused.status_code == 403
    answer = await api.http.get("/metrics", headers=api.headers("ops", "admin"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == metrics.MEDIA_TYPE
    assert "chatd_event_loop_lag_seconds_bucket" in answer.text


async def test_neighbours_need_no_token(neighbourly: Api) -> None:
    """Trying it out on one's own machine would begin with making tokens."""
    assert (await neighbourly.http.get("/metrics")).status_code == 200
    # Whoever came through a proxy is no neighbour, wherever the proxy is.
    for name in ("Forwarded", "Via", "X-Forwarded-For", "X-Real-IP"):
        answer = await neighbourly.http.get("/metrics", headers={name: "for=x"})
        assert answer.status_code == 401, name


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (("127.0.0.1", 1), True),
        (("127.3.2.1", 1), True),
        (("::1", 1), True),
        (("10.0.0.1", 1), False),
        (("localhost.evil.example", 1), False),
        (None, False),
    ],
)
def test_who_is_a_neighbour(client: tuple[str, int] | None, expected: bool) -> None:
    """Somebody from outside would be taken for a program of this machine."""
    http = HttpRequest({"type": "http", "headers": [], "client": client})
    assert is_neighbour(http) is expected


async def test_with_a_port_of_their_own_the_main_port_has_none(tmp_path: Path) -> None:
    """An operator who shut the metrics in would find them outside all the same."""
    async with asking(tmp_path, Limits(), Scrapes.BY_NOBODY) as api:
        answer = await api.http.get("/metrics", headers=api.headers("ops", "admin"))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_port_of_their_own_has_every_probe() -> None:
    """A network that shuts the main port away from probes could not probe at all."""
    health = Health(HandClock(), ())
    health.started = True
    seen = []
    probes = Probes(health, lambda: seen.append("measured"))
    transport = httpx2.ASGITransport(Starlette(routes=operators_routes(probes)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as http:
        for path in ("/livez", "/startupz", "/readyz", "/metrics"):
            assert (await http.get(path)).status_code == 200, path
        assert (await http.get("/v1/limits")).status_code == 404
    assert seen == ["measured"]
