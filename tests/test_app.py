"""The whole installation as a process: how it starts, answers, ends and comes back."""

from pathlib import Path

import httpx2

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
