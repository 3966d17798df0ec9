"""If these fail, whose tokens are good is not what was configured."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatd.clock import SystemClock
from chatd.config import Config, ConfigError, IssuerSettings
from chatd.identity.issuers import issuers, signer

SECRET = "s" * 40


def settings(**changes: object) -> IssuerSettings:
    values: dict = {
        "iss": "https://lms.example",
        "algorithms": ("HS256",),
        "tenants": ("school",),
        "key": SECRET,
    }
    return IssuerSettings(**values | changes)


def test_with_nothing_configured_the_installation_is_the_issuer() -> None:
    """A newcomer's server would take no token, or be limited to one tenant."""
    (own,) = issuers(Config(secret=SECRET), SystemClock())
    assert own.iss is None
    assert own.operator
    assert own.serves("any")
    assert signer(Config(secret=SECRET), "any").key == SECRET.encode()


def test_configured_issuers_replace_it(tmp_path: Path) -> None:
    """The data folder's secret would stay a way in that nobody thinks of."""
    pem = ed25519.Ed25519PrivateKey.generate().public_key()
    text = pem.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    config = Config(
        data_dir=tmp_path,
        issuers=(
            settings(aud="chat"),
            settings(iss="b", algorithms=("EdDSA",), key=text, tenants=("b",)),
            settings(iss="c", algorithms=("RS256",), key=None, jwks_url="https://c"),
        ),
    )
    found = issuers(config, SystemClock())
    assert [issuer.iss for issuer in found] == ["https://lms.example", "b", "c"]
    assert found[0].serves("school")
    assert not found[0].serves("*")
    assert list(tmp_path.iterdir()) == []
    made = signer(config, "school")
    assert (made.iss, made.aud) == ("https://lms.example", "chat")
    with pytest.raises(ConfigError, match="tenant b"):
        signer(config, "b")


def test_a_key_that_is_none_is_told() -> None:
    """A mistyped key would be found out by the first login only."""
    wrong = settings(algorithms=("RS256",), key="not a key")
    with pytest.raises(ConfigError, match="not a PEM"):
        issuers(Config(issuers=(wrong,)), SystemClock())
