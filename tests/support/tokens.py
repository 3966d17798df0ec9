"""Tokens for tests, signed with the secret that test servers are started with."""

import time

import jwt

SECRET = "a secret for tests, at least thirty-two bytes long"


def token(
    user: str, *, tenant: str = "demo", ttl_s: float = 3600, scope: str | None = None
) -> str:
    """A bearer token, as an embedding application would make it."""
    claims: dict[str, object] = {
        "sub": user,
        "tenant": tenant,
        "iat": int(time.time()),
        "exp": int(time.time() + ttl_s),
    }
    if scope is not None:
        claims["scope"] = scope
    return jwt.encode(claims, SECRET, algorithm="HS256")
