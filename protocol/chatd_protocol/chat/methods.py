"""The hub's methods as one table: name, request type, result type.

The server binds what it implements to these rows, the clients look up what a request
answers with, and the published descriptions are generated from them.
"""

from dataclasses import dataclass

from chatd_protocol.chat import objects, requests, results
from chatd_protocol.chat.base import Request, Shape
from chatd_protocol.chat.reporting import reports
from chatd_protocol.chat.social import mass, people


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One method: takes one `request` object, answers one `result` (or a stream)."""

    name: str
    request: type[Request]
    result: type[Shape]
    streaming: bool = False


METHODS: tuple[MethodRow, ...] = (
    MethodRow("GetMe", requests.GetMe, results.Me),
    MethodRow("UpdatePreferences", requests.UpdatePreferences, objects.Preferences),
    MethodRow("GetUnread", requests.GetUnread, results.UnreadTotals),
    MethodRow("RefreshToken", requests.RefreshToken, results.TokenRefreshed),
    MethodRow(
        "ListConversations", requests.ListConversations, results.ConversationPage
    ),
    MethodRow("GetConversation", requests.GetConversation, objects.Conversation),
    MethodRow(
        "StartConversation", requests.StartConversation, results.ConversationStarted
    ),
    MethodRow(
        "PreviewRecipients", requests.PreviewRecipients, results.RecipientsPreview
    ),
    MethodRow("SearchRecipients", requests.SearchRecipients, results.RecipientsFound),
    MethodRow("RenameConversation", requests.RenameConversation, objects.Conversation),
    MethodRow("CloseConversation", requests.CloseConversation, objects.Conversation),
    MethodRow("ReopenConversation", requests.ReopenConversation, objects.Conversation),
    MethodRow("DeleteConversation", requests.DeleteConversation, objects.Conversation),
    MethodRow(
        "RestoreConversation", reports.RestoreConversation, objects.ConversationFacts
    ),
    MethodRow("LeaveConversation", requests.LeaveConversation, results.Empty),
    MethodRow(
        "SetConversationPreferences",
        requests.SetConversationPreferences,
        objects.Conversation,
    ),
    MethodRow("ListParticipants", requests.ListParticipants, results.ParticipantPage),
    MethodRow("AddParticipants", requests.AddParticipants, results.AddedParticipants),
    MethodRow("RemoveParticipant", requests.RemoveParticipant, objects.Conversation),
    MethodRow("SendMessage", requests.SendMessage, objects.Message),
    MethodRow("EditMessage", requests.EditMessage, objects.Message),
    MethodRow("DeleteMessage", requests.DeleteMessage, objects.Message),
    MethodRow("ForwardMessage", requests.ForwardMessage, objects.Message),
    MethodRow("ListMessages", requests.ListMessages, results.MessagePage),
    MethodRow("Search", requests.Search, results.SearchPage),
    MethodRow("MarkRead", requests.MarkRead, results.ReadState),
    MethodRow("MarkUnread", requests.MarkUnread, results.ReadState),
    MethodRow("Typing", requests.Typing, results.Empty),
    MethodRow("WatchPresence", requests.WatchPresence, results.WatchedPresence),
    MethodRow("RequestContact", people.RequestContact, people.Contact),
    MethodRow("AcceptContact", people.AcceptContact, people.Contact),
    MethodRow("DeclineContact", people.DeclineContact, people.Contact),
    MethodRow("RemoveContact", people.RemoveContact, people.Contact),
    MethodRow("ListContacts", people.ListContacts, people.ContactPage),
    MethodRow("BlockUser", people.BlockUser, people.BlockState),
    MethodRow("UnblockUser", people.UnblockUser, people.BlockState),
    MethodRow("ListBlocks", people.ListBlocks, people.BlockPage),
    MethodRow("ReportMessage", reports.ReportMessage, reports.Report),
    MethodRow("ReportConversation", reports.ReportConversation, reports.Report),
    MethodRow("WithdrawReport", reports.WithdrawReport, reports.Report),
    MethodRow("ListReports", reports.ListReports, reports.ReportPage),
    MethodRow("OpenReport", reports.OpenReport, reports.OpenedReport),
    MethodRow("ResolveReport", reports.ResolveReport, reports.Report),
    MethodRow("PreviewAudience", mass.PreviewAudience, mass.AudiencePreview),
    MethodRow("SendMassMessage", mass.SendMassMessage, mass.MassMessage),
    MethodRow("CancelMassMessage", mass.CancelMassMessage, mass.MassMessage),
    MethodRow("ListMassMessages", mass.ListMassMessages, mass.MassMessagePage),
    MethodRow("Sync", requests.Sync, results.Synced),
    MethodRow(
        "WatchEvents", requests.WatchEvents, results.WatchedEvent, streaming=True
    ),
)

BY_REQUEST: dict[type[Request], MethodRow] = {row.request: row for row in METHODS}
"""The row that a request type belongs to."""
