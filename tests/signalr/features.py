"""The official JavaScript client going through every feature, and what it must find."""

import asyncio
import json
from collections.abc import Sequence

from tests.support.server import ROOT

WAYS = [
    ("WebSockets", "json"),
    ("WebSockets", "messagepack"),
    ("ServerSentEvents", "json"),
    ("LongPolling", "json"),
    ("LongPolling", "messagepack"),
]
GENERIC = "An unexpected error occurred invoking '{}' on the server."
FAILED = "Failed to invoke '{}' due to an error on the server."


async def use_features(
    url: str,
    detailed_url: str,
    transport: str,
    protocol: str,
    *,
    without: Sequence[str] = (),
) -> dict:
    """What the client found, by feature."""
    program = ROOT / "tests" / "signalr" / "js" / "features.mjs"
    process = await asyncio.create_subprocess_exec(
        *("node", str(program), url, detailed_url, transport, protocol),
        ",".join(without),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    async with asyncio.timeout(200):
        said, _ = await process.communicate()
    lines = [json.loads(line) for line in said.splitlines()]
    return {line["name"]: line["found"] for line in lines}


def check_traffic(found: dict) -> None:
    """Calls, streams and answers, in both directions."""
    assert found["invocations"] == {
        "echo": {"text": "ä", "list": [1, None, True], "deep": {"a": 0.5}},
        "anyCase": 1,
        "typed": {"x": 4, "y": 6},
        "nothing": None,
        "long": 20_000,
    }
    assert found["order"] == {"answers": [0, 1, 2]}
    assert found["clientResults"] == {"news": ["answer 42"]}
    assert found["uploads"] == {
        "total": 6,
        "empty": 0,
        "both": {"items": [2, 4, 6], "completed": True},
    }
    assert "over the limit" in found["oversized"]["refused"]
    assert found["oversized"]["stillThere"] == 1
    check_streams(found["serverStreams"])


def check_identity(found: dict, transport: str) -> None:
    assert found["who"] == {
        "id": True,
        "user": "staff",
        "transport": transport,
        "query": {"colour": "red"} | _kept(found["who"]["query"]),
        "agent": "header",
        "client": "127.0.0.1",
    }
    assert found["staff"] == "welcome"
    assert "Unauthorized" in found["wrong"]
    assert "Forbidden" in found["banned"]


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
    # Cancelled while it waited behind a slow call: it never began.
    assert found["unheard"] == []
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
