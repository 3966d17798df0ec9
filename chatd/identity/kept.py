"""Secrets of the installation: configured, or made once and kept in the data folder."""

import os
import secrets
from pathlib import Path

from chatd.config import Config, ConfigError

SECRET_FILE = "secret"  # noqa: S105 - its name, not what is in it
DEPLOYMENT_FILE = "deployment-secret"


def own_secret(config: Config) -> bytes:
    """What the installation signs tokens with.

    Raises:
        ConfigError: it cannot be read or kept.
    """
    return _configured_or_kept(config.secret, config.data_dir / SECRET_FILE)


def deployment_secret(config: Config) -> bytes:
    """What the gateways of a deployment know one another by; never told to clients.

    Raises:
        ConfigError: it cannot be read or kept.
    """
    kept = config.data_dir / DEPLOYMENT_FILE
    return _configured_or_kept(config.deployment_secret, kept)


def _configured_or_kept(configured: str | None, path: Path) -> bytes:
    if configured is not None:
        return configured.encode()
    try:
        if not path.exists():
            _make_secret(path)
        return path.read_bytes()
    except OSError as error:
        raise ConfigError([f"secret: {error}"]) from None


def _make_secret(path: Path) -> None:
    """A new one, readable by its user alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, secrets.token_urlsafe(48).encode())
        os.fsync(handle)
        # A link is all or nothing: of two that start at once, one secret stays.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.close(handle)
        draft.unlink()
