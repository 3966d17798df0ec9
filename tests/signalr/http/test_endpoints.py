"""If these fail, an HTTP request gets an answer that clients take for another one."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.signalr.sample import Sample, sample_server

ORIGIN = "https://school.example"
HANDSHAKE = b'{"protocol":"json","version":1}\x1e'


@pytest.fixture
async def sample() -> AsyncIterator[Sample]:
    async with sample_server(origins=(ORIGIN,), body_bytes=4096, poll_s=0.2) as running:
        yield running


@pytest.fixture
async def http(sample: Sample) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        base_url=sample.url.removesuffix("/sample"), timeout=60
    ) as client:
        yield client


async def token_of(http: httpx2.AsyncClient) -> str:
    answer = await http.post("/sample/negotiate?negotiateVersion=1")
    token: str = answer.json()["connectionToken"]
    return token


async def test_negotiation_by_version(http: httpx2.AsyncClient) -> None:
    """A client would get a secret as its public id, or no id at all."""
    new = (await http.post("/sample/negotiate?NegotiateVersion=7&id=stale")).json()
    assert new["negotiateVersion"] == 1
    assert new["connectionId"] != new["connectionToken"]
    assert "useStatefulReconnect" not in new
    names = [row["transport"] for row in new["availableTransports"]]
    assert names == ["WebSockets", "ServerSentEvents", "LongPolling"]
    old = (await http.post("/sample/negotiate")).json()
    assert (old["negotiateVersion"], "connectionToken" in old) == (0, False)
    wrong = await http.post("/sample/negotiate?negotiateVersion=x")
    assert (wrong.status_code, list(wrong.json())) == (200, ["error"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/negotiate", 405),
        ("PUT", "", 405),
        ("GET", "", 400),
        ("GET", "?id=unknown", 404),
        ("POST", "", 400),
        ("POST", "?id=unknown", 404),
        ("DELETE", "?id=unknown", 404),
    ],
)
async def test_requests_without_a_connection(
    http: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    """A client would go on with a connection that is not there."""
    assert (await http.request(method, f"/sample{path}")).status_code == status


async def test_the_life_of_a_long_poller(
    http: httpx2.AsyncClient, sample: Sample
) -> None:
    """Long polling would hang, lose a message, or never end."""
    place = f"/sample?id={await token_of(http)}"
    # One client posts its handshake before it has polled at all.
    posted = await http.post(place, content=HANDSHAKE)
    assert (posted.status_code, posted.content) == (200, b"")
    first = await http.get(place)
    assert (first.status_code, first.content) == (200, b"")
    second = await http.get(place)
    assert second.content.startswith(b"{}\x1e")
    assert "no-store" in second.headers["cache-control"]
    invoked = b'{"type":1,"invocationId":"1","target":"echo","arguments":[7]}\x1e'
    await http.post(place, content=invoked)
    seen = b""
    while b'"invocationId":"1"' not in seen:
        seen += (await http.get(place)).content
    stream = await http.get(place, headers={"Accept": "text/event-stream"})
    assert stream.status_code == 400
    assert (await http.delete(place)).status_code == 202
    assert (await http.get(place)).status_code in (204, 404)
    assert (await http.post(place, content=b"x")).status_code == 404


async def test_an_event_stream_cannot_be_deleted_or_shared(
    http: httpx2.AsyncClient,
) -> None:
    """Two pages would share one stream, each seeing half."""
    place = f"/sample?id={await token_of(http)}"
    accept = {"Accept": "text/event-stream"}
    async with http.stream("GET", place, headers=accept) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert "no-transform" in stream.headers["cache-control"]
        chunks = stream.aiter_bytes()
        assert (await anext(chunks)).startswith(b":")
        assert (await http.get(place, headers=accept)).status_code == 409
        assert (await http.delete(place)).status_code == 400
        assert (await http.get(place)).status_code == 400
        await http.post(place, content=HANDSHAKE)
        # What is said next may have come by the time that this is read.
        assert (await anext(chunks)).startswith(b"data: {}\x1e\r\n\r\n")


async def test_a_body_has_its_bound(http: httpx2.AsyncClient) -> None:
    """One request could fill the memory."""
    place = f"/sample?id={await token_of(http)}"
    assert (await http.post(place, content=b"x" * 5000)).status_code == 413


async def test_pages_of_other_origins(http: httpx2.AsyncClient) -> None:
    """A page of anybody could use a signed-in person's connection."""
    allowed = await http.post("/sample/negotiate", headers={"Origin": ORIGIN})
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert "origin" in allowed.headers["vary"].lower()
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-requested-with,authorization",
    }
    preflight = await http.options("/sample/negotiate", headers=asked)
    assert preflight.is_success
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    foreign = await http.post(
        "/sample/negotiate", headers={"Origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    assert "access-control-allow-origin" not in foreign.headers
