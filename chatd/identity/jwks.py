"""The published keys of an issuer, kept near: a login never waits for them twice.

Known keys go on working when the endpoint is down; a key that is not known costs at
most one request in half a minute, whatever number of random key ids arrives.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chatd import metrics
from chatd.clock import Clock
from chatd.telemetry import log, spawn

FRESH_S: Final = 600.0
"""Rotated keys are announced hours ahead; ten minutes follow soon enough."""

RETRY_S: Final = 30.0
TIMEOUT_S: Final = 5.0
DOCUMENT_BYTES_MAX: Final = 256 * 1024
KEYS_MAX: Final = 64
RSA_BITS_MIN: Final = 2048


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One usable key: its id, the one algorithm it is for, and the key itself."""

    kid: str | None
    algorithm: str
    key: Any  # whatever `cryptography` has for that algorithm; PyJWT takes it back


class _Document(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class JwksKeys:
    """The keys behind one `jwks_url`."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._keys: tuple[PublicKey, ...] = ()
        self._fetched_s: float | None = None
        self._tried_s: float | None = None
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def find(self, kid: str | None, algorithm: str) -> tuple[PublicKey, ...]:
        """The keys that may have signed: of this id and algorithm; none if unknown."""
        found = self._known(kid, algorithm)
        if not found:
            await self._refresh()
            return self._known(kid, algorithm)
        if self._is_older(self._fetched_s, FRESH_S) and not self._tasks:
            spawn(self._tasks, self._refresh(), "refresh the keys of an issuer")
        return found

    async def stop(self) -> None:
        """End a refresh that is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _known(self, kid: str | None, algorithm: str) -> tuple[PublicKey, ...]:
        return tuple(
            key
            for key in self._keys
            if key.algorithm == algorithm and kid in (None, key.kid)
        )

    def _is_older(self, since_s: float | None, than_s: float) -> bool:
        return since_s is None or self._clock.monotonic() - since_s >= than_s

    async def _refresh(self) -> None:
        async with self._lock:
            if not self._is_older(self._tried_s, RETRY_S):
                return
            self._tried_s = self._clock.monotonic()
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    document = await _fetch(self._url)
                self._keys = _usable(document)
                self._fetched_s = self._clock.monotonic()
                metrics.JWKS_FETCHES.labels("ok").inc()
            except (OSError, ValueError, httpx2.HTTPError) as error:
                # The issuer's fault, whichever it is: what was known still holds.
                metrics.JWKS_FETCHES.labels("failed").inc()
                log.warning("keys not fetched", why=type(error).__name__)


async def _fetch(url: str) -> bytes:
    """The document. Raises ValueError unless it is a 200 of a bearable size."""
    async with (
        httpx2.AsyncClient(follow_redirects=False, timeout=TIMEOUT_S) as client,
        client.stream("GET", url) as response,
    ):
        if response.status_code != httpx2.codes.OK:
            raise ValueError("not a 200")
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > DOCUMENT_BYTES_MAX:
                raise ValueError("too large")
        return bytes(body)


def _usable(document: bytes) -> tuple[PublicKey, ...]:
    found = []
    for data in msgspec.json.decode(document, type=_Document).keys[:KEYS_MAX]:
        if data.get("kty") == "oct" or data.get("use") == "enc":
            continue
        try:
            key = jwt.PyJWK(data)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue  # a kind of key that we do not use, beside some that we do
        if isinstance(key.key, RSAPublicKey) and key.key.key_size < RSA_BITS_MIN:
            continue
        kid = data.get("kid")
        if kid is None or isinstance(kid, str):
            found.append(PublicKey(kid, str(key.algorithm_name), key.key))
    if not found:
        raise ValueError("no usable key")
    return tuple(found)
