"""Every SignalR feature across two processes, behind balancers that remember nobody."""

from pathlib import Path

import pytest

from tests.signalr.features import (
    WAYS,
    check_closing,
    check_errors,
    check_identity,
    check_traffic,
    use_features,
)
from tests.signalr.sample import Sample, sample_server
from tests.support.balancers import COMMANDS, balancing

SECRET = b"one secret of both, 32 bytes long"


@pytest.mark.parametrize(("transport", "protocol"), WAYS)
@pytest.mark.parametrize("balancer", COMMANDS)
async def test_every_feature_without_stickiness(
    balancer: str, transport: str, protocol: str, tmp_path: Path
) -> None:
    """Some transport would need a balancer that remembers who went where."""
    async with (
        sample_server(secret=SECRET) as one,
        sample_server(secret=SECRET) as two,
        balancing(balancer, tmp_path / "balancer", (one.port, two.port)) as url,
    ):
        # Two samples share no groups: what passes between gateways is the bus's.
        found = await use_features(
            f"{url}/sample",
            f"{url}/detailed/errors",
            transport,
            protocol,
            without=("audiences",),
        )
        check_traffic(found)
        check_identity(found["identity"], transport)
        check_errors(found["errors"])
        check_closing(found["closing"], transport)
        assert crossed(transport, one, two), "every client stayed at one process"


def crossed(transport: str, one: Sample, two: Sample) -> bool:
    """Whether some connection was negotiated with one process and used at another."""
    if transport == "WebSockets":
        return bool(one.hub.newcomers or two.hub.newcomers)
    # Requests go round, so where both have connections some were handed on.
    return bool(one.hub.arrivals and two.hub.arrivals)
