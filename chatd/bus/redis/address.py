"""Where Redis is: its URL taken apart.

    redis://[user:password@]host[:port][,host[:port]…][/db]
    rediss://… the same over TLS; ?ca=/path names the certificate authority
    unix:///path/of/the/socket

Of a Cluster any node will do, the others are asked for; several hosts in the URL serve
for the case that the first is gone.
"""

import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

PORT: Final = 6379
SCHEMES: Final = ("redis", "rediss", "unix")


@dataclass(frozen=True, slots=True)
class Address:
    """One server; a `host` that begins with a slash is a socket's path."""

    host: str
    port: int = PORT

    def __str__(self) -> str:
        return self.host if self.host.startswith("/") else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Redis:
    """How to reach a Redis and who to be there."""

    seeds: tuple[Address, ...]
    user: str | None = None
    password: str | None = None
    database: int = 0
    tls: ssl.SSLContext | None = None


def parse(url: str) -> Redis:
    """Where the URL leads.

    Raises:
        ValueError: with a sentence that does not repeat the URL, which has a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"needs one of {', '.join(f'{one}://' for one in SCHEMES)}")
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    if parts.scheme == "unix":
        seeds: tuple[Address, ...] = (Address(parts.path, 0),)
        database = "0"
    else:
        seeds = tuple(_address(host) for host in hosts.split(","))
        database = parts.path.strip("/") or "0"
    if not all(seed.host for seed in seeds):
        raise ValueError("names no host")
    if not database.isdecimal():
        raise ValueError("names a database that is not a number")
    return Redis(
        seeds,
        unquote(user) or None,
        unquote(password) or None,
        int(database),
        _tls(parts.query) if parts.scheme == "rediss" else None,
    )


def _address(text: str) -> Address:
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    if port and not port.isdecimal():
        raise ValueError("names a port that is not a number")
    return Address(unquote(host), int(port or PORT))


def _tls(query: str) -> ssl.SSLContext:
    given = parse_qs(query).get("ca", [None])[0]
    try:
        return ssl.create_default_context(cafile=given)
    except OSError as error:
        raise ValueError(f"ca: {error.strerror}") from None
