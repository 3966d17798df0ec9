"""How the server goes when it is told to (faults, row 19)."""

import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.end_to_end.raw_clients import bearer, connected, started
from tests.signalr.raw import call
from tests.support.server import Server, serving
from tests.support.waiting import wait_until

CLOSE = b'{"type":7,"allowReconnect":true}\x1e'
GRACE_S = 20


@dataclass(frozen=True)
class Faults:
    """The file in which servers look for their faults."""

    path: Path

    def become(self, text: str) -> None:
        self.path.write_text(text)


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Faults:
    """What is to happen in every server."""
    faults = Faults(tmp_path / "faults")
    faults.become("")
    monkeypatch.setenv("CHATD_FAILPOINTS", f"@{faults.path}")
    return faults


async def texts(server: Server, place: str) -> list[str]:
    async with httpx2.AsyncClient(headers=bearer("anna")) as http:
        answer = await http.get(f"{server.url}/v1/conversations/{place}/messages")
    return [one["text"] for one in answer.json()["messages"]]


def said(place: str, text: str) -> dict[str, str]:
    return {"conversationId": place, "clientMessageId": text, "text": text}


async def test_a_send_in_flight_is_answered_before_the_end(
    tmp_path: Path, faults: Faults
) -> None:
    """A deployment would lose what was being said at that moment."""
    async with serving(tmp_path, "--demo", "--grace", str(GRACE_S)) as server:
        place = await started(server, "user", "s001")
        sender, idle = await connected(server, "anna"), await connected(server, "s001")
        faults.become("before_commit=once(1):sleep(1)")
        sender.send(call(1, "SendMessage", said(place, "the last word")))
        # A point that is reached once takes its file away, and only then pauses.
        await wait_until(lambda: not faults.path.exists())
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        await idle.until(CLOSE)
        idle.writer.close()
        answer = await sender.until(CLOSE)
        sender.writer.close()
        completed = answer[answer.index(b'{"type":3') :].split(b"\x1e")[0]
        assert json.loads(completed)["result"]["text"] == "the last word"
        await server.stop()
        assert server.returncode == 0
        assert time.monotonic() - began < GRACE_S
        await server.start()
        assert "the last word" in await texts(server, place)


async def test_a_hand_off_that_takes_longer_than_the_grace(
    tmp_path: Path, faults: Faults
) -> None:
    """A slow end would cost messages, and not just time."""
    async with serving(
        tmp_path, "--demo", "--grace", "1", "--drain-notice", "0"
    ) as server:
        place = await started(server, "user", "s001")
        sender = await connected(server, "anna")
        # The fault itself: a hand-off of twice the grace.
        faults.become("during_drain=once(1):sleep(2)")
        server.send_signal(signal.SIGTERM)
        await wait_until(lambda: not faults.path.exists())
        sender.send(call(1, "SendMessage", said(place, "still here")))
        assert b'"type":7' not in await sender.until(b"still here")
        await sender.until(CLOSE)
        sender.writer.close()
        await server.stop()
        assert server.returncode == 0
        faults.become("")
        await server.start()
        assert "still here" in await texts(server, place)
