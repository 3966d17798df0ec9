"""The whole SignalR server, used by the official JavaScript client.

One program goes through every feature on each transport and protocol, and must find
the same everywhere.
"""

import pytest

from chatd.clock import SystemClock
from chatd.signalr.hub import Hub
from chatd.signalr.mounting import SignalRServer
from tests.signalr.features import (
    WAYS,
    check_closing,
    check_errors,
    check_identity,
    check_traffic,
    use_features,
)
from tests.signalr.sample import sample_server
from tests.support.waiting import wait_until


@pytest.mark.parametrize(("transport", "protocol"), WAYS)
async def test_every_feature(transport: str, protocol: str) -> None:
    """An unmodified SignalR client could not use the server."""
    async with sample_server() as sample:
        found = await use_features(sample.url, sample.detailed_url, transport, protocol)
        hub = sample.hub
        await wait_until(lambda: len(hub.departures) == len(hub.arrivals) > 0)
        assert hub.noted == ["slow", "slow", "slow", "sent", "slow"]
        check_identity(found["identity"], transport)
        assert found["audiences"] == {
            "anna": ["all", "user", "group", "left"],
            "ben": ["all", "group"],
            "again": ["all", "user", "connection"],
        }
        check_traffic(found)
        check_errors(found["errors"])
        check_closing(found["closing"], transport)
        assert hub.stopped_streams == 1


def test_a_path_is_mounted_once() -> None:
    """Two hubs would answer at one address."""
    server = SignalRServer(SystemClock())
    server.mount("/sample", Hub({}))
    for path in ("/sample", "sample"):
        with pytest.raises(ValueError, match="sample"):
            server.mount(path, Hub({}))
