"""Reports as they are read: one's own, those to look after, and their evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chatd.domain.members import GUEST_SEQ
from chatd.domain.reporting.records import ReportRecord
from chatd.store.transaction import Row, SqlValue, Transaction, placeholders

_COLUMNS: Final = (
    "r.id, r.case_id, r.reporter_id, a.name, k.conversation_id, c.kind, k.message_id,"
    " k.author_id, w.name, k.destination, t.name, r.reason, r.text, r.state,"
    " r.created_at_ms, r.pseq, r.sent_conversation_id, r.sent_message_id,"
    " k.decision, k.note, k.resolved_by, b.name, k.resolved_at_ms"
)
_TABLES: Final = (
    "report r JOIN report_case k ON k.tenant = r.tenant AND k.id = r.case_id"
    " JOIN conversation c ON c.tenant = k.tenant AND c.id = k.conversation_id"
    " JOIN person a ON a.tenant = r.tenant AND a.id = r.reporter_id"
    " LEFT JOIN person w ON w.tenant = k.tenant AND w.id = k.author_id"
    " LEFT JOIN person t ON t.tenant = k.tenant AND t.id = k.destination"
    " LEFT JOIN person b ON b.tenant = k.tenant AND b.id = k.resolved_by"
)
_FIRST: Final = (
    "r.id = (SELECT min(o.id) FROM report o WHERE o.tenant = k.tenant"
    " AND o.case_id = k.id AND o.state <> 'withdrawn')"
)
"""The report by which a case is shown: what else there is of it is no number."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Which cases somebody looks after: those sent to `user_id`, those of the central
    queue, or all. Nobody sees one about his own words."""

    user_id: str
    central: bool = False
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was kept with a report, as JSON of the contract's messages."""

    taken_at_ms: int
    messages_json: str


def to_record(row: Row) -> ReportRecord:
    """A row of `_COLUMNS`."""
    return ReportRecord(
        id=row[0],
        case_id=row[1],
        reporter_id=row[2],
        reporter_name=row[3],
        conversation_id=row[4],
        conversation_kind=row[5],
        message_id=row[6] or None,
        author_id=row[7],
        author_name=row[8] or "",
        destination=row[9],
        destination_name=row[10] or "",
        reason=row[11],
        text=row[12],
        state=row[13],
        created_at_ms=row[14],
        personal_seq=row[15],
        sent_conversation_id=row[16],
        sent_message_id=row[17],
        decision=row[18],
        note=row[19],
        resolved_by=row[20],
        resolved_by_name=row[21] or "",
        resolved_at_ms=row[22],
    )


async def many(
    tx: Transaction, tenant: str, ids: Sequence[str]
) -> dict[str, ReportRecord]:
    """Reports by id, whoever may see them."""
    if not ids:
        return {}
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE r.tenant = $1"
        f" AND r.id IN ({placeholders(2, len(ids))})",
        tenant,
        *ids,
    )
    return {row[0]: to_record(row) for row in rows}


async def by_id(tx: Transaction, tenant: str, id_: str) -> ReportRecord | None:
    """A report by its own id, or the first one of a case by the case's."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE r.tenant = $1"
        f" AND (r.id = $2 OR (r.case_id = $2 AND {_FIRST}))",
        tenant,
        id_,
    )
    return to_record(rows[0]) if rows else None


async def own(
    tx: Transaction,
    tenant: str,
    reporter_id: str,
    *,
    state: str | None,
    before: str | None,
    limit: int,
) -> list[ReportRecord]:
    """A person's reports, the latest first; `before` is an id, `None` the end."""
    parameters: list[SqlValue] = [tenant, reporter_id, limit]
    narrowed = _narrowed("r.id", "r.state", state, before, parameters)
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE r.tenant = $1"
        f" AND r.reporter_id = $2{narrowed} ORDER BY r.id DESC LIMIT $3",
        *parameters,
    )
    return [to_record(row) for row in rows]


async def queue(
    tx: Transaction,
    tenant: str,
    whose: Queue,
    *,
    state: str | None,
    before: str | None,
    limit: int,
) -> list[ReportRecord]:
    """Cases to look after, the latest first, each by its first report."""
    parameters: list[SqlValue] = [tenant, whose.user_id, limit]
    narrowed = _narrowed("k.id", "k.state", state, before, parameters)
    mine = "k.destination = $2"
    if whose.central:
        mine = "k.destination IN ('', $2)"
    if whose.everything:
        mine = "1 = 1"
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE k.tenant = $1 AND {mine}"
        f" AND k.author_id IS DISTINCT FROM $2 AND {_FIRST}{narrowed}"
        " ORDER BY k.id DESC LIMIT $3",
        *parameters,
    )
    return [to_record(row) for row in rows]


