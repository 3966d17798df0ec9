"""People of a tenant's directory, and until when their tokens are good."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import orjson

from chatd.domain.people import NO_DETAILS, Details, Enrolment, PersonRecord
from chatd.store.effects import Effects
from chatd.store.transaction import Row, Transaction, placeholders

COLUMNS = (
    "p.id, p.name, p.roles_json, p.version, p.title, p.email, p.avatar_url, p.active,"
    " p.messaging_disabled, p.tokens_valid_from_ms, p.enter_sends, p.language,"
    " p.details_json, p.accepts"
)
_DETAILS: Final = msgspec.json.Decoder(Details)

UNITS_DEEP_MAX: Final = 32
"""Levels of a hierarchy that are looked at: country to class is seven."""


@dataclass(frozen=True, slots=True)
class PutPerson:
    """Add a person, or replace the directory's facts about one."""

    id: str
    name: str
    roles: tuple[str, ...]
    title: str | None = None
    email: str | None = None
    avatar_url: str | None = None
    active: bool = True
    messaging_disabled: bool = False
    details: Details = NO_DETAILS


@dataclass(frozen=True, slots=True)
class EndSessions:
    """Refuse tokens of a person that were issued before a moment."""

    user_id: str
    before_ms: int


async def put(tx: Transaction, effects: Effects, write: PutPerson) -> None:
    """Apply a `PutPerson`."""
    await tx.run(
        "INSERT INTO person (tenant, id, name, name_folded, roles_json, title, email,"
        " avatar_url, active, messaging_disabled, details_json, version, changed_at_ms,"
        " changed_in)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, change_mark())"
        " ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name,"
        " name_folded = excluded.name_folded, roles_json = excluded.roles_json,"
        " title = excluded.title, email = excluded.email,"
        " avatar_url = excluded.avatar_url, active = excluded.active,"
        " messaging_disabled = excluded.messaging_disabled,"
        " details_json = excluded.details_json, version = person.version + 1,"
        " changed_in = change_mark()",
        effects.tenant,
        write.id,
        write.name,
        write.name.casefold(),
        orjson.dumps(write.roles).decode(),
        write.title,
        write.email,
        write.avatar_url,
        int(write.active),
        int(write.messaging_disabled),
        msgspec.json.encode(write.details).decode(),
        effects.at_ms,
    )
    effects.facts("person", write.id)


async def end_sessions(tx: Transaction, effects: Effects, write: EndSessions) -> None:
    """Apply an `EndSessions`."""
    await tx.run(
        "UPDATE person SET tokens_valid_from_ms = $3"
        " WHERE tenant = $1 AND id = $2 AND tokens_valid_from_ms < $3",
        effects.tenant,
        write.user_id,
        write.before_ms,
    )
    await effects.erased(tx, "sessions", write.user_id, write.before_ms)
    await effects.bump_person(tx, write.user_id)
    effects.sessions_ended(write.user_id, write.before_ms)


def to_record(row: Row) -> PersonRecord:
    """A row of `COLUMNS`."""
    return PersonRecord(
        id=row[0],
        name=row[1],
        roles=tuple(orjson.loads(row[2])),
        version=row[3],
        title=row[4],
        email=row[5],
        avatar_url=row[6],
        active=bool(row[7]),
        messaging_disabled=bool(row[8]),
        tokens_valid_from_ms=row[9],
        enter_sends=bool(row[10]),
        language=row[11],
        details=_DETAILS.decode(row[12]),
        accepts=row[13],
    )


async def get(tx: Transaction, tenant: str, user_id: str) -> PersonRecord | None:
    """One person, active or not."""
    return (await many(tx, tenant, [user_id])).get(user_id)


async def many(
    tx: Transaction, tenant: str, ids: Sequence[str]
) -> dict[str, PersonRecord]:
    """People by id; unknown ids are left out."""
    if not ids:
        return {}
    rows = await tx.all(
        f"SELECT {COLUMNS} FROM person p WHERE p.tenant = $1"
        f" AND p.id IN ({placeholders(2, len(ids))})",
        tenant,
        *ids,
    )
    return {row[0]: to_record(row) for row in rows}


async def enrolments(
    tx: Transaction, tenant: str, user_ids: Sequence[str]
) -> dict[str, tuple[Enrolment, ...]]:
    """All rosters that these people are on."""
    found: dict[str, tuple[Enrolment, ...]] = dict.fromkeys(user_ids, ())
    if not user_ids:
        return found
    rows = await tx.all(
        "SELECT m.user_id, m.kind, m.roster_id, m.role,"
        " CASE WHEN m.kind = 'group' THEN r.details_json END FROM roster_member m"
        " LEFT JOIN roster r ON r.tenant = m.tenant AND r.kind = m.kind"
        " AND r.id = m.roster_id WHERE m.tenant = $1"
        f" AND m.user_id IN ({placeholders(2, len(user_ids))})"
        " ORDER BY m.user_id, m.kind, m.roster_id",
        tenant,
        *user_ids,
    )
    units = sorted({row[2] for row in rows if row[1] == "unit"})
    above = await units_above(tx, tenant, units)
    for user_id, kind, roster_id, role, details in rows:
        variety = orjson.loads(details).get("kind", "") if details else ""
        over = above.get(roster_id, ()) if kind == "unit" else ()
        found[user_id] += (Enrolment(kind, roster_id, role, variety, over),)
    return found


async def units_above(
    tx: Transaction, tenant: str, units: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """The units above each of these, the nearest first."""
    if not units:
        return {}
    rows = await tx.all(
        "WITH RECURSIVE up (start, id, parent_id, depth) AS ("
        "SELECT id, id, parent_id, 0 FROM roster WHERE tenant = $1 AND kind = 'unit'"
        f" AND id IN ({placeholders(3, len(units))}) UNION ALL"
        " SELECT up.start, r.id, r.parent_id, up.depth + 1 FROM up JOIN roster r"
        " ON r.tenant = $1 AND r.kind = 'unit' AND r.id = up.parent_id"
        " WHERE up.depth < $2)"
        " SELECT start, id FROM up WHERE depth > 0 ORDER BY start, depth",
        tenant,
        UNITS_DEEP_MAX,
        *units,
    )
    above: dict[str, tuple[str, ...]] = {}
    for start, id_ in rows:
        above[start] = (*above.get(start, ()), id_)
    return above


async def search(
    tx: Transaction,
    tenant: str,
    part: str,
    limit: int,
    *,
    contacts_of: str | None = None,
) -> list[PersonRecord]:
    """Active people whose name holds this part, whatever its case.

    Contacts of a person come first where one is named: the limit must not cut them off.
    """
    contact = (
        "EXISTS (SELECT 1 FROM acquaintance k WHERE k.tenant = p.tenant"
        " AND k.user_id = $4 AND k.other_id = p.id AND k.contact = 'accepted')"
    )
    first = f"CASE WHEN {contact} THEN 0 ELSE 1 END, " if contacts_of else ""
    rows = await tx.all(
        f"SELECT {COLUMNS} FROM person p WHERE p.tenant = $1 AND p.active = 1"
        " AND p.name_folded LIKE $2 ESCAPE '!'"
        f" ORDER BY {first}p.name_folded, p.id LIMIT $3",
        tenant,
        like_part(part),
        limit,
        *((contacts_of,) if contacts_of else ()),
    )
    return [to_record(row) for row in rows]


def like_part(part: str) -> str:
    """The LIKE pattern (escape `!`) for names that hold this part."""
    escaped = part.casefold().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"
