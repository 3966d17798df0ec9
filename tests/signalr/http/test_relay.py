"""If these fail, a request that reaches the wrong process is lost or misunderstood."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest

from chatd.clock import SystemClock
from chatd.signalr.tickets import TICKET_S, Siblings
from tests.signalr.raw import Raw, upgrade
from tests.signalr.sample import Sample, sample_server
from tests.support.ports import Port
from tests.support.waiting import wait_until

SECRET = b"s" * 32
HANDSHAKE = b'{"protocol":"json","version":1}\x1e'
ACCEPT = {"Accept": "text/event-stream"}


@dataclass
class Pair:
    """Two siblings, each with a client that speaks to it alone."""

    one: Sample
    two: Sample
    to_one: httpx2.AsyncClient
    to_two: httpx2.AsyncClient


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with (
        sample_server(secret=SECRET, poll_s=90.0, body_bytes=4096) as one,
        sample_server(secret=SECRET, poll_s=90.0, body_bytes=4096) as two,
        talking(one) as to_one,
        talking(two) as to_two,
    ):
        yield Pair(one, two, to_one, to_two)


@asynccontextmanager
async def talking(sample: Sample) -> AsyncIterator[httpx2.AsyncClient]:
    base = sample.url.removesuffix("/sample")
    async with httpx2.AsyncClient(base_url=base, timeout=60) as client:
        yield client


async def place_at(http: httpx2.AsyncClient, version: int = 1, bearer: str = "") -> str:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    answer = await http.post(
        f"/sample/negotiate?negotiateVersion={version}", headers=headers
    )
    said = answer.json()
    return f"/sample?id={said['connectionToken' if version else 'connectionId']}"


async def open_socket(sample: Sample, place: str) -> tuple[int, Raw]:
    """The status of an upgrade, and the socket."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sample.port)
    sample.writers.append(writer)
    raw = Raw(reader, writer)
    raw.send(upgrade(place))
    head = await raw.until(b"\r\n\r\n")
    return int(head.split()[1]), raw


# ---------------------------------------------------------------- HTTP transports


@pytest.mark.parametrize("version", [0, 1])
async def test_the_life_of_a_long_poller_elsewhere(pair: Pair, version: int) -> None:
    """Long polling would need a balancer that remembers who went where."""
    place = await place_at(pair.to_one, version)
    two = pair.to_two
    assert (await two.post(place, content=HANDSHAKE)).status_code == 200
    first = await two.get(place)
    assert (first.status_code, first.content) == (200, b"")
    second = await two.get(place)
    assert second.content.startswith(b"{}\x1e")
    assert "no-store" in second.headers["cache-control"]
    invoked = b'{"type":1,"invocationId":"1","target":"echo","arguments":[7]}\x1e'
    await two.post(place, content=invoked)
    seen = b""
    while b'"invocationId":"1"' not in seen:
        seen += (await two.get(place)).content
    assert (await two.post(place, content=b"x" * 5000)).status_code == 413
    assert (await two.delete(place)).status_code == 202
    assert (await two.get(place)).status_code in (204, 404)
    assert pair.two.hub.arrivals == []
    assert len(pair.one.hub.arrivals) == 1


async def test_an_event_stream_elsewhere(pair: Pair) -> None:
    """Events would wait in between, or a stream would outlive its client."""
    place = await place_at(pair.to_one)
    async with pair.to_two.stream("GET", place, headers=ACCEPT) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        chunks = stream.aiter_bytes()
        assert (await anext(chunks)).startswith(b":")
        await pair.to_two.post(place, content=HANDSHAKE)
        assert b"{}\x1e" in await anext(chunks)
        await wait_until(lambda: pair.one.hub.arrivals)
    await wait_until(lambda: pair.one.hub.departures, what="the owner notices")


async def test_a_poll_that_is_left_is_noticed_by_its_owner(pair: Pair) -> None:
    """What came next would be given to nobody."""
    place = await place_at(pair.to_one)
    await pair.to_two.get(place)
    await pair.to_two.post(place, content=HANDSHAKE)
    seen = b""
    while b"greeting" not in seen:
        seen += (await pair.to_two.get(place)).content
    poll = asyncio.create_task(pair.to_two.get(place))
    await wait_until(lambda: pair.one.polled() == [True])
    poll.cancel()
    await wait_until(lambda: pair.one.polled() == [False])
    pair.one.ask(lambda: pair.one.hub.context.clients.all().send("news", "kept"))
    assert b"kept" in (await pair.to_two.get(place)).content


async def test_a_relay_that_goes_down_keeps_nobody(pair: Pair) -> None:
    """It would wait for clients of others until its grace ends, and cut them off."""
    polled, streamed = await place_at(pair.to_one), await place_at(pair.to_one)
    await pair.to_two.get(polled)
    await pair.to_two.post(polled, content=HANDSHAKE)
    seen = b""
    while b"greeting" not in seen:
        seen += (await pair.to_two.get(polled)).content
    poll = asyncio.create_task(pair.to_two.get(polled))
    async with pair.to_two.stream("GET", streamed, headers=ACCEPT) as stream:
        chunks = stream.aiter_bytes()
        assert (await anext(chunks)).startswith(b":")
        await wait_until(lambda: pair.one.polled() == [True, True])
        assert not poll.done()
        pair.two.ask(lambda: asyncio.ensure_future(pair.two.server.drain()))
        async with asyncio.timeout(45):
            assert [chunk async for chunk in chunks] == []
            answer = await poll
    assert (answer.status_code, answer.content) == (200, b"")
    # Nothing is lost: what came meanwhile is in the next poll's answer.
    pair.one.ask(lambda: pair.one.hub.context.clients.all().send("news", "kept"))
    assert b"kept" in (await pair.to_one.get(polled)).content


