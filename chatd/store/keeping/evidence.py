"""A person in what was kept with reports: what is about him goes, the rest forgets him.

Evidence is of a case that somebody else may need: of the erased person only the fact
stays that somebody said something there.
"""

from typing import Any

import orjson

from chatd.store.transaction import Transaction

_WORDS = ("text", "links", "attachments", "forwardedFrom", "clientMessageId")


async def reports_of(tx: Transaction, tenant: str, user_id: str) -> list[str]:
    """Reports of something that a person said."""
    rows = await tx.all(
        "SELECT r.id FROM report r JOIN report_case k ON k.tenant = r.tenant"
        " AND k.id = r.case_id WHERE r.tenant = $1"
        " AND k.author_id = $2 ORDER BY r.id",
        tenant,
        user_id,
    )
    return [row[0] for row in rows]


async def redact(tx: Transaction, tenant: str, user_id: str) -> None:
    """Take a person's words out of all evidence, reports and notes."""
    await tx.run(
        "UPDATE report SET text = NULL WHERE tenant = $1 AND reporter_id = $2",
        tenant,
        user_id,
    )
    await tx.run(
        "UPDATE report_case SET note = NULL WHERE tenant = $1 AND resolved_by = $2",
        tenant,
        user_id,
    )
    rows = await tx.all(
        "SELECT report_id, evidence_json FROM report_evidence WHERE tenant = $1"
        " AND replace(evidence_json, $2, '') <> evidence_json",
        tenant,
        orjson.dumps(user_id).decode(),
    )
    for report_id, text in rows:
        redacted = orjson.dumps(_without(orjson.loads(text), user_id)).decode()
        await tx.run(
            "UPDATE report_evidence SET evidence_json = $3"
            " WHERE tenant = $1 AND report_id = $2",
            tenant,
            report_id,
            redacted,
        )


def _without(value: Any, user_id: str) -> Any:
    """The same JSON; a message by this person, or forwarded of one, loses its words,
    and the person the name."""
    if isinstance(value, list):
        return [_without(one, user_id) for one in value]
    if not isinstance(value, dict):
        return value
    origin = value.get("forwardedFrom") or {}
    if user_id in (
        (value.get("author") or {}).get("id"),
        (origin.get("author") or {}).get("id"),
    ):
        value = {key: one for key, one in value.items() if key not in _WORDS}
    if value.get("id") == user_id and "name" in value:
        value = {**value, "name": ""}
    return {key: _without(one, user_id) for key, one in value.items()}
