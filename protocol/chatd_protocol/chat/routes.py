"""The HTTP API as one table: method, path, who may, request type, result type, status.

The server binds its actions to these rows by name and the published OpenAPI document is
generated from them.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from chatd_protocol.chat import (
    directory,
    files,
    objects,
    policy,
    requests,
    results,
)
from chatd_protocol.chat.base import TITLE_CHARS_MAX, Id, Request, Shape
from chatd_protocol.chat.http.moderating import SCREENING_ROWS
from chatd_protocol.chat.http.reporting import REPORT_ROWS
from chatd_protocol.chat.http.rows import HttpMethod, RouteRow
from chatd_protocol.chat.http.staff import STAFF_ROWS
from chatd_protocol.chat.social import mass, people

BASE = "/v1"


class ChangeConversation(Request):
    """Rename a group conversation, or set my own marks on one; absent fields stay."""

    conversation_id: Id
    title: (
        Annotated[str, msgspec.Meta(min_length=1, max_length=TITLE_CHARS_MAX)] | None
    ) = None
    muted: bool | None = None
    starred: bool | None = None
    archived: bool | None = None
    draft: requests.Text | None = None


_ONE = "/v1/conversations/{conversationId}"
_MESSAGE = "/v1/messages/{messageId}"
_ATTACHMENT = "/v1/attachments/{attachmentId}"
_BLOCK = "/v1/blocks/{userId}"
_PERSON_ROWS: tuple[RouteRow, ...] = (
    RouteRow(
        "listConversations",
        "GET",
        "/v1/conversations",
        requests.ListConversations,
        results.ConversationPage,
    ),
    RouteRow(
        "startConversation",
        "POST",
        "/v1/conversations",
        requests.StartConversation,
        results.ConversationStarted,
        key="clientRequestId",
    ),
    RouteRow(
        "getConversation",
        "GET",
        _ONE,
        requests.GetConversation,
        objects.Conversation,
    ),
    RouteRow(
        "changeConversation",
        "PATCH",
        _ONE,
        ChangeConversation,
        objects.Conversation,
    ),
    RouteRow(
        "deleteConversation",
        "DELETE",
        _ONE,
        requests.DeleteConversation,
        objects.Conversation,
    ),
    RouteRow(
        "closeConversation",
        "POST",
        f"{_ONE}/close",
        requests.CloseConversation,
        objects.Conversation,
    ),
    RouteRow(
        "reopenConversation",
        "POST",
        f"{_ONE}/reopen",
        requests.ReopenConversation,
        objects.Conversation,
    ),
    RouteRow(
        "leaveConversation",
        "POST",
        f"{_ONE}/leave",
        requests.LeaveConversation,
        results.Empty,
    ),
    RouteRow(
        "listMessages",
        "GET",
        f"{_ONE}/messages",
        requests.ListMessages,
        results.MessagePage,
    ),
    RouteRow(
        "sendMessage",
        "POST",
        f"{_ONE}/messages",
        requests.SendMessage,
        objects.Message,
        key="clientMessageId",
    ),
    RouteRow(
        "forwardMessage",
        "POST",
        f"{_MESSAGE}/forward",
        requests.ForwardMessage,
        objects.Message,
        key="clientMessageId",
    ),
    RouteRow("editMessage", "PATCH", _MESSAGE, requests.EditMessage, objects.Message),
    RouteRow(
        "deleteMessage",
        "DELETE",
        _MESSAGE,
        requests.DeleteMessage,
        objects.Message,
    ),
    RouteRow(
        "listParticipants",
        "GET",
        f"{_ONE}/participants",
        requests.ListParticipants,
        results.ParticipantPage,
    ),
    RouteRow(
        "addParticipants",
        "POST",
        f"{_ONE}/participants",
        requests.AddParticipants,
        results.AddedParticipants,
    ),
    RouteRow(
        "removeParticipant",
        "DELETE",
        f"{_ONE}/participants/{{userId}}",
        requests.RemoveParticipant,
        objects.Conversation,
    ),
    RouteRow("markRead", "PUT", f"{_ONE}/read", requests.MarkRead, results.ReadState),
    RouteRow(
        "markUnread",
        "DELETE",
        f"{_ONE}/read",
        requests.MarkUnread,
        results.ReadState,
    ),
    RouteRow("getMe", "GET", "/v1/me", requests.GetMe, results.Me),
    RouteRow(
        "updatePreferences",
        "PATCH",
        "/v1/me",
        requests.UpdatePreferences,
        objects.Preferences,
    ),
    RouteRow(
        "getUnread", "GET", "/v1/unread", requests.GetUnread, results.UnreadTotals
    ),
    RouteRow("sync", "POST", "/v1/sync", requests.Sync, results.Synced),
    RouteRow(
        "listContacts", "GET", "/v1/contacts", people.ListContacts, people.ContactPage
    ),
    RouteRow(
        "changeContact", "POST", "/v1/contacts", people.ChangeContact, people.Contact
    ),
    RouteRow("listBlocks", "GET", "/v1/blocks", people.ListBlocks, people.BlockPage),
    RouteRow("getBlock", "GET", _BLOCK, people.GetBlock, people.BlockState),
    RouteRow("blockUser", "PUT", _BLOCK, people.BlockUser, people.BlockState),
    RouteRow("unblockUser", "DELETE", _BLOCK, people.UnblockUser, people.BlockState),
    RouteRow(
        "listMassMessages",
        "GET",
        "/v1/mass-messages",
        mass.ListMassMessages,
        mass.MassMessagePage,
    ),
    RouteRow(
        "sendMassMessage",
        "POST",
        "/v1/mass-messages",
        mass.SendMassMessage,
        mass.MassMessage,
        key="clientRequestId",
    ),
    RouteRow(
        "cancelMassMessage",
        "DELETE",
        "/v1/mass-messages/{massMessageId}",
        mass.CancelMassMessage,
        mass.MassMessage,
    ),
    RouteRow(
        "checkPolicy",
        "POST",
        "/v1/policy/check",
        policy.CheckPolicy,
        policy.PolicyVerdict,
    ),
    RouteRow(
        "searchRecipients",
        "GET",
        "/v1/recipients",
        requests.SearchRecipients,
        results.RecipientsFound,
    ),
    RouteRow("search", "GET", "/v1/search", requests.Search, results.SearchPage),
    RouteRow(
        "uploadAttachment",
        "POST",
        "/v1/attachments",
        files.UploadAttachment,
        objects.Attachment,
        key="clientRequestId",
        form=True,
    ),
    RouteRow("getAttachment", "GET", _ATTACHMENT, files.GetAttachment, files.FileBytes),
    RouteRow(
        "linkAttachment",
        "POST",
        f"{_ATTACHMENT}/link",
        files.LinkAttachment,
        files.AttachmentLink,
    ),
)


_ROSTERS = ("course", "project", "group", "unit")


def _roster_rows(name: str) -> tuple[RouteRow, ...]:
    """A kind of roster has five deeds, with request types that are called alike."""
    title = name.capitalize()
    one = f"/v1/{name}s/{{{name}Id}}"
    member = f"{one}/members/{{userId}}"
    shown: type[Shape] = getattr(directory, title)
    deeds: tuple[tuple[HttpMethod, str, str, type[Shape]], ...] = (
        ("PUT", f"Put{title}", one, shown),
        ("GET", f"Get{title}", one, shown),
        ("DELETE", f"Delete{title}", one, results.Empty),
        ("PUT", f"Put{title}Member", member, directory.Member),
        ("DELETE", f"Delete{title}Member", member, results.Empty),
    )
    return tuple(
        RouteRow(
            f"{word[0].lower()}{word[1:]}",
            method,
            path,
            getattr(directory, word),
            result,
            "directory",
        )
        for method, word, path, result in deeds
    )


def _user_rows() -> tuple[RouteRow, ...]:
    one = "/v1/users/{userId}"
    return (
        RouteRow("putUser", "PUT", one, directory.PutUser, directory.User, "directory"),
        RouteRow("getUser", "GET", one, directory.GetUser, directory.User, "directory"),
        RouteRow(
            "deleteUser",
            "DELETE",
            one,
            directory.DeleteUser,
            results.Empty,
            "directory",
        ),
        RouteRow(
            "endSessions",
            "DELETE",
            f"{one}/sessions",
            directory.EndSessions,
            directory.SessionsEnded,
            "admin",
        ),
    )


def _tenant_rows() -> tuple[RouteRow, ...]:
    one = "/v1/tenants/{tenantId}"
    return (
        RouteRow(
            "putTenant", "PUT", one, directory.PutTenant, directory.Tenant, "admin"
        ),
        RouteRow(
            "getPolicy",
            "GET",
            f"{one}/policy",
            policy.GetPolicy,
            policy.Policy,
            "admin",
        ),
        RouteRow(
            "putPolicy",
            "PUT",
            f"{one}/policy",
            policy.PutPolicy,
            policy.Policy,
            "admin",
        ),
    )


ROUTES: tuple[RouteRow, ...] = (
    *_PERSON_ROWS,
    *REPORT_ROWS,
    RouteRow(
        "listEvents",
        "GET",
        "/v1/events",
        requests.ListEvents,
        results.EventPage,
        "events",
    ),
    *_user_rows(),
    *(row for name in _ROSTERS for row in _roster_rows(name)),
    RouteRow(
        "importDirectory",
        "POST",
        "/v1/directory",
        directory.DirectoryLine,
        directory.LineResult,
        "directory",
        lines=True,
    ),
    *_tenant_rows(),
    *SCREENING_ROWS,
    *STAFF_ROWS,
)


@dataclass(frozen=True, slots=True)
class OpenRoute:
    """A route for everybody, without a token: what a probe or a newcomer reads."""

    name: str
    path: str
    summary: str


OPEN_ROUTES: tuple[OpenRoute, ...] = (
    OpenRoute("getLivez", "/livez", "Whether the process runs; 503: restart it."),
    OpenRoute("getStartupz", "/startupz", "Whether it has started."),
    OpenRoute("getReadyz", "/readyz", "Whether it can take work, check by check."),
    OpenRoute("getLimits", "/v1/limits", "Every limit, by name."),
    OpenRoute("getOpenapi", "/v1/openapi.json", "This description."),
    OpenRoute("getAsyncapi", "/v1/asyncapi.json", "The description of the hub."),
)
