"""Reports as they are shown: to the reporter, and to whoever looks after them."""

from typing import cast

import msgspec

from chatd.clock import rfc3339
from chatd.domain.policy import Policy
from chatd.domain.reporting.records import ReportRecord, names_reporter
from chatd_protocol.chat.objects import PersonName
from chatd_protocol.chat.reporting import reports
from chatd_protocol.chat.reporting.reports import Report


def own(record: ReportRecord) -> Report:
    """As its reporter is shown it: of a decision only what came of it (TUT-29)."""
    resolved = record.state == "resolved"
    at = record.resolved_at_ms if resolved else None
    return Report(
        id=record.id,
        state=record.state,
        conversation_id=record.conversation_id,
        reason=cast(reports.ReportReason, record.reason),
        created_at=rfc3339(record.created_at_ms),
        message_id=record.message_id,
        text=record.text,
        teacher=_name(record.destination, record.destination_name),
        sent_to=record.sent_conversation_id,
        decision=(
            cast(reports.ReportDecision | None, record.decision) if resolved else None
        ),
        resolved_at=None if at is None else rfc3339(at),
    )


def looked_after(
    record: ReportRecord, policy: Policy, scopes: frozenset[str], id_: str
) -> Report:
    """As whoever looks after it is shown it, under the id that was asked for."""
    known = names_reporter(policy, record, scopes)
    return msgspec.structs.replace(
        own(record),
        id=id_,
        sent_to=None,
        reporter=_name(record.reporter_id, record.reporter_name) if known else None,
        author=_name(record.author_id, record.author_name),
        note=record.note,
        resolved_by=_name(record.resolved_by, record.resolved_by_name),
    )


def _name(id_: str | None, name: str) -> PersonName | None:
    return PersonName(id=id_, name=name) if id_ else None
