"""If these fail, nobody can tell why connections end, or a stranger makes up series."""

import json

import pytest
from websockets.asyncio.client import connect

from chatd.clock import SystemClock
from chatd.hub.counting import observer
from chatd.signalr.connections.connection import Connection
from chatd.signalr.connections.results import ConnectionEnded
from chatd.telemetry import configure
from chatd_protocol.signalr.errors import RemoteProtocolError
from tests.hub.conftest import OpenHouse
from tests.hub.listeners import Stage
from tests.hub.peers import House
from tests.support.counted import value
from tests.support.waiting import wait_until


def closes(code: str, reason: str) -> float:
    return value("chatd_close_total", code=code, reason=reason)


def lives(status: str, transport: str = "kept") -> float:
    name = "chatd_connection_seconds_count"
    return value(name, transport=transport, status=status)


ENDINGS = [
    (None, "good", "normal_closure"),
    (ConnectionEnded("silence", "silent"), "silent", "timeout"),
    (ConnectionEnded("slow", "slow_consumer"), "slow_consumer", "timeout"),
    (ConnectionEnded("socket"), "lost", "normal_closure"),
    (RemoteProtocolError("no hub message"), "protocol", "normal_closure"),
    (KeyError("a bug"), "error", "normal_closure"),
]


@pytest.mark.parametrize(("error", "reason", "status"), ENDINGS)
async def test_how_a_connection_ended(
    stage: Stage, error: Exception | None, reason: str, status: str
) -> None:
    """A network that breaks would look like pages that are closed."""
    listener = stage.ear("anna")
    connection: Connection = listener.connection
    connection.error = error
    before = closes("none", reason), lives(status)
    slow = value("chatd_slow_consumer_closes_total")
    observer(SystemClock(), lambda: False).ended(connection)
    assert closes("none", reason) == before[0] + 1
    assert lives(status) == before[1] + 1
    grown = value("chatd_slow_consumer_closes_total") - slow
    assert grown == (reason == "slow_consumer")


async def test_a_shutdown_is_no_fault(stage: Stage) -> None:
    """Every deployment would raise an alarm."""
    listener = stage.ear("anna")
    before = lives("app_shutdown")
    observer(SystemClock(), lambda: True).ended(listener.connection)
    assert lives("app_shutdown") == before + 1


@pytest.mark.parametrize(("code", "label"), [(1001, "1001"), (4321, "other")])
async def test_the_code_is_the_clients(school: House, code: int, label: str) -> None:
    """A client could fill the memory of whoever scrapes with codes of its own."""
    before = closes(label, "good"), closes(label, "lost")
    address = f"{school.url.replace('http', 'ws')}/hub"
    async with connect(f"{address}?access_token={school.token('anna')}") as socket:
        await socket.send('{"protocol":"json","version":1}\x1e')
        await socket.recv()
        await socket.close(code)

    def counted() -> bool:
        after = closes(label, "good"), closes(label, "lost")
        return sum(after) == sum(before) + 1

    await wait_until(counted)


async def test_the_log_names_a_connection_and_not_its_secret(
    opening: OpenHouse, capfd: pytest.CaptureFixture[str]
) -> None:
    """To old clients the connection's id is its secret: a reader could speak for it."""
    school = await opening()
    configure("debug")
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    anna = await school.join("anna", headers=headers)
    (made,) = school.installation.signalr.everyone()
    await anna.call("GetUnread")
    configure("error")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    (said,) = (line for line in lines if line.get("method") == "GetUnread")
    assert said["connection"] == made.id[:8]
    assert said["trace"] == trace
    assert not any(made.id in json.dumps(line) for line in lines)