def _narrowed(
    id_: str,
    column: str,
    state: str | None,
    before: str | None,
    parameters: list[SqlValue],
) -> str:
    found = ""
    for test, value in ((f"{column} =", state), (f"{id_} <", before)):
        if value is not None:
            parameters.append(value)
            found += f" AND {test} ${len(parameters)}"
    return found


async def evidence(
    tx: Transaction, tenant: str, case_id: str, limit: int
) -> list[Evidence]:
    """What was kept with the reports of a case, the earliest first."""
    rows = await tx.all(
        "SELECT e.taken_at_ms, e.evidence_json FROM report r"
        " JOIN report_evidence e ON e.tenant = r.tenant AND e.report_id = r.id"
        " WHERE r.tenant = $1 AND r.case_id = $2 AND r.state <> 'withdrawn'"
        " ORDER BY r.id LIMIT $3",
        tenant,
        case_id,
        limit,
    )
    return [Evidence(row[0], row[1]) for row in rows]


async def marks(
    tx: Transaction, tenant: str, reporter_id: str, message_ids: Sequence[str]
) -> dict[str, str]:
    """Which of these messages a person has reported: message → report."""
    if not message_ids:
        return {}
    rows = await tx.all(
        "SELECT k.message_id, r.id FROM report r"
        " JOIN report_case k ON k.tenant = r.tenant AND k.id = r.case_id"
        " WHERE r.tenant = $1 AND r.reporter_id = $2 AND r.state <> 'withdrawn'"
        f" AND k.message_id IN ({placeholders(3, len(message_ids))}) ORDER BY r.id",
        tenant,
        reporter_id,
        *message_ids,
    )
    return {row[0]: row[1] for row in rows}


async def candidates(
    tx: Transaction, tenant: str, user_id: str, roles: Sequence[str], limit: int
) -> list[str]:
    """Active people who teach somebody, or have one of these roles; never himself."""
    named = [f'%"{role}"%' for role in roles]
    of_role = "".join(
        f" OR p.roles_json LIKE {mark}"
        for mark in placeholders(4, len(named)).split(", ")
        if named
    )
    rows = await tx.all(
        "SELECT p.id FROM person p WHERE p.tenant = $1 AND p.id <> $2 AND p.active = 1"
        " AND (p.id IN (SELECT t.user_id FROM roster_member mine JOIN roster_member t"
        " ON t.tenant = mine.tenant AND t.kind = mine.kind"
        " AND t.roster_id = mine.roster_id AND t.role IN ('teacher', 'instructor')"
        f" WHERE mine.tenant = $1 AND mine.user_id = $2){of_role})"
        " ORDER BY p.name_folded, p.id LIMIT $3",
        tenant,
        user_id,
        limit,
        *named,
    )
    return [row[0] for row in rows]


async def concerned(tx: Transaction, tenant: str, case_id: str) -> tuple[str, ...]:
    """Whose reports a case is made of, and who is a guest where it happened."""
    rows = await tx.all(
        "SELECT r.reporter_id FROM report r WHERE r.tenant = $1 AND r.case_id = $2"
        " UNION SELECT g.user_id FROM report_case k JOIN membership g"
        " ON g.tenant = k.tenant AND g.conversation_id = k.conversation_id"
        " AND g.joined_seq = $3 WHERE k.tenant = $1 AND k.id = $2",
        tenant,
        case_id,
        GUEST_SEQ,
    )
    return tuple(sorted(row[0] for row in rows))


async def of_conversation(
    tx: Transaction, tenant: str, conversation_id: str, user_id: str
) -> list[ReportRecord]:
    """Cases that a conversation, or something in it, was reported by: those sent to
    this person and those of the central queue, whatever has become of them."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE k.tenant = $1"
        f" AND k.conversation_id = $2 AND k.destination IN ('', $3) AND {_FIRST}"
        " ORDER BY k.id DESC LIMIT 50",
        tenant,
        conversation_id,
        user_id,
    )
    return [to_record(row) for row in rows]
