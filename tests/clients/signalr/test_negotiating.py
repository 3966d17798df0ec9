"""From a URL to a connection, and all the ways to be turned away."""

from collections.abc import AsyncIterator, Callable

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response

from chatd_client import Address, CannotConnect
from chatd_client.signalr import negotiating
from chatd_client.signalr.negotiating import negotiate, turned_away
from chatd_protocol.signalr.negotiate import (
    NegotiateRedirect,
    NegotiateRefusal,
    NegotiateResponse,
    Transport,
)
from tests.clients.scripted import Scripted, scripted, told


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as client:
        yield client


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted() as running:
        yield running


async def test_the_query_is_kept(server: Scripted, http: httpx2.AsyncClient) -> None:
    """What an application put on the URL would not reach the hub."""
    found = await negotiate(http, Address(f"{server.url}/?events=single&x=a%26b", "t"))
    (request,) = server.requests
    assert dict(request.query_params) == {
        "events": "single",
        "x": "a&b",
        "negotiateVersion": "1",
    }
    assert found.url.startswith("ws://")
    assert found.url.endswith("/hub?events=single&x=a%26b&id=secret-1")
    assert found.headers == {"Authorization": "Bearer t"}


async def test_a_redirect_is_followed_with_its_token(
    server: Scripted, http: httpx2.AsyncClient
) -> None:
    """A hosted server could not hand its clients on."""

    def answer(request: Request) -> Response:
        if request.headers["authorization"] == "Bearer first":
            return told(NegotiateRedirect(f"{server.url}?to=b", "second"))
        return told(NegotiateResponse("p", "s"))

    server.negotiate = answer
    found = await negotiate(http, Address(server.url, "first"))
    assert found.token == "second"
    assert found.url.endswith("/hub?to=b&id=s")


def redirecting(request: Request) -> Response:
    return told(NegotiateRedirect(f"http://{request.url.netloc}/hub"))


def refusing(_request: Request) -> Response:
    return told(NegotiateRefusal("full"))


def polling_only(_request: Request) -> Response:
    return told(NegotiateResponse("p", "s", (Transport("LongPolling", ("Text",)),)))


def talking(_request: Request) -> Response:
    return Response("<html>")


def unavailable(_request: Request) -> Response:
    return Response(status_code=503, headers={"Retry-After": "7"})


def unauthorized(_request: Request) -> Response:
    return Response(status_code=401)


@pytest.mark.parametrize(
    ("answer", "text", "permanent", "retry_after_s"),
    [
        (redirecting, "without end", True, None),
        (refusing, "full", False, None),
        (polling_only, "WebSockets", True, None),
        (talking, "no SignalR", False, None),
        (unavailable, "503", False, 7.0),
        (unauthorized, "401", True, None),
    ],
)
async def test_turned_away(
    server: Scripted,
    http: httpx2.AsyncClient,
    answer: Callable[[Request], Response],
    text: str,
    permanent: bool,
    retry_after_s: float | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A client would give up too early, or knock for ever at a closed door."""
    monkeypatch.setattr(negotiating, "REDIRECTS_MAX", 5)
    server.negotiate = answer
    with pytest.raises(CannotConnect, match=text) as raised:
        await negotiate(http, Address(server.url))
    assert raised.value.permanent is permanent
    assert raised.value.retry_after_s == retry_after_s


async def test_nobody_is_there(http: httpx2.AsyncClient) -> None:
    """A server that restarts would end its clients."""
    with pytest.raises(CannotConnect) as raised:
        await negotiate(http, Address("http://127.0.0.1:9/hub"))
    assert not raised.value.permanent


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), (" 3 ", 3.0), ("soon", None), ("-1", None), (None, None)],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    """A server's wish would be misread as no wish, or as a negative wait."""
    assert turned_away(503, header).retry_after_s == seconds
