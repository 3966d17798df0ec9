"""Rosters: courses, projects, groups and units with their people, as the LMS says."""

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.store.effects import Effects
from chatd.store.people import UNITS_DEEP_MAX, like_part
from chatd.store.transaction import Row, SqlValue, Transaction, placeholders


@dataclass(frozen=True, slots=True)
class PutRoster:
    """Add a roster, or replace its facts; its members stay."""

    kind: str
    id: str
    name: str
    url: str | None = None
    parent_id: str | None = None
    course_id: str | None = None
    details: str = "{}"


@dataclass(frozen=True, slots=True)
class RemoveRoster:
    """Remove a roster and all its memberships."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class PutRosterMember:
    """Put a person on a roster, or change the role there."""

    kind: str
    roster_id: str
    user_id: str
    role: str


@dataclass(frozen=True, slots=True)
class RemoveRosterMember:
    """Take a person off a roster."""

    kind: str
    roster_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class RosterRecord:
    """A roster; `size` counts its people."""

    kind: str
    id: str
    name: str
    version: int
    size: int
    url: str | None
    parent_id: str | None
    course_id: str | None
    details: str


async def put(tx: Transaction, effects: Effects, write: PutRoster) -> None:
    """Apply a `PutRoster`; where it stands and what it is connects its people."""
    before = await get(tx, effects.tenant, write.kind, write.id)
    if before is not None and (
        (before.parent_id, before.details) != (write.parent_id, write.details)
    ):
        for user_id in await below(tx, effects.tenant, write.kind, write.id):
            await effects.bump_person(tx, user_id)
    await tx.run(
        "INSERT INTO roster (tenant, kind, id, name, name_folded, url, parent_id,"
        " course_id, details_json, version)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)"
        " ON CONFLICT (tenant, kind, id) DO UPDATE SET name = excluded.name,"
        " name_folded = excluded.name_folded, url = excluded.url,"
        " parent_id = excluded.parent_id, course_id = excluded.course_id,"
        " details_json = excluded.details_json, version = roster.version + 1",
        effects.tenant,
        write.kind,
        write.id,
        write.name,
        write.name.casefold(),
        write.url,
        write.parent_id,
        write.course_id,
        write.details,
    )
    effects.facts("roster", f"{write.kind}:{write.id}")


async def below(
    tx: Transaction, tenant: str, kind: str, roster_id: str
) -> tuple[str, ...]:
    """Everybody on a roster and, of a unit, on those below it."""
    rows = await tx.all(
        "WITH RECURSIVE down (id, depth) AS (SELECT id, 0 FROM roster"
        " WHERE tenant = $1 AND kind = $2 AND id = $3 UNION ALL"
        " SELECT r.id, down.depth + 1 FROM down JOIN roster r ON r.tenant = $1"
        " AND r.kind = $2 AND r.parent_id = down.id WHERE down.depth < $4)"
        " SELECT DISTINCT m.user_id FROM down JOIN roster_member m ON m.tenant = $1"
        " AND m.kind = $2 AND m.roster_id = down.id ORDER BY m.user_id",
        tenant,
        kind,
        roster_id,
        UNITS_DEEP_MAX,
    )
    return tuple(row[0] for row in rows)


async def remove(tx: Transaction, effects: Effects, write: RemoveRoster) -> None:
    """Apply a `RemoveRoster`."""
    for user_id in await below(tx, effects.tenant, write.kind, write.id):
        await effects.bump_person(tx, user_id)
    await tx.run(
        "DELETE FROM roster_member WHERE tenant = $1 AND kind = $2 AND roster_id = $3",
        effects.tenant,
        write.kind,
        write.id,
    )
    await tx.run(
        "DELETE FROM roster WHERE tenant = $1 AND kind = $2 AND id = $3",
        effects.tenant,
        write.kind,
        write.id,
    )
    effects.facts("roster", f"{write.kind}:{write.id}")


async def put_member(tx: Transaction, effects: Effects, write: PutRosterMember) -> None:
    """Apply a `PutRosterMember`."""
    await tx.run(
        "INSERT INTO roster_member (tenant, kind, roster_id, user_id, role)"
        " VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (tenant, kind, roster_id, user_id)"
        " DO UPDATE SET role = excluded.role",
        effects.tenant,
        write.kind,
        write.roster_id,
        write.user_id,
        write.role,
    )
    await _members_moved(tx, effects, write.kind, write.roster_id, write.user_id)


async def remove_member(
    tx: Transaction, effects: Effects, write: RemoveRosterMember
) -> None:
    """Apply a `RemoveRosterMember`."""
    await tx.run(
        "DELETE FROM roster_member"
        " WHERE tenant = $1 AND kind = $2 AND roster_id = $3 AND user_id = $4",
        effects.tenant,
        write.kind,
        write.roster_id,
        write.user_id,
    )
    await _members_moved(tx, effects, write.kind, write.roster_id, write.user_id)


async def _members_moved(
    tx: Transaction, effects: Effects, kind: str, roster_id: str, user_id: str
) -> None:
    await tx.run(
        "UPDATE roster SET version = version + 1"
        " WHERE tenant = $1 AND kind = $2 AND id = $3",
        effects.tenant,
        kind,
        roster_id,
    )
    effects.facts("roster", f"{kind}:{roster_id}")
    await effects.bump_person(tx, user_id)


_COLUMNS = (
    "r.kind, r.id, r.name, r.version, (SELECT count(*) FROM roster_member m"
    " WHERE m.tenant = r.tenant AND m.kind = r.kind AND m.roster_id = r.id),"
    " r.url, r.parent_id, r.course_id, r.details_json"
)


def _to_record(row: Row) -> RosterRecord:
    return RosterRecord(
        kind=row[0],
        id=row[1],
        name=row[2],
        version=row[3],
        size=row[4],
        url=row[5],
        parent_id=row[6],
        course_id=row[7],
        details=row[8],
    )


async def get(
    tx: Transaction, tenant: str, kind: str, roster_id: str
) -> RosterRecord | None:
    """One roster."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM roster r"
        " WHERE r.tenant = $1 AND r.kind = $2 AND r.id = $3",
        tenant,
        kind,
        roster_id,
    )
    return None if row is None else _to_record(row)


