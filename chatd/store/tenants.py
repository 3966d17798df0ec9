"""Tenants: one school, portal or institution each; nothing is shared between them."""

from dataclasses import dataclass

from chatd.store.effects import Effects
from chatd.store.keeping import trail
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class PutTenant:
    """Add the tenant of the Change, or change its name and preset.

    Another preset drops what was changed of the old one.
    """

    name: str
    preset: str


@dataclass(frozen=True, slots=True)
class PutPolicy:
    """Give the tenant of the Change this preset, with these changes (JSON) on it."""

    preset: str
    changes: str


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """A tenant; `version` counts changes of its policy.

    `changes` is the JSON of what differs from the preset.
    """

    id: str
    name: str
    preset: str
    version: int
    changes: str = "{}"


async def put(tx: Transaction, effects: Effects, write: PutTenant) -> None:
    """Apply a `PutTenant`."""
    await tx.run(
        "INSERT INTO tenant (id, name, preset, version, created_at_ms, changed_in)"
        " VALUES ($1, $2, $3, 1, $4, change_mark()) ON CONFLICT (id) DO UPDATE SET"
        " name = excluded.name, preset = excluded.preset, policy_changes_json ="
        " CASE WHEN tenant.preset = excluded.preset THEN tenant.policy_changes_json"
        " ELSE '{}' END, version = tenant.version + 1, changed_in = change_mark()",
        effects.tenant,
        write.name,
        write.preset,
        effects.at_ms,
    )
    await trail.begin(tx, effects.tenant)
    effects.facts("tenant", effects.tenant)


async def put_policy(tx: Transaction, effects: Effects, write: PutPolicy) -> None:
    """Apply a `PutPolicy`."""
    await tx.run(
        "UPDATE tenant SET preset = $2, policy_changes_json = $3,"
        " version = version + 1, changed_in = change_mark() WHERE id = $1",
        effects.tenant,
        write.preset,
        write.changes,
    )
    effects.facts("tenant", effects.tenant)


async def every(tx: Transaction) -> list[str]:
    """The ids of all tenants."""
    return [row[0] for row in await tx.all("SELECT id FROM tenant ORDER BY id")]


async def get(tx: Transaction, tenant: str) -> TenantRecord | None:
    """One tenant."""
    row = await tx.one(
        "SELECT id, name, preset, version, policy_changes_json FROM tenant"
        " WHERE id = $1",
        tenant,
    )
    return None if row is None else TenantRecord(*row)
