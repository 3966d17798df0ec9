"""Whom a mass message means, as one statement: each person once, whatever names them.

People who cannot sign in or have no messaging are not meant, nor is the sender.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chatd.domain.people import ROLES
from chatd.store.effects import Effects
from chatd.store.people import UNITS_DEEP_MAX
from chatd.store.transaction import SqlValue, Transaction, placeholders


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is meant.

    `units` mean their people and all below, `rosters`, given as (kind, id), theirs;
    `everybody` is the whole tenant. `roles` narrow it down; none of them: all.
    """

    sender_id: str
    units: tuple[str, ...] = ()
    rosters: tuple[tuple[str, str], ...] = ()
    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class PutOrganisation:
    """This person stands for a unit, where that is shown as the sender."""

    unit_id: str
    person_id: str


class Known(Exception):
    """The unit has got its person meanwhile: decide again."""


NOBODY: Final = "none"
"""The role of who has none that there is a word for."""


async def counts(
    tx: Transaction, tenant: str, audience: Audience
) -> tuple[tuple[str, int], ...]:
    """How many are meant because of each role; a person counts for the first only."""
    (below, select), parameters = _meant(audience, 3)
    rows = await tx.all(
        f"{below} SELECT {_first_of(audience.roles)} AS of_role, count(*)"
        f" FROM ({select}) AS meant GROUP BY of_role",
        tenant,
        audience.sender_id,
        *parameters,
    )
    found = {row[0]: int(row[1]) for row in rows}
    return tuple((role, found[role]) for role in (*ROLES, NOBODY) if role in found)


async def fill(
    tx: Transaction, effects: Effects, mass_id: str, audience: Audience
) -> int:
    """Note everybody who is meant as still to be reached; answers how many."""
    (below, select), parameters = _meant(audience, 4)
    return await tx.run(
        "INSERT INTO mass_recipient (tenant, mass_id, user_id)"
        f" {below} SELECT tenant, CAST($3 AS TEXT), id FROM ({select}) AS meant",
        effects.tenant,
        audience.sender_id,
        mass_id,
        *parameters,
    )


def _first_of(roles: Sequence[str]) -> str:
    # The words are ours, out of `ROLES`; a name in quotes is in no other name.
    lines = (
        f" WHEN roles_json LIKE '%\"{role}\"%' THEN '{role}'"
        for role in ROLES
        if not roles or role in roles
    )
    return f"CASE{''.join(lines)} ELSE '{NOBODY}' END"


def _meant(audience: Audience, start: int) -> tuple[tuple[str, str], list[SqlValue]]:
    """The statement's halves, its WITH and its SELECT of people, and the parameters.

    These begin with the number `start`; the tenant and the sender are the first two.
    """
    parameters: list[SqlValue] = []

    def listed(values: Sequence[str]) -> str:
        first = start + len(parameters)
        parameters.extend(values)
        return placeholders(first, len(values))

    named = []
    if audience.units:
        named.append(
            "SELECT m.user_id FROM down JOIN roster_member m ON m.tenant = $1"
            " AND m.kind = 'unit' AND m.roster_id = down.id"
        )
    units = "NULL" if not audience.units else listed(audience.units)
    down = (
        "WITH RECURSIVE down (id, depth) AS (SELECT r.id, 0 FROM roster r"
        f" WHERE r.tenant = $1 AND r.kind = 'unit' AND r.id IN ({units}) UNION"
        " SELECT r.id, down.depth + 1 FROM down JOIN roster r ON r.tenant = $1"
        " AND r.kind = 'unit' AND r.parent_id = down.id"
        f" WHERE down.depth < {UNITS_DEEP_MAX})"
    )
    for kind in dict.fromkeys(kind for kind, _ in audience.rosters):
        ids = listed([id_ for one, id_ in audience.rosters if one == kind])
        named.append(
            "SELECT m.user_id FROM roster_member m WHERE m.tenant = $1"
            f" AND m.kind = '{_KINDS[kind]}' AND m.roster_id IN ({ids})"
        )
    if audience.users:
        named.append(
            "SELECT u.id FROM person u WHERE u.tenant = $1"
            f" AND u.id IN ({listed(audience.users)})"
        )
    among = "" if audience.everybody else f" AND p.id IN ({' UNION '.join(named)})"
    words = " OR ".join(
        f"p.roles_json LIKE '%\"{role}\"%'" for role in ROLES if role in audience.roles
    )
    fitting = f" AND ({words})" if words else ""
    select = (
        "SELECT p.tenant, p.id, p.roles_json FROM person p"
        " WHERE p.tenant = $1 AND p.id <> $2 AND p.active = 1"
        f" AND p.messaging_disabled = 0{among}{fitting}"
    )
    return (down, select), parameters


_KINDS: Final = {"course": "course", "project": "project", "group": "group"}


async def unit_names(
    tx: Transaction, tenant: str, ids: Sequence[str]
) -> dict[str, str]:
    """The names of those units that there are."""
    if not ids:
        return {}
    rows = await tx.all(
        "SELECT id, name FROM roster WHERE tenant = $1 AND kind = 'unit'"
        f" AND id IN ({placeholders(2, len(ids))})",
        tenant,
        *ids,
    )
    return dict(rows)


async def organisation(tx: Transaction, tenant: str, unit_id: str) -> str | None:
    """The id of the person that stands for a unit, if one does already."""
    row = await tx.one(
        "SELECT person_id FROM organisation WHERE tenant = $1 AND unit_id = $2",
        tenant,
        unit_id,
    )
    return None if row is None else str(row[0])


async def put_organisation(
    tx: Transaction, effects: Effects, write: PutOrganisation
) -> None:
    """Apply a `PutOrganisation`.

    Raises:
        Known: another one stands for it.
    """
    await tx.run(
        "INSERT INTO organisation (tenant, unit_id, person_id) VALUES ($1, $2, $3)"
        " ON CONFLICT (tenant, unit_id) DO NOTHING",
        effects.tenant,
        write.unit_id,
        write.person_id,
    )
    if await organisation(tx, effects.tenant, write.unit_id) != write.person_id:
        raise Known
