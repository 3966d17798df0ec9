"""If these fail, somebody can forge, replay or stretch a token."""

import base64
import json
import math
from collections import Counter
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatd import metrics
from chatd.clock import SystemClock
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.identity.claims import EVERY_TENANT
from chatd.identity.issuers import FixedKey, Issuer, Signer
from chatd.identity.tokens import TOKEN_CHARS_MAX, Verifier, mint

NOW_S = 1_763_700_000
SECRET = b"a secret for these tests, long enough"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_PEM = RSA_KEY.public_key().public_bytes(
    Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
)
GOOD = {"sub": "anna", "tenant": "demo", "iat": NOW_S, "exp": NOW_S + 60}


class FixedClock(SystemClock):
    def now_ms(self) -> int:
        return NOW_S * 1000


def own() -> Issuer:
    return Issuer(None, ("HS256",), (EVERY_TENANT,), FixedKey(SECRET), operator=True)


def school(**changes: object) -> Issuer:
    settings: dict = {
        "iss": "https://school.example",
        "algorithms": ("RS256",),
        "tenants": ("school",),
        "keys": FixedKey(RSA_KEY.public_key()),
        "aud": "chat",
    }
    return Issuer(**settings | changes)


def signed(header: dict | None = None, key: Any = SECRET, **claims: object) -> str:
    header = header or {}
    kept = {name: value for name, value in (GOOD | claims).items() if value != ""}
    algorithm = header.get("alg", "HS256")
    return jwt.encode(kept, key, algorithm=algorithm, headers=header)


def raw(header: dict, claims: dict, signature: bytes = b"x") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts)


async def refusal(token: str | None, *issuers: Issuer) -> str:
    """The counted reason; and that the answer tells nothing of it."""
    verifier = Verifier(issuers or (own(),), FixedClock())
    before = refused()
    with pytest.raises(Refused) as caught:
        await verifier.verify(token)
    assert caught.value.code == "unauthenticated"
    assert caught.value.facts == {}
    assert caught.value.__cause__ is None
    ((reason, count),) = (refused() - before).items()
    assert count == 1
    return reason


def refused() -> Counter[str]:
    """How many tokens were refused so far, by reason."""
    samples = next(iter(metrics.AUTH_FAILURES.collect())).samples
    return Counter(
        {
            one.labels["reason"]: int(one.value)
            for one in samples
            if one.name.endswith("_total")
        }
    )


async def test_a_good_token_says_who() -> None:
    """Nobody could come in, or somebody would come in as another."""
    verifier = Verifier((own(),), FixedClock())
    claims = await verifier.verify(signed(scope="directory openid admin operator"))
    assert (claims.tenant, claims.user_id) == ("demo", "anna")
    assert claims.scopes == {"directory", "admin"}
    assert claims.expires_at_ms == (NOW_S + 60) * 1000
    assert claims.operates == (EVERY_TENANT,)
    await verifier.stop()


async def test_a_minted_token_is_good_and_exact_to_the_millisecond() -> None:
    """`chatd token` would print what its own server refuses."""
    verifier = Verifier((own(),), FixedClock())
    caller = Caller("demo", "anna", frozenset({"events"}))
    claims = await verifier.verify(
        mint(Signer(SECRET), caller, NOW_S * 1000 - 877, ttl_s=60)
    )
    assert claims.issued_at_ms == NOW_S * 1000 - 877
    assert claims.scopes == {"events"}


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "HS512", ""])
async def test_the_token_does_not_choose_its_algorithm(algorithm: str) -> None:
    """An unsigned token, or one signed another way, would be taken."""
    for signature in (b"", b"x"):
        token = raw({"alg": algorithm, "typ": "JWT"}, GOOD, signature)
        assert await refusal(token) in ("algorithm", "form")


async def test_a_public_key_is_no_secret() -> None:
    """HS256 with the issuer's public RSA key would count as its signature."""
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
    claims = GOOD | {"iss": "https://school.example", "tenant": "school"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    hmac = jwt.get_algorithm_by_name("HS256")
    mac = hmac.sign(head + b"." + body, RSA_PEM.replace(b"-----", b""))
    token = b".".join((head, body, base64.urlsafe_b64encode(mac).rstrip(b"=")))
    assert await refusal(token.decode(), school()) == "algorithm"


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MII"]},
        {"jwk": {"kty": "oct", "k": "eA"}},
        {"crit": ["exp"], "exp": 1},
        {"b64": False},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
    ],
    ids=lambda header: next(iter(header)),
)
async def test_a_token_brings_no_keys_and_no_rules(header: dict) -> None:
    """A token could name the key that it is checked with."""
    body = {"alg": "HS256", "typ": "JWT"} | header
    assert await refusal(raw(body, GOOD)) == "header"


