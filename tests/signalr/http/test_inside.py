"""If these fail, strangers can speak as siblings, or clients as other clients."""

from collections.abc import AsyncIterator, Callable

import httpx2
import pytest

from chatd.clock import SystemClock
from chatd.signalr.http.relay import VOUCHED
from chatd.signalr.tickets import RELAY_S, Siblings
from tests.signalr.sample import Sample, sample_server

SECRET = b"s" * 32
HEADER = VOUCHED.decode()
HANDSHAKE = b'{"protocol":"json","version":1}\x1e'
CLIENT = "203.0.113.9"


class Late(SystemClock):
    def now_ms(self) -> int:
        return super().now_ms() - (RELAY_S + 2) * 1000


SIBLING = Siblings(SECRET, "http://10.0.0.1:81", SystemClock())
LATE = Siblings(SECRET, "http://10.0.0.1:81", Late())
STRANGER = Siblings(b"t" * 32, "http://10.0.0.1:81", SystemClock())


@pytest.fixture
async def sample() -> AsyncIterator[Sample]:
    async with sample_server(secret=SECRET) as running:
        yield running


@pytest.fixture
async def outside(sample: Sample) -> AsyncIterator[httpx2.AsyncClient]:
    base = sample.url.removesuffix("/sample")
    async with httpx2.AsyncClient(base_url=base, timeout=60) as client:
        yield client


@pytest.fixture
async def inside(sample: Sample) -> AsyncIterator[httpx2.AsyncClient]:
    assert sample.siblings is not None
    async with httpx2.AsyncClient(base_url=sample.siblings.home, timeout=60) as client:
        yield client


async def place_of(outside: httpx2.AsyncClient) -> str:
    answer = await outside.post("/sample/negotiate?negotiateVersion=1")
    return f"/sample?id={answer.json()['connectionToken']}"


def vouch(by: Siblings = SIBLING, method: str = "GET", path: str = "/sample") -> str:
    return by.vouch(method, path, CLIENT, secure=True)


WORDS: dict[str, Callable[[], list[str]]] = {
    "none": list,
    "garbage": lambda: ["nonsense"],
    "forged": lambda: [vouch(STRANGER)],
    "method": lambda: [vouch(method="POST")],
    "path": lambda: [vouch(path="/detailed/errors")],
    "ticket": lambda: [SIBLING.issue("/sample", "", "id")],
    "two": lambda: ["nonsense", vouch()],
}
"""Said when they are tried: after half a minute every word is refused for its age."""


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
async def test_only_a_siblings_word_counts(
    outside: httpx2.AsyncClient,
    inside: httpx2.AsyncClient,
    words: Callable[[], list[str]],
) -> None:
    """Whoever reaches the inner port would be served under any name."""
    place = await place_of(outside)
    headers = [(HEADER, word) for word in words()]
    answer = await inside.get(place, headers=headers)
    assert (answer.status_code, answer.text) == (404, "")


async def test_a_siblings_word_does_not_last(
    outside: httpx2.AsyncClient, inside: httpx2.AsyncClient
) -> None:
    """A header that was overheard once would be good for ever."""
    place = await place_of(outside)
    old = await inside.get(place, headers={HEADER: vouch(LATE)})
    assert old.status_code == 404
    fresh = await inside.get(place, headers={HEADER: vouch()})
    assert fresh.status_code == 200


async def test_nothing_but_connections_is_inside(
    inside: httpx2.AsyncClient,
) -> None:
    """The inner port would be a second door to everything."""
    for method, path in (("POST", "/sample/negotiate"), ("GET", "/")):
        word = vouch(method=method, path=path)
        answer = await inside.request(method, path, headers={HEADER: word})
        assert answer.status_code == 404
    socket = {"Upgrade": "websocket", "Connection": "Upgrade", HEADER: vouch()}
    assert (await inside.get("/sample", headers=socket)).status_code == 400


async def test_the_owner_sees_the_client(
    sample: Sample, outside: httpx2.AsyncClient, inside: httpx2.AsyncClient
) -> None:
    """A page's own origin would look foreign behind TLS, or anybody could set it."""
    place = await place_of(outside)
    page = {"Origin": "https://school.example", "Host": "school.example"}
    answer = await inside.get(place, headers=page | {HEADER: vouch()})
    assert answer.status_code == 200
    # The outer door does not listen to such words, good or bad.
    told = await outside.get(place, headers=page | {HEADER: vouch()})
    assert told.status_code == 403


async def test_a_request_is_handed_on_once(inside: httpx2.AsyncClient) -> None:
    """Two processes that restarted could hand a request to and fro for ever."""
    lost = SIBLING.issue("/sample", "", "id")
    answer = await inside.get(f"/sample?id={lost}", headers={HEADER: vouch()})
    assert answer.text == "No Connection with that ID"


async def test_a_client_cannot_vouch_through_a_relay() -> None:
    """A header from outside would spoil the sibling's own, or stand in for it."""
    async with (
        sample_server(secret=SECRET) as one,
        sample_server(secret=SECRET) as two,
        httpx2.AsyncClient(timeout=60) as http,
    ):
        negotiated = await http.post(f"{one.url}/negotiate?negotiateVersion=1")
        place = f"{two.url}?id={negotiated.json()['connectionToken']}"
        answer = await http.get(place, headers={HEADER: vouch()})
        assert answer.status_code == 200
