"""What the server keeps of an HTTP request, and what it must not keep."""

from chatd.signalr.requests import Handshake, read_handshake


def read(
    query: bytes = b"", *headers: tuple[bytes, bytes]
) -> tuple[Handshake, str | None]:
    return read_handshake("/hub", headers, query, client="1.2.3.4", secure=True)


def test_secrets_are_taken_out() -> None:
    """Tokens and cookies would end up in somebody's log."""
    handshake, token = read(
        b"id=secret&access_token=jwt&colour=red",
        (b"Cookie", b"session=1"),
        (b"User-Agent", b"test"),
    )
    assert token == "secret"
    assert handshake.bearer == "jwt"
    assert handshake.query == {"colour": "red"}
    assert handshake.headers == {"user-agent": "test"}


def test_the_header_wins_over_the_query() -> None:
    """An old token in an address would win over the fresh one."""
    handshake, _ = read(b"access_token=old", (b"authorization", b"bearer  new"))
    assert handshake.bearer == "new"
    other, _ = read(b"", (b"authorization", b"Basic eDp5"))
    assert other.bearer is None


def test_a_second_header_does_not_hide_the_first() -> None:
    """A page could smuggle an origin past the check."""
    handshake, _ = read(b"", (b"Origin", b"https://a"), (b"origin", b"https://b"))
    assert handshake.headers["origin"] == "https://a, https://b"


def test_names_match_in_any_case() -> None:
    """Clients spell query names as they like."""
    handshake, token = read(b"ID=1&NegotiateVersion=1")
    assert token == "1"
    assert handshake.query == {"NegotiateVersion": "1"}


def test_absurd_queries_are_not_read() -> None:
    """A thousand fields would cost a thousand entries."""
    handshake, token = read(b"&".join([b"a=1"] * 1_000))
    assert (handshake.query, token) == ({}, None)
