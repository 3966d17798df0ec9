"""Routes of those who answer for a school: what they look at, keep and take away."""

from typing import Final

from chatd_protocol.chat.http import audit
from chatd_protocol.chat.http.rows import RouteRow

KEEPING_ROWS: Final = (
    RouteRow(
        "listAudit",
        "GET",
        "/v1/audit",
        audit.ListAudit,
        audit.AuditPage,
        "safeguarding",
    ),
)
