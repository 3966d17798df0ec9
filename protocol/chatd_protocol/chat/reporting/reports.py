"""Reports as they are made, listed, looked into and resolved.

A report concerns its reporter, and whoever looks after it: a teacher whom the reporter
chose, or the team behind a central queue. Nobody else is ever told that there is one.
"""

from typing import Annotated, Literal

import msgspec

from chatd_protocol.chat.base import ClientId, Id, PageLimit, Request, Shape, Timestamp
from chatd_protocol.chat.objects import Conversation, Message, PersonName

ReportReason = Literal[
    "bullying", "threat", "sexual", "hate", "selfHarm", "spam", "other"
]
ReportDecision = Literal["noAction", "warned", "removed", "escalated", "other"]
"""What came of a report; the reporter is told this word and nothing else."""

ReportText = Annotated[str, msgspec.Meta(max_length=4_000)]
Cursor = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class ReportMessage(Request):
    """Report somebody else's message (ITS-82 … 85, TUT-27).

    `teacherId` is whom it shall go to, where the reporter chooses: one of those whom
    `ListReports` names. Elsewhere it goes to the central queue.
    """

    message_id: Id
    client_request_id: ClientId
    reason: ReportReason = "other"
    text: ReportText | None = None
    teacher_id: Id | None = None


class ReportConversation(Request):
    """Report a whole conversation that was made by hand (ITS-29, ITS-90)."""

    conversation_id: Id
    client_request_id: ClientId
    reason: ReportReason = "other"
    text: ReportText | None = None
    teacher_id: Id | None = None


class WithdrawReport(Request):
    """Take my own report back, as long as nothing was decided (ITS-87)."""

    report_id: Id


class ListReports(Request):
    """My own reports, or with `box` those that I look after, the latest first."""

    box: Literal["mine", "queue"] = "mine"
    state: Literal["open", "resolved", "all"] = "all"
    cursor: Cursor | None = None
    limit: PageLimit = 50


class OpenReport(Request):
    """Look into a report (ITS-88); `enter` to come into a reported group (ITS-90)."""

    report_id: Id
    enter: bool | None = None


class ResolveReport(Request):
    """Decide about a report; without a decision none is closed (TUT-29).

    `note` is for those who look after reports. `removeMessage` takes the reported
    message away for everybody (ITS-88).
    """

    report_id: Id
    decision: ReportDecision
    note: ReportText | None = None
    remove_message: bool | None = None


class RestoreConversation(Request):
    """Undo the deletion of a conversation that was reported (ITS-92, ITS-104)."""

    conversation_id: Id


class Report(Shape):
    """A report, as its reporter or whoever looks after it is shown it.

    The reporter is shown `sentTo`, the conversation by which a chosen teacher got it.
    Who looks after it is shown `author`, who wrote the message, `note`, `resolvedBy`,
    and `reporter` where the policy lets that be known.
    """

    id: Id
    state: Literal["open", "withdrawn", "resolved"]
    conversation_id: Id
    reason: ReportReason
    created_at: Timestamp
    message_id: Id | None = None
    text: str | None = None
    teacher: PersonName | None = None
    sent_to: Id | None = None
    decision: ReportDecision | None = None
    resolved_at: Timestamp | None = None
    reporter: PersonName | None = None
    author: PersonName | None = None
    note: str | None = None
    resolved_by: PersonName | None = None


class ReportPage(Shape):
    """A page of reports; `teachers` are those whom I may choose for one of mine."""

    reports: tuple[Report, ...]
    next: str | None = None
    teachers: tuple[PersonName, ...] | None = None


class ReportEvidence(Shape):
    """What was to be seen when it was reported: the message and what was around it, or
    of a whole conversation the latest messages. Later removals change nothing here.

    Under the message's own id, before it, stand its earlier texts, where they are kept.
    """

    taken_at: Timestamp
    messages: tuple[Message, ...]


class OpenedReport(Shape):
    """A report with its evidence; the message as it is now, unless it is out of reach.

    There is more than one evidence where it was reported more than once and something
    was changed in between. `denied` are the things that cannot be done through the
    report, each with its code: `deleteOthers` the message, `restore` the conversation.
    `conversation` comes with entering it.
    """

    report: Report
    evidence: tuple[ReportEvidence, ...]
    denied: dict[str, str]
    message: Message | None = None
    conversation: Conversation | None = None