@pytest.mark.parametrize(
    "kid", ["../../../../dev/null", "' OR 1=1 --", "https://evil.example", "k" * 999]
)
async def test_a_key_id_is_only_a_name(kid: str) -> None:
    """A key id could lead to a file, a query or an address."""
    forged = signed({"kid": kid}, key=b"another secret of the attacker, long")
    assert await refusal(forged) == "signature"


@pytest.mark.parametrize("typ", ["id_token", "logout+jwt", "dpop+jwt"])
async def test_another_kind_of_token_is_not_one(typ: str) -> None:
    """An id token or a logout token would open the door."""
    assert await refusal(signed({"typ": typ})) == "type"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": ""}, "claims"),
        ({"sub": ""}, "claims"),
        ({"tenant": ""}, "claims"),
        ({"sub": 7}, "claims"),
        ({"sub": "u" * 129}, "id"),
        ({"sub": "a\0b"}, "id"),
        ({"exp": NOW_S - 31}, "expired"),
        ({"exp": 10**15}, "exp"),
        ({"exp": -1}, "exp"),
        ({"exp": "soon"}, "claims"),
        ({"nbf": NOW_S + 31}, "nbf"),
        ({"iat": NOW_S + 31}, "iat"),
        ({"iat": -5}, "iat"),
        ({"aud": "other"}, "audience"),
        ({"aud": ["other", "more"]}, "audience"),
    ],
)
async def test_claims(claims: dict, reason: str) -> None:
    """A token without a needed claim, or outside its time, would be good."""
    token = raw_signed(GOOD | claims)
    assert await refusal(token) == reason


def raw_signed(claims: dict) -> str:
    """Signed as it is: PyJWT itself would refuse to write some of these."""
    kept = {name: value for name, value in claims.items() if value != ""}
    payload = json.dumps(kept).encode()
    return jwt.PyJWS().encode(payload, SECRET, "HS256", {"typ": "JWT"})


@pytest.mark.parametrize("number", [math.nan, math.inf])
async def test_numbers_that_are_none(number: float) -> None:
    """A token would never expire."""
    assert await refusal(raw_signed(GOOD | {"exp": number})) == "claims"


async def test_clocks_may_differ_a_little() -> None:
    """A user whose LMS is half a minute off would be locked out."""
    verifier = Verifier((own(),), FixedClock())
    await verifier.verify(signed(exp=NOW_S - 29, nbf=NOW_S - 60))
    await verifier.verify(signed(iat=NOW_S + 29))


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "x",
        "a.b",
        "a.b.c.d",
        "é.é.é",
        "...",
        "!!.!!.!!",
        "e30.e30.e30",
        raw({"alg": "HS256"}, GOOD, b""),
        "[" * 5000,
        "W1tb.W1tb.W1tb",
        "x" * (TOKEN_CHARS_MAX + 1),
        "a." + "b" * 1_000_000 + ".c",
    ],
    ids=lambda token: str(token)[:8],
)
async def test_what_is_no_token(token: str | None) -> None:
    """Garbage would raise something else than the one refusal."""
    assert await refusal(token) in ("absent", "form", "header", "size")


async def test_an_issuer_is_good_for_its_tenants_only() -> None:
    """The keys of one school would open another."""
    issuers = (
        school(),
        school(iss="https://school.example.evil", tenants=("other",)),
    )

    def by_rsa(**claims: object) -> str:
        named = {"iss": "https://school.example", "aud": "chat", "tenant": "school"}
        return signed({"alg": "RS256"}, RSA_KEY, **named | claims)

    verifier = Verifier(issuers, FixedClock())
    claims = await verifier.verify(by_rsa(aud=["x", "chat"]))
    assert (claims.tenant, claims.operates) == ("school", ())
    assert await refusal(by_rsa(tenant="other"), *issuers) == "tenant"
    assert await refusal(by_rsa(iss="https://school.example/"), *issuers) == "issuer"
    assert await refusal(by_rsa(iss=""), *issuers) == "issuer"
    assert await refusal(by_rsa(aud=""), *issuers) == "audience"
    assert await refusal(by_rsa(aud="chat2"), *issuers) == "audience"


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("ES256", ec.generate_private_key(ec.SECP256R1())),
        ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
        ("RS256", RSA_KEY),
    ],
)
async def test_public_key_algorithms(algorithm: str, key: Any) -> None:
    """A platform that signs with its private key could not be used."""
    public = key.public_key()
    issuer = school(algorithms=(algorithm,), keys=FixedKey(public), aud=None)
    verifier = Verifier((issuer,), FixedClock())
    header = {"alg": algorithm}
    named = {"iss": "https://school.example", "tenant": "school"}
    assert (await verifier.verify(signed(header, key, **named))).user_id == "anna"
