"""Verifying and making tokens. Whatever is wrong with one, the answer is the same.

Nothing in a token decides how it is checked: the issuer it names pins the algorithms,
and its keys come from the configuration, never from the token's own header.
"""

import base64
from collections.abc import Iterable
from typing import Final

import jwt
import msgspec

from chatd import metrics
from chatd.clock import Clock
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.identity.claims import Claims
from chatd.identity.issuers import Issuer, Signer
from chatd.telemetry import log

TOKEN_CHARS_MAX: Final = 8 * 1024
ID_CHARS_MAX: Final = 128
LEEWAY_S: Final = 30.0
"""Clocks of two machines differ; more than a minute would be no check any more."""

SECONDS_MAX: Final = 253_402_300_799
"""The last second of the year 9999, the last that a date can be written for."""

SCOPES: Final = frozenset(
    {"directory", "messages", "events", "moderation", "safeguarding", "admin"}
)
TYPES: Final = frozenset({None, "jwt", "at+jwt", "application/at+jwt"})
STRANGE_HEADERS: Final = frozenset(
    {"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"}
)
"""Headers that bring keys, or rules of their own: no issuer of ours needs them."""


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str | None = None
    typ: str | None = None


class _Payload(msgspec.Struct, frozen=True):
    sub: str
    tenant: str
    exp: float
    iat: float | None = None
    nbf: float | None = None
    iss: str | None = None
    aud: str | list[str] | None = None
    scope: str | None = None


class _Bad(Exception):
    """Why a token is not good; never told to the one who brought it."""


class Verifier:
    """Tells whose tokens are good."""

    def __init__(self, issuers: Iterable[Issuer], clock: Clock) -> None:
        self._issuers = tuple(issuers)
        self._clock = clock
        self._jws = jwt.PyJWS()

    async def verify(self, token: str | None) -> Claims:
        """What the token says.

        Raises:
            Refused: `unauthenticated`, without a word about why.
        """
        try:
            return await self._verified(token)
        except _Bad as bad:
            metrics.AUTH_FAILURES.labels(str(bad)).inc()
            log.debug("token refused", why=str(bad))
            raise Refused("unauthenticated") from None

    async def stop(self) -> None:
        """Let go of the fetching of keys."""
        for issuer in self._issuers:
            await issuer.keys.stop()

    async def _verified(self, token: str | None) -> Claims:
        if not token:
            raise _Bad("absent")
        if len(token) > TOKEN_CHARS_MAX:
            raise _Bad("size")
        header = _header(token)
        payload = _payload(token)
        issuer = self._issuer(payload.iss)
        if header.alg not in issuer.algorithms:
            raise _Bad("algorithm")
        for found in await issuer.keys.find(header.kid, header.alg):
            if self._is_signed(token, found.key, header.alg):
                return self._claims(payload, issuer)
        raise _Bad("signature")

    def _issuer(self, iss: str | None) -> Issuer:
        for issuer in self._issuers:
            if issuer.iss in (None, iss):
                return issuer
        raise _Bad("issuer")

    def _is_signed(self, token: str, key: object, algorithm: str) -> bool:
        try:
            # PyJWT types the key by the algorithm, which is only known here.
            self._jws.decode_complete(token, key, [algorithm])  # type: ignore[arg-type]
        except (jwt.PyJWTError, ValueError, TypeError):
            return False
        return True

    def _claims(self, payload: _Payload, issuer: Issuer) -> Claims:
        _check_times(payload, self._clock.now_ms() / 1000)
        audiences = [payload.aud] if isinstance(payload.aud, str) else payload.aud
        if (issuer.aud or audiences) and issuer.aud not in (audiences or ()):
            raise _Bad("audience")
        for name in (payload.sub, payload.tenant):
            if not 0 < len(name) <= ID_CHARS_MAX or "\0" in name:
                raise _Bad("id")
        if not issuer.serves(payload.tenant):
            raise _Bad("tenant")
        return Claims(
            tenant=payload.tenant,
            user_id=payload.sub,
            scopes=SCOPES.intersection((payload.scope or "").split()),
            issued_at_ms=round((payload.iat or 0.0) * 1000),
            expires_at_ms=round(payload.exp * 1000),
            operates=issuer.tenants if issuer.operator else (),
        )


def mint(signer: Signer, caller: Caller, now_ms: int, ttl_s: int) -> str:
    """A signed token. `iat` has milliseconds: ending sessions is exact to them."""
    claims: dict[str, object] = {
        "sub": caller.user_id,
        "tenant": caller.tenant,
        "iat": now_ms / 1000,
        "exp": now_ms // 1000 + ttl_s,
    }
    scope = " ".join(sorted(caller.scopes)) or None
    named = {"iss": signer.iss, "aud": signer.aud, "scope": scope}
    claims |= {name: value for name, value in named.items() if value is not None}
    return jwt.encode(claims, signer.key, algorithm="HS256")


def _header(token: str) -> _Header:
    raw = _part(token, 0)
    try:
        names = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        header = msgspec.json.decode(raw, type=_Header)
    except (msgspec.DecodeError, RecursionError):
        raise _Bad("header") from None
    if STRANGE_HEADERS & names.keys():
        raise _Bad("header")
    if (header.typ and header.typ.lower()) not in TYPES:
        raise _Bad("type")
    return header


def _payload(token: str) -> _Payload:
    try:
        return msgspec.json.decode(_part(token, 1), type=_Payload)
    except (msgspec.DecodeError, RecursionError):
        raise _Bad("claims") from None


def _check_times(payload: _Payload, now_s: float) -> None:
    """A token without `iat` is as old as can be: ending sessions ends it, too."""
    if not 0 < payload.exp <= SECONDS_MAX:
        raise _Bad("exp")
    if payload.exp + LEEWAY_S <= now_s:
        raise _Bad("expired")
    if not (payload.nbf or 0.0) <= now_s + LEEWAY_S:
        raise _Bad("nbf")
    if not 0 <= (payload.iat or 0.0) <= now_s + LEEWAY_S:
        raise _Bad("iat")


def _part(token: str, at: int) -> bytes:
    parts = token.split(".")
    if len(parts) != 3 or not all(parts) or not token.isascii():
        raise _Bad("form")
    try:
        return base64.urlsafe_b64decode(parts[at] + "=" * (-len(parts[at]) % 4))
    except ValueError:
        raise _Bad("form") from None
