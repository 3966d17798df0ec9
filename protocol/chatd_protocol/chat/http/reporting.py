"""Routes of reports: for people, and the same for services that look after them."""

from typing import Final

from chatd_protocol.chat import objects
from chatd_protocol.chat.base import Request, Shape
from chatd_protocol.chat.http.rows import HttpMethod, RouteRow, Scope
from chatd_protocol.chat.reporting import reports


def _review_rows(office: str, path: str, scope: Scope | None) -> tuple[RouteRow, ...]:
    """Looking after reports, as a person or as a service with a scope."""
    deeds: tuple[tuple[HttpMethod, str, str, type[Request], type[Shape]], ...] = (
        ("GET", "ListReports", "", reports.ListReports, reports.ReportPage),
        ("POST", "OpenReport", "/open", reports.OpenReport, reports.OpenedReport),
        ("POST", "ResolveReport", "/resolve", reports.ResolveReport, reports.Report),
    )
    return tuple(
        RouteRow(
            f"{office}{word}" if office else f"{word[0].lower()}{word[1:]}",
            method,
            f"{path}/{{reportId}}{end}" if end else path,
            request,
            result,
            scope,
        )
        for method, word, end, request, result in deeds
    )


REPORT_ROWS: Final[tuple[RouteRow, ...]] = (
    RouteRow(
        "restoreConversation",
        "POST",
        "/v1/conversations/{conversationId}/restore",
        reports.RestoreConversation,
        objects.ConversationFacts,
    ),
    RouteRow(
        "reportMessage",
        "POST",
        "/v1/messages/{messageId}/report",
        reports.ReportMessage,
        reports.Report,
        key="clientRequestId",
    ),
    RouteRow(
        "reportConversation",
        "POST",
        "/v1/reports",
        reports.ReportConversation,
        reports.Report,
        key="clientRequestId",
    ),
    RouteRow(
        "withdrawReport",
        "POST",
        "/v1/reports/{reportId}/withdraw",
        reports.WithdrawReport,
        reports.Report,
    ),
    *_review_rows("", "/v1/reports", None),
    *_review_rows("moderation", "/v1/moderation/reports", "moderation"),
    *_review_rows("safeguarding", "/v1/safeguarding/reports", "safeguarding"),
)
