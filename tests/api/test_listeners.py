"""If these fail, operators cannot see a server, or cannot see it end."""

import json

import httpx2
import pytest

from chatd.api.listeners import Monitor
from chatd.api.probes import Probes
from chatd.operating.health import Health
from chatd.telemetry import configure
from tests.support.addresses import LOOPBACKS
from tests.support.house import HandClock
from tests.support.waiting import wait_until


def probes() -> Probes:
    health = Health(HandClock(), ())
    health.started = True
    return Probes(health, lambda: None)


@pytest.mark.parametrize("host", LOOPBACKS)
async def test_the_operators_port(host: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Prometheus would find nothing, or nobody could tell where it listens."""
    configure()
    monitor = Monitor(probes(), host, 0)
    monitor.start()
    url = json.loads(capfd.readouterr().err)["url"]
    async with httpx2.AsyncClient(base_url=url) as http:

        async def listens() -> bool:
            try:
                return (await http.get("/readyz")).status_code == 200
            except httpx2.ConnectError:
                return False

        await wait_until(listens)
        answer = await http.get("/metrics")
        assert "chatd_connections" in answer.text
        assert "server" not in answer.headers
    await monitor.stop()
    assert capfd.readouterr().err == ""
    async with httpx2.AsyncClient(base_url=url) as http:
        with pytest.raises(httpx2.ConnectError):
            await http.get("/readyz")


async def test_a_port_that_is_taken_is_said() -> None:
    """A server would run unwatched because of another one's port."""
    first = Monitor(probes(), "127.0.0.1", 0)
    first.start()
    port = int(first.url.rpartition(":")[2])
    with pytest.raises(OSError, match=f"port: cannot listen on 127.0.0.1:{port}"):
        Monitor(probes(), "127.0.0.1", port).start()
    await first.stop()
