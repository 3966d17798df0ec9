"""Who may open a connection, and who may go on with one."""

import httpx2
import pytest

from chatd.signalr.admission import allows_origin
from chatd.signalr.requests import Handshake
from tests.signalr.raw import dial, upgrade
from tests.signalr.sample import Sample, sample_server

ALLOWED = ("https://school.example",)


@pytest.mark.parametrize(
    ("origin", "host", "secure", "allowed"),
    [
        (None, "chat.example", True, True),
        ("https://school.example", "chat.example", True, True),
        ("https://chat.example", "chat.example", True, True),
        ("https://chat.example", "chat.example:443", True, True),
        ("https://chat.example:443", "chat.example", True, True),
        ("https://CHAT.example", "chat.example", True, True),
        ("http://chat.example", "chat.example", True, False),
        ("https://chat.example", "chat.example", False, False),
        ("https://chat.example:8443", "chat.example", True, False),
        ("https://chat.example.evil.example", "chat.example", True, False),
        ("https://school.example.evil.example", "chat.example", True, False),
        ("https://school.example, https://evil.example", "chat.example", True, False),
        ("https://me@chat.example", "chat.example", True, False),
        ("https://chat.example:port", "chat.example", True, False),
        ("null", "chat.example", True, False),
        ("", "", True, False),
    ],
)
def test_origins(origin: str | None, host: str, secure: bool, allowed: bool) -> None:
    """A page of anybody could use a signed-in person's connection, or none could."""
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    handshake = Handshake("/sample", headers, {}, secure=secure)
    assert allows_origin(handshake, ALLOWED) is allowed


async def negotiated(sample: Sample, user: str) -> str:
    async with httpx2.AsyncClient() as http:
        answer = await http.post(
            f"{sample.url}/negotiate?negotiateVersion=1",
            headers={"Authorization": f"Bearer {user}"},
        )
    token: str = answer.json()["connectionToken"]
    return token


async def upgraded(sample: Sample, token: str, bearer: str) -> bytes:
    raw = await dial(sample)
    header = f"Authorization: Bearer {bearer}\r\n" if bearer else ""
    raw.send(upgrade(f"/sample?id={token}", header))
    return (await raw.until(b"\r\n"))[9:12]


async def test_a_connection_stays_with_who_negotiated_it() -> None:
    """Somebody's connection token would be enough to speak in his name with one's own
    access token, or one whose access token ended would still get in."""
    async with sample_server() as sample:
        token = await negotiated(sample, "anna")
        assert await upgraded(sample, token, "ben") == b"403"
        assert await upgraded(sample, token, "wrong") == b"401"
        assert await upgraded(sample, token, "banned") == b"403"
        # Some clients send their access token once and no more.
        assert await upgraded(sample, token, "") == b"101"
        assert await upgraded(sample, token, "anna") == b"409"
        assert await upgraded(sample, "unknown", "anna") == b"404"


async def test_nobody_is_let_in_while_the_server_goes_down() -> None:
    """A client would be let in to be sent away at once."""
    async with sample_server() as sample:
        sample.hub.context.draining = True
        raw = await dial(sample)
        raw.send(upgrade())
        answer = await raw.rest()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1\r\n" in answer
        async with httpx2.AsyncClient() as http:
            refused = await http.post(f"{sample.url}/negotiate")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
