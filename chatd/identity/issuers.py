"""Whose tokens are good here: each issuer's keys, algorithms, audience and tenants.

With no issuer configured there is one, the installation itself, for all tenants: its
secret is `CHATD_SECRET` or was generated into the data folder.
"""

from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from chatd.clock import Clock
from chatd.config import Config, ConfigError, IssuerSettings
from chatd.identity.claims import EVERY_TENANT
from chatd.identity.jwks import JwksKeys, PublicKey
from chatd.identity.kept import own_secret


class Keys(Protocol):
    """Where an issuer's keys are found."""

    async def find(self, kid: str | None, algorithm: str) -> tuple[PublicKey, ...]:
        """The keys that may have signed a token with this key id and algorithm."""

    async def stop(self) -> None:
        """Let go of whatever is under way."""


class FixedKey:
    """One key for all of an issuer's tokens, whatever key id they name."""

    def __init__(self, key: object) -> None:
        self._key = key

    async def find(self, kid: str | None, algorithm: str) -> tuple[PublicKey, ...]:
        """The one key."""
        return (PublicKey(kid, algorithm, self._key),)

    async def stop(self) -> None:
        """Nothing is under way, ever."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """`iss` is None for the installation itself, where the key alone tells."""

    iss: str | None
    algorithms: tuple[str, ...]
    tenants: tuple[str, ...]
    keys: Keys
    aud: str | None = None
    operator: bool = False

    def serves(self, tenant: str) -> bool:
        """Whether this issuer's tokens are good for the tenant."""
        return EVERY_TENANT in self.tenants or tenant in self.tenants


@dataclass(frozen=True, slots=True)
class Signer:
    """What is needed to make a token that this server will take."""

    key: bytes
    iss: str | None = None
    aud: str | None = None


def issuers(config: Config, clock: Clock) -> tuple[Issuer, ...]:
    """The configured issuers, or the installation itself.

    Raises:
        ConfigError: a public key cannot be read, or the secret is unsafe.
    """
    if config.issuers:
        return tuple(_issuer(settings, clock) for settings in config.issuers)
    own = FixedKey(own_secret(config))
    return (Issuer(None, ("HS256",), (EVERY_TENANT,), own, operator=True),)


def signer(config: Config, tenant: str) -> Signer:
    """The key by which this installation itself can sign for a tenant.

    Raises:
        ConfigError: only others, who keep their private keys, sign for it.
    """
    if not config.issuers:
        return Signer(own_secret(config))
    for settings in config.issuers:
        tenants = settings.tenants
        serves = EVERY_TENANT in tenants or tenant in tenants
        if serves and settings.key is not None and "HS256" in settings.algorithms:
            return Signer(settings.key.encode(), settings.iss, settings.aud)
    raise ConfigError([f"issuers: none with an HS256 key signs for tenant {tenant}"])


def _issuer(settings: IssuerSettings, clock: Clock) -> Issuer:
    return Issuer(
        settings.iss,
        settings.algorithms,
        settings.tenants,
        _keys(settings, clock),
        settings.aud,
        settings.operator,
    )


def _keys(settings: IssuerSettings, clock: Clock) -> Keys:
    if settings.jwks_url is not None:
        return JwksKeys(settings.jwks_url, clock)
    key = (settings.key or "").encode()
    if "HS256" in settings.algorithms:
        return FixedKey(key)
    try:
        return FixedKey(load_pem_public_key(key))
    except ValueError:
        raise ConfigError(
            [f"issuers: the key of {settings.iss} is not a PEM public key"]
        ) from None