async def without_conversation(
    tx: Transaction, tenant: str, kind: str, after_id: str, limit: int
) -> list[RosterRecord]:
    """Rosters of a kind that no living conversation follows, by their ids."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM roster r"
        " WHERE r.tenant = $1 AND r.kind = $2 AND r.id > $3 AND NOT EXISTS"
        " (SELECT 1 FROM conversation c WHERE c.tenant = r.tenant"
        " AND c.roster_kind = r.kind AND c.roster_id = r.id AND c.state <> 'deleted')"
        " ORDER BY r.id LIMIT $4",
        tenant,
        kind,
        after_id,
        limit,
    )
    return [_to_record(row) for row in rows]


async def members(
    tx: Transaction, tenant: str, kind: str, roster_id: str
) -> tuple[tuple[str, str], ...]:
    """(user, role) of everybody on a roster."""
    rows = await tx.all(
        "SELECT user_id, role FROM roster_member"
        " WHERE tenant = $1 AND kind = $2 AND roster_id = $3 ORDER BY user_id",
        tenant,
        kind,
        roster_id,
    )
    return tuple((row[0], row[1]) for row in rows)


async def member_ids(
    tx: Transaction, tenant: str, kind: str, roster_id: str
) -> tuple[str, ...]:
    """Everybody on a roster."""
    people = await members(tx, tenant, kind, roster_id)
    return tuple(user_id for user_id, _ in people)


async def roles_on(
    tx: Transaction, tenant: str, kind: str, roster_id: str, user_ids: Sequence[str]
) -> dict[str, str]:
    """The roles that these people have on one roster, of those who are on it."""
    rows = await tx.all(
        "SELECT user_id, role FROM roster_member"
        " WHERE tenant = $1 AND kind = $2 AND roster_id = $3"
        f" AND user_id IN ({placeholders(4, len(user_ids))})",
        tenant,
        kind,
        roster_id,
        *user_ids,
    )
    return dict(rows)


async def search(
    tx: Transaction,
    tenant: str,
    part: str,
    *,
    kinds: Sequence[str],
    member: str,
    limit: int,
) -> list[RosterRecord]:
    """Rosters of these kinds with this person on them whose name holds this part."""
    if not kinds:
        return []
    parameters: list[SqlValue] = [tenant, like_part(part), member, limit]
    names = ", ".join(f"${number}" for number in range(5, 5 + len(kinds)))
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM roster r WHERE r.tenant = $1"
        f" AND r.name_folded LIKE $2 ESCAPE '!' AND r.kind IN ({names})"
        " AND EXISTS (SELECT 1 FROM roster_member m WHERE m.tenant = r.tenant"
        " AND m.kind = r.kind AND m.roster_id = r.id AND m.user_id = $3)"
        " ORDER BY r.kind, r.name_folded, r.id LIMIT $4",
        *parameters,
        *kinds,
    )
    return [_to_record(row) for row in rows]
