"""The production client, on simulated connections."""

import pytest

from chatd_client import lifeline
from tests.simulation.network import ClientConnection


@pytest.fixture(autouse=True)
def simulated_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients dial the network that they are given as their `http`."""
    monkeypatch.setattr(lifeline, "Connection", ClientConnection)
