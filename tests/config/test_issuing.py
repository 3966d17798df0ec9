"""If these fail, tokens can be forged, or a good issuer is refused."""

import pytest

from chatd.config.issuing import IssuerSettings, issuer_problems

SECRET = "a secret for these tests, long enough"
GOOD = [
    {"algorithms": ("HS256",), "key": SECRET},
    {"algorithms": ("RS256", "ES256"), "jwks_url": "https://school.example/keys"},
    {"algorithms": ("EdDSA",), "jwks_url": "http://127.0.0.1:9000/keys"},
]
BAD = [
    ({"algorithms": ("HS256",), "key": SECRET[:31]}, "HS256 needs at least 32 bytes"),
    ({"algorithms": ("HS256", "RS256"), "key": SECRET}, "cannot stand beside"),
    ({"algorithms": ("RS256",)}, "either key or jwks_url"),
    ({"algorithms": ("RS256",), "jwks_url": "http://far.example/keys"}, "https://"),
]


def problems(settings: dict) -> list[str]:
    issuer = IssuerSettings(**({"iss": "school", "tenants": ("school",)} | settings))
    return list(issuer_problems(issuer))


@pytest.mark.parametrize("settings", GOOD)
def test_a_good_issuer(settings: dict) -> None:
    """A platform could not sign anybody in."""
    assert problems(settings) == []


@pytest.mark.parametrize(("settings", "sentence"), BAD)
def test_an_unsafe_one(settings: dict, sentence: str) -> None:
    """Whoever knows a public key, or guesses a short one, could sign in as anybody."""
    assert sentence in " | ".join(problems(settings))


def test_every_tenant_stands_alone() -> None:
    """A tenant named beside all of them would look like a bound."""
    assert problems({**GOOD[0], "tenants": ("*", "school")}) == [
        'tenants: "*" stands alone'
    ]
