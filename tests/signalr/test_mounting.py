"""The whole SignalR server, used by the official JavaScript client.

One program goes through every feature on each transport and protocol, and must find
the same everywhere.
"""

import asyncio
import json

import pytest

from chatd.clock import SystemClock
from chatd.signalr.hub import Hub
from chatd.signalr.mounting import SignalRServer
from tests.signalr.sample import Sample, sample_server
from tests.support.server import ROOT
from tests.support.waiting import wait_until

WAYS = [
    ("WebSockets", "json"),
    ("WebSockets", "messagepack"),
    ("ServerSentEvents", "json"),
    ("LongPolling", "json"),
    ("LongPolling", "messagepack"),
]
GENERIC = "An unexpected error occurred invoking '{}' on the server."
FAILED = "Failed to invoke '{}' due to an error on the server."


async def use_features(sample: Sample, transport: str, protocol: str) -> dict:
    program = ROOT / "tests" / "signalr" / "js" / "features.mjs"
    process = await asyncio.create_subprocess_exec(
        *("node", str(program), sample.url, sample.detailed_url, transport, protocol),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    lines = [json.loads(line) for line in said.splitlines()]
    return {line["name"]: line["found"] for line in lines}


@pytest.mark.parametrize(("transport", "protocol"), WAYS)
async def test_every_feature(transport: str, protocol: str) -> None:
    """An unmodified SignalR client could not use the server."""
    async with sample_server() as sample:
        found = await use_features(sample, transport, protocol)
        hub = sample.hub
        await wait_until(lambda: len(hub.departures) == len(hub.arrivals) > 0)
        assert found["invocations"] == {
            "echo": {"text": "ä", "list": [1, None, True], "deep": {"a": 0.5}},
            "anyCase": 1,
            "typed": {"x": 4, "y": 6},
            "nothing": None,
            "long": 20_000,
        }
        assert found["order"] == {"answers": [0, 1, 2]}
        assert hub.noted == ["slow", "slow", "slow", "sent"]
        assert found["identity"]["who"] == {
            "id": True,
            "user": "staff",
            "transport": transport,
            "query": {"colour": "red"} | _kept(found["identity"]["who"]["query"]),
            "agent": "header",
        }
        assert found["identity"]["staff"] == "welcome"
        assert "Unauthorized" in found["identity"]["wrong"]
        assert "Forbidden" in found["identity"]["banned"]
        assert found["audiences"] == {
            "anna": ["all", "user", "group", "left"],
            "ben": ["all", "group"],
            "again": ["all", "user", "connection"],
        }
        assert found["clientResults"] == {"news": ["answer 42"]}
        assert found["uploads"] == {
            "total": 6,
            "empty": 0,
            "both": {"items": [2, 4, 6], "completed": True},
        }
        check_errors(found["errors"])
        assert "over the limit" in found["oversized"]["refused"]
        assert found["oversized"]["stillThere"] == 1
        check_streams(found["serverStreams"])
        check_closing(found["closing"], transport)
        assert hub.stopped_streams == 1


def _kept(query: dict) -> dict:
    """What the transport itself puts into the query and the hub may see."""
    return {name: value for name, value in query.items() if name != "colour"}


def check_errors(found: dict) -> None:
    does_not_exist = "HubException: Method does not exist."
    assert found["unknown"] == f"{FAILED.format('Teapot')} {does_not_exist}"
    assert found["refused"] == f"{GENERIC.format('Refuse')} HubException: not today"
    assert found["broken"] == GENERIC.format("BreakDown")
    assert found["brokenDetailed"].endswith("ValueError: a secret")
    assert "is unauthorized" in found["unauthorized"]
    assert found["tooFew"].startswith(FAILED.format("Add"))
    assert found["wrongType"].startswith(FAILED.format("Add"))
    assert "streaming 'Count' method" in found["notAStream"]
    assert found["stillThere"] == 1


def check_streams(found: dict) -> None:
    assert found["whole"] == {"items": [0, 1, 2, 3, 4], "completed": True}
    assert found["cut"] == [0, 1, 2]
    assert found["failed"]["items"] == [1]
    assert found["failed"]["error"].endswith("HubException: the well is dry")
    assert "non-streaming 'Echo' method" in found["wrong"]["error"]
    assert found["stillThere"] == 1


def check_closing(found: dict, transport: str) -> None:
    assert found["plain"] is None
    assert "go away" in found["wrong"]
    assert found["newId"] is True
    assert found["stillThere"] == 1
    # An event stream's client may be told by the first thing that it posts.
    told = "closed with an error." if transport != "ServerSentEvents" else ""
    assert told in found["unwelcome"]


def test_a_path_is_mounted_once() -> None:
    """Two hubs would answer at one address."""
    server = SignalRServer(SystemClock())
    server.mount("/sample", Hub({}))
    for path in ("/sample", "sample"):
        with pytest.raises(ValueError, match="sample"):
            server.mount(path, Hub({}))
