"""The loopback addresses, and which of them this machine has."""

import socket
from typing import Final

import pytest


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


LOOPBACKS: Final = (
    "127.0.0.1",
    pytest.param(
        "::1",
        marks=pytest.mark.skipif(not _has_ipv6(), reason="the machine has no IPv6"),
    ),
)
"""Asked of the system and not of chatd, whose failure is no reason to skip."""
