"""Routes of those who answer for a school: what they look at, keep and take away."""

from typing import Final

from chatd_protocol.chat import files, objects, results
from chatd_protocol.chat.http import audit, keeping
from chatd_protocol.chat.http.rows import RouteRow

_USER: Final = "/v1/users/{userId}"
_HOLD: Final = "/v1/holds/{name}"

STAFF_ROWS: Final = (
    RouteRow(
        "listAudit",
        "GET",
        "/v1/audit",
        audit.ListAudit,
        audit.AuditPage,
        "safeguarding",
    ),
    RouteRow(
        "listHolds",
        "GET",
        "/v1/holds",
        keeping.ListHolds,
        keeping.HoldList,
        "safeguarding",
    ),
    RouteRow("putHold", "PUT", _HOLD, keeping.PutHold, keeping.Hold, "safeguarding"),
    RouteRow(
        "deleteHold",
        "DELETE",
        _HOLD,
        keeping.DeleteHold,
        results.Empty,
        "safeguarding",
    ),
    RouteRow(
        "listVault",
        "GET",
        "/v1/vault",
        keeping.ListVault,
        keeping.KeptPage,
        "safeguarding",
    ),
    RouteRow(
        "getKeptFile",
        "GET",
        "/v1/vault/files/{attachmentId}",
        keeping.GetKeptFile,
        files.FileBytes,
        "safeguarding",
    ),
    RouteRow(
        "listEdits",
        "GET",
        "/v1/messages/{messageId}/edits",
        keeping.ListEdits,
        keeping.KeptPage,
        "safeguarding",
    ),
    RouteRow(
        "readConversations",
        "GET",
        f"{_USER}/conversations",
        keeping.ReadConversations,
        results.ConversationPage,
    ),
    RouteRow(
        "readMessages",
        "GET",
        f"{_USER}/conversations/{{conversationId}}/messages",
        keeping.ReadMessages,
        results.MessagePage,
    ),
    RouteRow(
        "getUserPreferences",
        "GET",
        f"{_USER}/preferences",
        keeping.GetUserPreferences,
        objects.Preferences,
        "admin",
    ),
    RouteRow(
        "putUserPreferences",
        "PATCH",
        f"{_USER}/preferences",
        keeping.PutUserPreferences,
        objects.Preferences,
        "admin",
    ),
    RouteRow(
        "exportUser",
        "GET",
        f"{_USER}/export",
        keeping.ExportUser,
        keeping.ExportLine,
        "admin",
        lines=True,
    ),
    RouteRow(
        "eraseUser",
        "POST",
        f"{_USER}/erasure",
        keeping.EraseUser,
        keeping.ErasedPerson,
        "admin",
    ),
)
