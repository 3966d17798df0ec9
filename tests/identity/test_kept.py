"""If these fail, a secret leaks to others on the machine, or changes at a restart."""

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatd.config import Config, ConfigError
from chatd.identity.kept import deployment_secret, own_secret


def test_the_generated_secret_is_private_and_stays(tmp_path: Path) -> None:
    """Every restart would sign everybody out, or any local user could forge."""
    config = Config(data_dir=tmp_path / "data")
    secret = own_secret(config)
    assert len(secret) >= 32
    assert own_secret(config) == secret
    path = tmp_path / "data" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["secret"]


@pytest.mark.parametrize("secret", [own_secret, deployment_secret])
def test_two_that_start_at_once_agree(
    secret: Callable[[Config], bytes], tmp_path: Path
) -> None:
    """`chatd token` beside a first start would sign with a secret nobody keeps."""
    config = Config(data_dir=tmp_path)
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: secret(config), range(8)))
    assert len(made) == 1


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A start would end in a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="secret"):
        own_secret(Config(data_dir=tmp_path / "file"))


def test_what_is_configured_holds(tmp_path: Path) -> None:
    """Hosts that share no disk could not be one deployment."""
    config = Config(data_dir=tmp_path, secret="a" * 40, deployment_secret="b" * 40)
    assert own_secret(config) == b"a" * 40
    assert deployment_secret(config) == b"b" * 40
    assert list(tmp_path.iterdir()) == []


def test_the_two_are_not_the_same(tmp_path: Path) -> None:
    """Whoever may sign tokens for a platform could speak as a gateway."""
    config = Config(data_dir=tmp_path)
    assert own_secret(config) != deployment_secret(config)
