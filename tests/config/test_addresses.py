"""If these fail, a server trusts a way that anybody can read, or refuses a good one."""

import pytest

from chatd.config.addresses import (
    host_of_internal,
    is_inside,
    is_loopback,
    is_origin,
    is_safe_url,
    is_web_url,
)


@pytest.mark.parametrize(
    ("url", "web", "origin", "safe"),
    [
        ("https://chat.example", True, True, True),
        ("https://chat.example:8443", True, True, True),
        ("https://chat.example/", True, False, True),
        ("http://chat.example", True, True, False),
        ("http://127.0.0.1:8080", True, True, True),
        ("http://localhost", True, True, True),
        ("http://[::1]:80", True, True, True),
        ("http://localhost.evil.example", True, True, False),
        ("ftp://chat.example", False, False, False),
        ("chat.example", False, False, False),
        ("https://", False, False, True),
        ("*", False, False, False),
    ],
)
def test_urls(url: str, web: bool, origin: bool, safe: bool) -> None:
    """Tokens would be sent in clear, or pages of nobody be let in."""
    assert (is_web_url(url), is_origin(url), is_safe_url(url)) == (web, origin, safe)


@pytest.mark.parametrize(
    ("host", "inside", "loopback"),
    [
        ("127.0.0.1", True, True),
        ("localhost", True, True),
        ("::1", True, True),
        ("10.1.2.3", True, False),
        ("0.0.0.0", False, False),
        ("::", False, False),
        ("8.8.8.8", False, False),
        ("chat.example", False, False),
    ],
)
def test_hosts(host: str, inside: bool, loopback: bool) -> None:
    """Numbers that are for operators would stand in the open."""
    assert (is_inside(host), is_loopback(host)) == (inside, loopback)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://10.0.0.1:9000", "10.0.0.1"),
        ("http://[fd00::1]:9000", "fd00::1"),
        ("http://10.0.0.1", None),
        ("https://10.0.0.1:9000", None),
        ("http://10.0.0.1:9000/path", None),
        ("http://10.0.0.1:many", None),
    ],
)
def test_internal_urls(url: str, host: str | None) -> None:
    """Gateways would look for each other where nobody is."""
    assert host_of_internal(url) == host