async def test_the_owner_checks_whose_it_is(pair: Pair) -> None:
    """Somebody's connection could be used with another person's access token."""
    place = await place_at(pair.to_one, bearer="anna")
    for name, status in (("ben", 403), ("wrong", 401), ("anna", 200)):
        headers = {"Authorization": f"Bearer {name}"}
        answer = await pair.to_two.get(place, headers=headers)
        assert answer.status_code == status


async def test_an_owner_that_is_gone_is_no_connection(pair: Pair) -> None:
    """Clients would wait for a process that does not come back, not negotiate anew."""
    kept = Port()
    home = f"http://127.0.0.1:{kept.number}"
    token = Siblings(SECRET, home, SystemClock()).issue("/sample", "", "id")
    for method in ("GET", "POST", "DELETE"):
        answer = await pair.to_two.request(method, f"/sample?id={token}")
        assert answer.status_code == 404
        assert answer.text == "No Connection with that ID"


# --------------------------------------------------------------------- WebSockets


@pytest.mark.parametrize("version", [0, 1])
async def test_a_socket_opens_wherever_it_arrives(pair: Pair, version: int) -> None:
    """WebSockets would need a balancer that remembers who went where."""
    place = await place_at(pair.to_one, version, "anna")
    # Without an access token of its own: the ticket has it.
    status, _ = await open_socket(pair.two, place)
    assert status == 101
    (connection,) = pair.two.hub.context.everyone()
    assert connection.user_id == "anna"
    assert (connection.id == connection.token) == (version == 0)
    assert connection.handshake.bearer is None
    again, _ = await open_socket(pair.two, place)
    assert again == 409


async def test_a_connection_begins_once(pair: Pair) -> None:
    """A client whose connection has ended would go on, as another one."""
    place = await place_at(pair.to_one)
    # Nothing is kept for who has only negotiated.
    assert pair.one.hub.context.everyone() == []
    await pair.to_one.get(place)
    await pair.to_one.delete(place)
    await wait_until(lambda: pair.one.hub.context.everyone() == [])
    assert (await pair.to_one.get(place)).status_code == 404
    assert (await pair.to_two.get(place)).status_code == 404


async def test_two_requests_begin_one_connection(pair: Pair) -> None:
    """A stream and the handshake posted beside it would not belong together."""
    place = await place_at(pair.to_one, bearer="anna")
    answers = await asyncio.gather(
        *(pair.to_one.post(place, content=b"") for _ in range(4)),
        *(pair.to_two.post(place, content=b"") for _ in range(4)),
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len(pair.one.hub.context.everyone()) == 1
    assert pair.two.hub.context.everyone() == []


async def test_headers_of_the_negotiation_come_along(pair: Pair) -> None:
    """A browser's socket would be somebody else than its negotiation."""
    answer = await pair.to_one.post(
        "/sample/negotiate?negotiateVersion=1",
        headers={"X-Sample": "kept", "X-Other": "not kept"},
    )
    place = f"/sample?id={answer.json()['connectionToken']}"
    await open_socket(pair.two, place)
    (connection,) = pair.two.hub.context.everyone()
    assert connection.handshake.headers["x-sample"] == "kept"
    assert "x-other" not in connection.handshake.headers


@pytest.mark.parametrize(
    ("secret", "hub", "age_s", "status"),
    [
        (SECRET, "/sample", 0, 101),
        (SECRET, "/sample", TICKET_S + 2, 404),
        (SECRET, "/sample", -TICKET_S - 2, 404),
        (SECRET, "/detailed/errors", 0, 404),
        (b"t" * 32, "/sample", 0, 404),
    ],
    ids=["good", "expired", "from the future", "of another hub", "forged"],
)
async def test_only_a_ticket_that_holds_opens(
    pair: Pair, secret: bytes, hub: str, age_s: int, status: int
) -> None:
    """Old or made-up tokens would let somebody in."""

    class Past(SystemClock):
        def now_ms(self) -> int:
            return super().now_ms() - age_s * 1000

    other = Siblings(secret, "http://127.0.0.1:9", Past())
    token = other.issue(hub, "anna", "an-id", bearer="anna")
    found, _ = await open_socket(pair.two, f"/sample?id={token}")
    assert found == status


@pytest.mark.parametrize(("name", "status"), [("ben", 403), ("wrong", 401)])
async def test_a_ticket_is_its_users(pair: Pair, name: str, status: int) -> None:
    """Somebody's ticket could be used with another person's access token."""
    place = await place_at(pair.to_one, bearer="anna")
    found, _ = await open_socket(pair.two, f"{place}&access_token={name}")
    assert found == status
