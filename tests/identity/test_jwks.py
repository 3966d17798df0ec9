"""If these fail, an issuer's outage locks its users out, or a flood reaches it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from chatd.identity.jwks import DOCUMENT_BYTES_MAX, FRESH_S, RETRY_S, JwksKeys
from tests.support.counted import value
from tests.support.ports import Port
from tests.support.waiting import wait_until

EC_KEYS = {kid: ec.generate_private_key(ec.SECP256R1()) for kid in ("one", "two")}


class HandClock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.at_s = 1_000.0

    def now_ms(self) -> int:
        return round(self.at_s * 1000)

    def monotonic(self) -> float:
        return self.at_s


def document(*kids: str, **changes: object) -> bytes:
    make = jwt.get_algorithm_by_name("ES256").to_jwk
    keys = [
        json.loads(make(EC_KEYS[kid].public_key())) | {"kid": kid} | changes
        for kid in kids
    ]
    return json.dumps({"keys": keys}).encode()


class Endpoint:
    """A real HTTP server that answers as told and counts."""

    def __init__(self) -> None:
        self.url = ""
        self.body = document("one")
        self.status = "200 OK"
        self.headers = ""
        self.asked = 0

    async def answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\n"
        head += f"{self.headers}Connection: close\r\n\r\n"
        writer.write(head.encode() + self.body)
        writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    server = await asyncio.start_server(endpoint.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    endpoint.url = f"http://127.0.0.1:{port}/keys"
    async with server:
        yield endpoint


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with serving() as made:
        yield made


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def keys(endpoint: Endpoint, clock: HandClock) -> AsyncIterator[JwksKeys]:
    made = JwksKeys(endpoint.url, clock)
    yield made
    await made.stop()


async def found(keys: JwksKeys, kid: str | None) -> list[str | None]:
    return [key.kid for key in await keys.find(kid, "ES256")]


async def test_keys_are_fetched_once(keys: JwksKeys, endpoint: Endpoint) -> None:
    """Every login would wait for the issuer."""
    before = value("chatd_jwks_fetch_total", result="ok")
    answers = await asyncio.gather(*(found(keys, "one") for _ in range(20)))
    assert answers == [["one"]] * 20
    assert await found(keys, None) == ["one"]
    assert endpoint.asked == 1
    assert value("chatd_jwks_fetch_total", result="ok") == before + 1


async def test_a_key_is_for_its_algorithm(keys: JwksKeys) -> None:
    """A key could verify what it was never meant to."""
    assert await found(keys, "one") == ["one"]
    assert await keys.find("one", "RS256") == ()
    assert await keys.find("one", "HS256") == ()


async def test_random_key_ids_cost_one_fetch_in_half_a_minute(
    keys: JwksKeys, endpoint: Endpoint, clock: HandClock
) -> None:
    """Anybody could make this server flood the issuer."""
    assert await found(keys, "one") == ["one"]
    for n in range(2_000):
        assert await found(keys, f"random {n}") == []
    assert endpoint.asked == 1
    clock.at_s += RETRY_S
    for n in range(2_000):
        assert await found(keys, f"random {n}") == []
    assert endpoint.asked == 2


async def test_rotation(keys: JwksKeys, endpoint: Endpoint, clock: HandClock) -> None:
    """Tokens of a new key would be refused, or a withdrawn key would stay good."""
    assert await found(keys, "one") == ["one"]
    endpoint.body = document("two")
    clock.at_s += RETRY_S
    assert await found(keys, "two") == ["two"]
    assert await found(keys, "one") == []


async def test_old_keys_are_looked_at_again_without_waiting(
    keys: JwksKeys, endpoint: Endpoint, clock: HandClock
) -> None:
    """A withdrawn key would be good for ever, or a login would wait every time."""
    assert await found(keys, "one") == ["one"]
    endpoint.body = document("two")
    clock.at_s += FRESH_S
    assert await found(keys, "one") == ["one"]
    await wait_until(lambda: endpoint.asked == 2)

    async def known() -> list[str | None]:
        return await found(keys, "two")

    assert await wait_until(known) == ["two"]
    assert await found(keys, "one") == []


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        ("500 Down", "", b""),
        ("302 Found", "Location: http://169.254.169.254/latest\r\n", b""),
        ("200 OK", "", b"x" * (DOCUMENT_BYTES_MAX + 1)),
        ("200 OK", "", b"not json"),
        ("200 OK", "", b'{"keys": []}'),
        ("200 OK", "", b'{"keys": "none"}'),
        ("200 OK", "", document("two", use="enc")),
        ("200 OK", "", document("two", kty="XX")),
        ("200 OK", "", b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "two"}]}'),
    ],
    ids=["500", "redirect", "huge", "text", "empty", "shape", "enc", "kty", "oct"],
)
async def test_what_is_no_set_of_keys_changes_nothing(
    endpoint: Endpoint,
    keys: JwksKeys,
    clock: HandClock,
    status: str,
    headers: str,
    body: bytes,
) -> None:
    """A broken or hostile endpoint would sign people out, or plant a key."""
    assert await found(keys, "one") == ["one"]
    endpoint.status, endpoint.headers, endpoint.body = status, headers, body
    clock.at_s += FRESH_S
    assert await found(keys, "two") == []
    assert endpoint.asked == 2
    assert await found(keys, "one") == ["one"]


async def test_two_keys_of_one_id_are_both_tried(
    keys: JwksKeys, endpoint: Endpoint
) -> None:
    """A platform that names its keys alike would see half its tokens refused."""
    endpoint.body = document("one", "two", kid="same")
    assert await found(keys, "same") == ["same", "same"]


async def test_a_short_rsa_key_is_not_used(keys: JwksKeys, endpoint: Endpoint) -> None:
    """A key that can be factored would sign for everybody."""
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    text = jwt.get_algorithm_by_name("RS256").to_jwk(short)
    endpoint.body = json.dumps({"keys": [json.loads(text)]}).encode()
    assert await keys.find(None, "RS256") == ()


async def test_an_endpoint_that_is_down_from_the_start(clock: HandClock) -> None:
    """A login would fail with an error of ours instead of a refusal."""
    kept = Port()
    keys = JwksKeys(f"http://127.0.0.1:{kept.number}/keys", clock)
    before = value("chatd_jwks_fetch_total", result="failed")
    assert await found(keys, "one") == []
    assert value("chatd_jwks_fetch_total", result="failed") == before + 1
    await keys.stop()
