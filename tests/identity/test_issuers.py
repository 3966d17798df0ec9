"""If these fail, a secret leaks to others on the machine, or changes at a restart."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatd.clock import SystemClock
from chatd.config import Config, ConfigError, IssuerSettings
from chatd.identity.issuers import issuers, own_secret, signer

SECRET = "s" * 40


def settings(**changes: object) -> IssuerSettings:
    values: dict = {
        "iss": "https://lms.example",
        "algorithms": ("HS256",),
        "tenants": ("school",),
        "key": SECRET,
    }
    return IssuerSettings(**values | changes)


def test_the_generated_secret_is_private_and_stays(tmp_path: Path) -> None:
    """Every restart would sign everybody out, or any local user could forge."""
    config = Config(data_dir=tmp_path / "data")
    secret = own_secret(config)
    assert len(secret) >= 32
    assert own_secret(config) == secret
    path = tmp_path / "data" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["secret"]


def test_two_that_start_at_once_agree(tmp_path: Path) -> None:
    """`chatd token` beside a first start would sign with a secret nobody keeps."""
    config = Config(data_dir=tmp_path)
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: own_secret(config), range(8)))
    assert len(made) == 1


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A start would end in a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="secret"):
        own_secret(Config(data_dir=tmp_path / "file"))


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
