"""Where Redis is."""

import pytest

from chatd.bus.redis.address import Address, Redis, parse


@pytest.mark.parametrize(
    ("url", "redis"),
    [
        ("redis://one", Redis((Address("one", 6379),))),
        (
            "redis://me:p%40ss@one:7000,two:7001,[::1]:7002/3",
            Redis(
                (Address("one", 7000), Address("two", 7001), Address("::1", 7002)),
                "me",
                "p@ss",
                3,
            ),
        ),
        ("redis://:pass@one", Redis((Address("one"),), None, "pass")),
        ("unix:///run/redis.sock", Redis((Address("/run/redis.sock", 0),))),
    ],
)
def test_urls(url: str, redis: Redis) -> None:
    """An operator's Redis could not be named."""
    assert parse(url) == redis


def test_tls() -> None:
    """Texts would cross a network in the clear although TLS was asked for."""
    assert parse("rediss://one").tls is not None
    assert parse("redis://one").tls is None


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://one", "redis://"),
        ("redis://:secret@", "no host"),
        ("redis://:secret@one:port", "a port"),
        ("redis://:secret@one/first", "a database"),
        ("rediss://:secret@one?ca=/nowhere", "ca: No such file"),
    ],
)
def test_unusable_urls(url: str, sentence: str) -> None:
    """A mistake would be found by nothing working, or a password would be printed."""
    with pytest.raises(ValueError, match=sentence) as refused:
        parse(url)
    assert "secret" not in str(refused.value)


def test_addresses_in_logs() -> None:
    """An operator could not tell which server a line of the log is about."""
    assert str(Address("one", 7000)) == "one:7000"
    assert str(Address("/run/redis.sock", 0)) == "/run/redis.sock"
