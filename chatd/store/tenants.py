"""Tenants: one school, portal or institution each; nothing is shared between them."""

from dataclasses import dataclass

from chatd.store.effects import Effects
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class PutTenant:
    """Add the tenant of the Change, or change its name and preset."""

    name: str
    preset: str


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """A tenant; `version` counts changes of its policy."""

    id: str
    name: str
    preset: str
    version: int


async def put(tx: Transaction, effects: Effects, write: PutTenant) -> None:
    """Apply a `PutTenant`."""
    await tx.run(
        "INSERT INTO tenant (id, name, preset, version, created_at_ms, changed_in)"
        " VALUES ($1, $2, $3, 1, $4, change_mark()) ON CONFLICT (id) DO UPDATE SET"
        " name = excluded.name, preset = excluded.preset,"
        " version = tenant.version + 1, changed_in = change_mark()",
        effects.tenant,
        write.name,
        write.preset,
        effects.at_ms,
    )
    effects.facts("tenant", effects.tenant)


async def get(tx: Transaction, tenant: str) -> TenantRecord | None:
    """One tenant."""
    row = await tx.one(
        "SELECT id, name, preset, version FROM tenant WHERE id = $1", tenant
    )
    return None if row is None else TenantRecord(row[0], row[1], row[2], row[3])
