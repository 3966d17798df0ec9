"""A report as the rules and the store know it, and whose names are told with it."""

from dataclasses import dataclass
from typing import Literal

from chatd.domain.policy import Policy

ReportState = Literal["open", "withdrawn", "resolved"]


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """One person's report, with what has become of the case that it belongs to.

    All open reports of one thing to one addressee are one case, which whoever looks
    after it is shown by the first of them. Without `message_id` the report is about the
    whole conversation. `destination` is the teacher who was chosen, "" the central
    queue; `author_id` is who wrote the message.
    """

    id: str
    case_id: str
    reporter_id: str
    reporter_name: str
    conversation_id: str
    conversation_kind: str
    message_id: str | None
    author_id: str | None
    author_name: str
    destination: str
    destination_name: str
    reason: str
    text: str | None
    state: ReportState
    created_at_ms: int
    personal_seq: int
    sent_conversation_id: str | None = None
    sent_message_id: str | None = None
    decision: str | None = None
    note: str | None = None
    resolved_by: str | None = None
    resolved_by_name: str = ""
    resolved_at_ms: int | None = None


def names_reporter(
    policy: Policy, record: ReportRecord, scopes: frozenset[str]
) -> bool:
    """Whether who looks after a report is told whose it is (ITS-89).

    Nobody else ever is. A teacher who was chosen knows it from the 1:1 by which the
    report came; the school's lead for safeguarding may know everything.
    """
    if "safeguarding" in scopes or policy.report.anonymous == "never":
        return True
    direct = bool(record.destination) or record.conversation_kind == "direct"
    return policy.report.anonymous == "except_direct" and direct
