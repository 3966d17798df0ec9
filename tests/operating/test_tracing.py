"""A whole server's spans, from a call to its delivery."""

import sys
from pathlib import Path

import httpx2
import pytest

from chatd.clock import SystemClock
from chatd.config import Config, ConfigError
from chatd.operating.tracing import recording
from chatd_client import ChatClient
from tests.support.collector import Collector, collecting
from tests.support.server import Server
from tests.support.tokens import token
from tests.support.waiting import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
SECRET_WORDS = "what only the class may read"


def named(collector: Collector, name: str) -> list[str]:
    return [one.span_id.hex() for one in collector.spans if one.name == name]


async def test_from_the_call_to_the_delivery(tmp_path: Path) -> None:
    """Nobody could see where a slow message spent its time."""
    async with collecting() as collector:
        variables = {"CHATD_OTLP_URL": collector.url, "CHATD_TRACE_RATIO": "1"}
        server = Server(tmp_path, ("--demo",), variables=variables)
        await server.start()
        try:
            await talk(server)
        finally:
            await server.stop()
        await wait_until(lambda: named(collector, "fanout.deliver"))
    ours = [one for one in collector.spans if one.trace_id.hex() == TRACE]
    (call,) = (one for one in ours if one.name == "http.sendMessage")
    assert call.parent_span_id.hex() == "b7ad6b7169203331"
    below = {one.name for one in ours if one.parent_span_id == call.span_id}
    assert below == {"store.commit", "fanout.deliver"}
    assert SECRET_WORDS not in str(collector.spans)
    assert token("anna") not in str(collector.spans)


async def talk(server: Server) -> None:
    """A message with a trace, and somebody to whom it is delivered."""
    headers = {"Authorization": f"Bearer {token('anna')}"}
    traced = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    async with (
        ChatClient(server.hub_url, token("s001")) as client,
        httpx2.AsyncClient(base_url=f"{server.url}/v1", headers=headers) as http,
    ):
        started = await http.post(
            "/conversations",
            json={
                "recipients": [{"kind": "user", "id": "s001"}],
                "clientRequestId": "one",
            },
        )
        place = started.json()["conversation"]["id"]
        said = {"text": SECRET_WORDS, "clientMessageId": "m1"}
        sent = await http.post(
            f"/conversations/{place}/messages", json=said, headers=traced
        )
        assert sent.status_code == 200, sent.text
        seq = sent.json()["seq"]
        await wait_until(
            lambda: (
                (room := client.replica.rooms.get(place)) is not None
                and room.cursor >= seq
            )
        )


def test_the_extra_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A server without it would end with a traceback."""
    monkeypatch.setitem(sys.modules, "chatd.telemetry.exporting", None)
    config = Config(data_dir=tmp_path, otlp_url="http://127.0.0.1:9/v1/traces")
    with (
        pytest.raises(ConfigError, match=r"chatd\[otel\]"),
        recording(config, SystemClock()),
    ):
        raise AssertionError
