"""The whole installation as a process: how it starts, answers, ends and comes back."""

import re
import signal
from pathlib import Path

import httpx2

from chatd.telemetry.building import commit
from chatd_client import ChatClient
from chatd_protocol.chat.requests import Recipient, StartConversation
from chatd_protocol.chat.results import ConversationStarted
from tests.conftest import Serve
from tests.support.server import Server, serving
from tests.support.tokens import token
from tests.support.waiting import wait_until


async def get(server: Server, path: str, user: str = "anna") -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token(user)}"}
    async with httpx2.AsyncClient(headers=headers) as http:
        return await http.get(server.url + path)


async def test_both_doors_are_open(serve: Serve) -> None:
    """`./dev serve` would listen and have nothing to say."""
    server = await serve("--demo")
    for path in ("/livez", "/readyz", "/v1/openapi.json", "/v1/asyncapi.json"):
        assert (await get(server, path)).status_code == 200, path
    welcome = await get(server, "/")
    assert "default-src 'none'" in welcome.headers["content-security-policy"]
    assert (await get(server, "/v1/me")).json()["person"]["id"] == "anna"
    async with ChatClient(server.url, token("anna")) as client:
        assert client.connected


async def test_the_demo_is_made_only_when_asked_for(serve: Serve) -> None:
    """A school's server would come with people whom nobody knows."""
    server = await serve()
    assert "#token=" not in server.log
    assert (await get(server, "/v1/me")).status_code == 401


async def test_the_login_links_work(serve: Serve) -> None:
    """A newcomer could not get in."""
    server = await serve("--demo")
    await wait_until(lambda: server.log.count("/#token=") == 3)
    links = [line for line in server.log.splitlines() if "/#token=" in line]
    assert [line.split()[0] for line in links] == ["admin", "teacher", "student"]
    for line in links:
        headers = {"Authorization": f"Bearer {line.partition('#token=')[2]}"}
        async with httpx2.AsyncClient(headers=headers) as http:
            assert (await http.get(f"{server.url}/v1/me")).status_code == 200


async def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    """An orderly end would lose what was acknowledged, or the demo be made twice."""
    async with (
        serving(tmp_path, "--demo") as server,
        ChatClient(server.url, token("anna")) as client,
    ):
        started = await client.call(
            StartConversation(
                recipients=(Recipient(kind="user", id="s001"),),
                client_request_id="restart",
            ),
            ConversationStarted,
        )
        assert started.conversation is not None
        kept = await client.send(started.conversation.id, "Remember this")
        await server.stop()
        await server.start()
        again = await client.send(started.conversation.id, "And this")
        assert again.seq == kept.seq + 1


async def test_nothing_is_complained_of(tmp_path: Path) -> None:
    """Starting and stopping would fill the log with errors that mean nothing."""
    async with serving(tmp_path, "--demo") as server:
        async with ChatClient(server.url, token("anna")):
            pass
        await server.stop()
        assert server.complaints == ""


async def test_the_end_is_announced_before_the_listener_closes(tmp_path: Path) -> None:
    """A balancer would send clients to a port that has just closed."""
    async with serving(tmp_path, "--drain-notice", "4") as server:
        assert (await get(server, "/readyz")).json()["status"] == "ready"
        server.send_signal(signal.SIGTERM)

        async def unready() -> bool:
            return (await get(server, "/readyz")).status_code == 503

        await wait_until(unready)
        assert (await get(server, "/readyz")).json()["checks"] == {
            "serving": False,
            "store": True,
            "schema": True,
            "disk": True,
        }
        assert (await get(server, "/v1/limits")).status_code == 200
        await server.stop()
        assert server.returncode == 0


async def test_metrics_on_a_port_of_their_own(tmp_path: Path) -> None:
    """Prometheus would have to be given a token, or strangers the numbers."""
    async with serving(tmp_path, "--demo", "--metrics-port", "0") as server:
        found = re.search(r'"url":"(http://127\.0\.0\.1:\d+)"', server.log)
        assert found is not None
        async with (
            ChatClient(server.url, token("anna")),
            httpx2.AsyncClient(base_url=found[1]) as http,
        ):
            text = (await http.get("/metrics")).text
            assert 'chatd_connections{state="open"} 1.0' in text
            assert 'chatd_ready{check="store"} 1.0' in text
            assert f'chatd_build_info{{commit="{commit()}",' in text
        assert (await get(server, "/metrics")).status_code == 404


async def test_metrics_for_neighbours(serve: Serve) -> None:
    """A newcomer would see no metrics, or one behind a proxy show them to everybody."""
    near = await serve()
    async with httpx2.AsyncClient() as http:
        assert (await http.get(f"{near.url}/metrics")).status_code == 200
    far = await serve("--public-url", "https://chat.example")
    async with httpx2.AsyncClient() as http:
        assert (await http.get(f"{far.url}/metrics")).status_code == 401
