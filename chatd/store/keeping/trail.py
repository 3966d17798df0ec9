"""The audit trail of a tenant: only ever added to, each row sealed by the one before.

`hash = SHA256(previous hash || canonical row)`. Whoever changes, removes, adds or swaps
rows behind our back has to write every hash after them anew, and then the last one is
not the one that somebody kept elsewhere (`chatd audit verify` prints it).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from chatd.domain.keeping.deeds import Deed
from chatd.store.effects import Effects
from chatd.store.transaction import Row, SqlValue, Transaction

FIRST: Final = bytes(32)
"""What stands before the first row of a tenant."""

PAGE: Final = 1000

_COLUMNS: Final = (
    "number, at_ms, actor_id, deed, about_kind, about_id, facts_json, hash"
)


@dataclass(frozen=True, slots=True)
class Note:
    """A row of the trail, written in the transaction of the deed that it tells of.

    `facts` are ids and codes: nothing that a person wrote, no name, no token.
    """

    actor_id: str
    deed: Deed
    about_kind: str
    about_id: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as it is read."""

    number: int
    at_ms: int
    actor_id: str
    deed: str
    about_kind: str
    about_id: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are wanted; absent parts leave all."""

    actor_id: str | None = None
    about_id: str | None = None
    deed: str | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What looking through a tenant's trail found.

    `number` and `hash` are of the last row; `broken` is the first row that is not as it
    was written, and `why` says what is wrong with it.
    """

    tenant: str
    number: int
    hash: bytes
    broken: int | None = None
    why: str = ""


async def note(tx: Transaction, effects: Effects, write: Note) -> None:
    """Apply a `Note`.

    Raises:
        LookupError: there is no such tenant.
    """
    head = await tx.one(
        "UPDATE audit_head SET number = number + 1 WHERE tenant = $1"
        " RETURNING number, hash",
        effects.tenant,
    )
    if head is None:
        raise LookupError("no such tenant")
    values: tuple[SqlValue, ...] = (
        effects.tenant,
        int(head[0]),
        effects.at_ms,
        write.actor_id,
        write.deed,
        write.about_kind,
        write.about_id,
        orjson.dumps(dict(write.facts), option=orjson.OPT_SORT_KEYS).decode(),
    )
    sealed = seal(bytes(head[1]), values)
    await tx.run(
        f"INSERT INTO audit (tenant, {_COLUMNS})"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *values,
        sealed,
    )
    await tx.run(
        "UPDATE audit_head SET hash = $2 WHERE tenant = $1", effects.tenant, sealed
    )


def seal(previous: bytes, values: tuple[SqlValue, ...]) -> bytes:
    """The hash of a row: tenant, then the columns in their order, as one JSON list."""
    return hashlib.sha256(previous + orjson.dumps(values)).digest()


async def begin(tx: Transaction, tenant: str) -> None:
    """Give a new tenant its trail; an old one keeps its own."""
    await tx.run(
        "INSERT INTO audit_head (tenant, number, hash) VALUES ($1, 0, $2)"
        " ON CONFLICT DO NOTHING",
        tenant,
        FIRST,
    )


async def page(
    tx: Transaction, tenant: str, wanted: Filter, before: int, limit: int
) -> list[Entry]:
    """Rows with a number below `before`, the latest first."""
    given = {
        "actor_id": wanted.actor_id,
        "about_id": wanted.about_id,
        "deed": wanted.deed,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    tests = "".join(f" AND {name} = ${at}" for at, name in enumerate(asked, 4))
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM audit WHERE tenant = $1 AND number < $2{tests}"
        " ORDER BY number DESC LIMIT $3",
        tenant,
        before,
        limit,
        *asked.values(),
    )
    return [_entry(row) for row in rows]


def _entry(row: Row) -> Entry:
    facts = orjson.loads(row[6])
    return Entry(row[0], row[1], row[2], row[3], row[4], row[5], facts)


async def trails(tx: Transaction) -> list[str]:
    """Every tenant that has a trail, or should have one."""
    rows = await tx.all(
        "SELECT id FROM tenant UNION SELECT tenant FROM audit_head"
        " UNION SELECT tenant FROM audit ORDER BY 1"
    )
    return [row[0] for row in rows]


async def verify(
    tx: Transaction, tenant: str, kept: tuple[int, bytes] | None = None
) -> Verified:
    """Look through a whole trail.

    `kept` is the number and hash of a row that somebody wrote down earlier.
    """
    number, hash_ = 0, FIRST
    while rows := await tx.all(
        f"SELECT {_COLUMNS} FROM audit WHERE tenant = $1 AND number > $2"
        " ORDER BY number LIMIT $3",
        tenant,
        number,
        PAGE,
    ):
        for row in rows:
            if row[0] != number + 1:
                return Verified(tenant, number, hash_, number + 1, "missing")
            if seal(hash_, (tenant, *row[:7])) != bytes(row[7]):
                return Verified(tenant, number, hash_, row[0], "changed")
            number, hash_ = row[0], bytes(row[7])
            if kept is not None and number == kept[0] and hash_ != kept[1]:
                return Verified(tenant, number, hash_, number, "not_as_kept")
    return await _ended(tx, Verified(tenant, number, hash_), kept)


async def _ended(
    tx: Transaction, found: Verified, kept: tuple[int, bytes] | None
) -> Verified:
    head = await tx.one(
        "SELECT number, hash FROM audit_head WHERE tenant = $1", found.tenant
    )
    ends = (found.number, found.hash)
    short = kept is not None and kept[0] > found.number
    if head is not None and (head[0], bytes(head[1])) == ends and not short:
        return found
    why = "missing" if short or (head and head[0] > found.number) else "no_end"
    return Verified(found.tenant, *ends, found.number + 1, why)
