"""`chatd audit verify`: is every tenant's trail as it was written?

Nobody but the database's owner can change it, and no row can be changed alone. Whoever
rewrites all of it is found out by the number and hash of a row that was kept elsewhere.
"""

from collections.abc import Mapping

from chatd.clock import Clock
from chatd.config import Config
from chatd.store.engine.opening import open_store
from chatd.store.keeping import trail
from chatd.store.keeping.trail import Verified

Kept = Mapping[str, tuple[int, bytes]]
"""Tenant → number and hash of a row of its trail, from an earlier look."""


def kept_from(values: tuple[str, ...]) -> Kept:
    """What `TENANT:NUMBER:HASH` says, for each.

    Raises:
        ValueError: one of them is not written like this.
    """
    found: dict[str, tuple[int, bytes]] = {}
    for value in values:
        try:
            # A tenant's id may hold colons.
            tenant, number, hash_ = value.rsplit(":", 2)
            found[tenant] = (int(number), bytes.fromhex(hash_))
        except ValueError:
            raise ValueError(f"{value} is not TENANT:NUMBER:HASH") from None
    return found


async def verify(
    config: Config, clock: Clock, tenant: str | None, kept: Kept
) -> list[Verified]:
    """Look through the trail of one tenant or of all; the server may be running.

    Raises:
        SchemaError: the database cannot be used.
        Refused: it does not answer.
    """
    store = await open_store(config.database, clock=clock, on_committed=lambda _: None)
    try:
        known = {*await store.read(trail.trails), *kept}
        wanted = sorted(known) if tenant is None else [tenant]
        return [await store.read(trail.verify, one, kept.get(one)) for one in wanted]
    finally:
        await store.close()


def line(found: Verified) -> str:
    """What was found, on one line, the way that `kept_from` reads it."""
    end = f"{found.tenant}:{found.number}:{found.hash.hex()}"
    if found.broken is None:
        return f"{end} ok"
    return f"{end} broken at {found.broken}: {WHY[found.why]}"


WHY: Mapping[str, str] = {
    "missing": "the row is missing",
    "changed": "the row is not as it was written",
    "no_end": "the end of the trail is not where it was",
    "not_as_kept": "the row is another one than the one that was kept",
}
"""A code of `Verified.why` in words."""
