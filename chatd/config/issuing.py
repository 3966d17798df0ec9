"""Who may sign tokens, as the settings say it, and what is unsafe about that."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from chatd.config.addresses import is_safe_url

SECRET_BYTES_MIN = 32
"""RFC 7518, section 3.2: an HS256 key is at least as long as the hash."""

Algorithm = Literal["HS256", "RS256", "ES256", "EdDSA"]


class IssuerSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Somebody whose tokens are good, for some tenants (`"*"`: for all)."""

    iss: Annotated[str, msgspec.Meta(min_length=1)]
    algorithms: Annotated[tuple[Algorithm, ...], msgspec.Meta(min_length=1)]
    tenants: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    key: str | None = None
    jwks_url: str | None = None
    aud: str | None = None
    operator: bool = False


def issuer_problems(issuer: IssuerSettings) -> Iterator[str]:
    """Sentences for what makes its tokens forgeable, or never good."""
    symmetric = "HS256" in issuer.algorithms
    if (issuer.key is None) == (issuer.jwks_url is None):
        yield "key: give either key or jwks_url"
    if symmetric and len(issuer.algorithms) > 1:
        yield "algorithms: HS256 cannot stand beside public-key algorithms"
    if symmetric and issuer.jwks_url is not None:
        yield "jwks_url: HS256 keys are never published"
    if symmetric and len((issuer.key or "").encode()) < SECRET_BYTES_MIN:
        yield f"key: HS256 needs at least {SECRET_BYTES_MIN} bytes"
    if "*" in issuer.tenants and len(issuer.tenants) > 1:
        yield 'tenants: "*" stands alone'
    if issuer.jwks_url is not None and not is_safe_url(issuer.jwks_url):
        yield "jwks_url: needs https://, or http:// to this very machine"
