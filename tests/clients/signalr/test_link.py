"""A link's beginning, its pulse, and all the ways it can end."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from chatd_client import Address, CannotConnect, ConnectionLost, Options
from chatd_client.signalr.link import Link
from chatd_protocol.signalr import Close, Invocation, Ping
from chatd_protocol.signalr.handshake import HandshakeResponse
from chatd_protocol.signalr.session import Event
from tests.clients.scripted import Peer, Scripted, scripted
from tests.support.waiting import wait_until


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as client:
        yield client


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted() as running:
        yield running


def link(server: Scripted, http: httpx2.AsyncClient, **options: object) -> Link:
    heard: list[Event] = []
    chosen = Options(**options)  # type: ignore[arg-type]
    return Link(http, Address(server.url, "tok"), chosen, heard.append)


async def test_the_token_and_the_secret_go_where_they_belong(
    server: Scripted, http: httpx2.AsyncClient
) -> None:
    """Nobody could sign in, or tokens would end up in logs."""
    async with link(server, http):
        pass
    (request,) = server.requests
    socket = server.peers[0].web_socket
    assert request.headers["authorization"] == "Bearer tok"
    assert socket.headers["authorization"] == "Bearer tok"
    assert dict(socket.query_params) == {"id": "secret-1"}


async def test_a_ping_goes_out_at_once_and_in_silence(
    server: Scripted, http: httpx2.AsyncClient
) -> None:
    """The server would not know that somebody is there, and hang up."""

    async def script(peer: Peer) -> None:
        for _ in range(3):
            assert await peer.receive() == Ping()
        await peer.send(Close("enough"))

    server.script = script
    async with link(server, http, ping_s=0.02) as connected:
        assert str(await connected.ended) == "enough"


async def test_a_silent_server_is_lost(
    server: Scripted, http: httpx2.AsyncClient
) -> None:
    """A dead connection would look alive for ever."""
    async with link(server, http, server_timeout_s=0.5) as connected:
        assert "silent" in str(await connected.ended)


async def test_a_server_that_takes_nothing_is_lost(
    server: Scripted, http: httpx2.AsyncClient
) -> None:
    """A client with much to say would hang for as long as TCP tries to deliver it."""
    over = asyncio.Event()

    async def script(_peer: Peer) -> None:
        await over.wait()

    server.script = script
    much = Invocation("Say", ["x" * 900_000])
    async with asyncio.timeout(15):
        async with link(server, http, ping_s=0.05, server_timeout_s=0.5) as connected:
            talking = [asyncio.create_task(connected.send(much)) for _ in range(30)]
            assert "silent" in str(await connected.ended)
        await asyncio.wait(talking)
    over.set()


async def test_goodbye_is_said(server: Scripted, http: httpx2.AsyncClient) -> None:
    """The server would take an orderly end for a lost network."""
    said: list[Event] = []

    async def script(peer: Peer) -> None:
        said.append(await peer.expect(Close))

    server.script = script
    async with link(server, http):
        pass
    await wait_until(lambda: said)
    assert said == [Close()]


async def test_garbage_ends_the_link(
    server: Scripted, http: httpx2.AsyncClient
) -> None:
    """A client would go on with a server that it does not understand."""

    async def script(peer: Peer) -> None:
        await peer.send_bytes(b"\x00")
        await peer.idle()

    server.script = script
    async with link(server, http) as connected:
        assert "broke the protocol" in str(await connected.ended)


async def test_a_message_that_is_too_long_ends_the_link(
    server: Scripted, http: httpx2.AsyncClient
) -> None:
    """An event would be missing and nobody would know."""

    async def script(peer: Peer) -> None:
        await peer.send(Invocation("Event", ["x" * 2_000]))
        await peer.idle()

    server.script = script
    async with link(server, http, message_bytes_max=1_000) as connected:
        assert isinstance(await connected.ended, ConnectionLost)


async def test_a_refused_handshake(server: Scripted, http: httpx2.AsyncClient) -> None:
    """A client would come back for ever to a server that does not speak its way."""
    server.handshake = HandshakeResponse("not this protocol")
    with pytest.raises(CannotConnect, match="not this protocol") as raised:
        async with link(server, http):
            pass
    assert raised.value.permanent


async def test_nothing_is_sent_after_the_end(
    server: Scripted, http: httpx2.AsyncClient
) -> None:
    """A lost message would be taken for a sent one."""
    connected = link(server, http)
    async with connected:
        pass
    with pytest.raises(ConnectionLost):
        await connected.send(Ping())
    await connected.send_if_open(Ping())
