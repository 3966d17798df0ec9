"""The hub's methods as one table: name → action → what a call costs.

Request and result types stand beside the names in the contract's own table
(`chatd_protocol.chat.methods`); a name without a row here fails at start.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from chatd.actions import (
    conversations,
    forwarding,
    me,
    members,
    messages,
    paging,
    reading,
    recovery,
)
from chatd.actions.basis.rates import Cost
from chatd.actions.between import blocks, contacts
from chatd.actions.content import search
from chatd.actions.mass import sending
from chatd.actions.reporting import filing, restoring, reviewing
from chatd.actions.starting import previewing, searching, start

# `Any`: each action takes its own request type; the row binds the argument to just that
# type before it calls, which a homogeneous table cannot say.
Action = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Deed:
    """One row: the action that a method calls and which bucket pays for it."""

    action: Action
    cost: Cost


DEEDS: Mapping[str, Deed] = MappingProxyType(
    {
        "GetMe": Deed(me.get, Cost.READ),
        "UpdatePreferences": Deed(me.update_preferences, Cost.WRITE),
        "GetUnread": Deed(reading.unread, Cost.READ),
        "ListConversations": Deed(conversations.page, Cost.READ),
        "GetConversation": Deed(conversations.get, Cost.READ),
        "StartConversation": Deed(start.start, Cost.START),
        "PreviewRecipients": Deed(previewing.preview, Cost.READ),
        "SearchRecipients": Deed(searching.search, Cost.READ),
        "RenameConversation": Deed(conversations.rename, Cost.WRITE),
        "CloseConversation": Deed(conversations.close, Cost.WRITE),
        "ReopenConversation": Deed(conversations.reopen, Cost.WRITE),
        "DeleteConversation": Deed(conversations.delete, Cost.WRITE),
        "RestoreConversation": Deed(restoring.restore, Cost.WRITE),
        "LeaveConversation": Deed(conversations.leave, Cost.WRITE),
        "SetConversationPreferences": Deed(conversations.set_preferences, Cost.WRITE),
        "ListParticipants": Deed(members.page, Cost.READ),
        "AddParticipants": Deed(members.add, Cost.WRITE),
        "RemoveParticipant": Deed(members.remove, Cost.WRITE),
        "SendMessage": Deed(messages.send, Cost.SEND),
        "EditMessage": Deed(messages.edit, Cost.SEND),
        "DeleteMessage": Deed(messages.delete, Cost.WRITE),
        "ForwardMessage": Deed(forwarding.forward, Cost.SEND),
        "ListMessages": Deed(paging.page, Cost.READ),
        "Search": Deed(search.find, Cost.READ),
        "MarkRead": Deed(reading.mark_read, Cost.READ),
        "MarkUnread": Deed(reading.mark_unread, Cost.READ),
        "Typing": Deed(reading.typing, Cost.READ),
        "RequestContact": Deed(contacts.request, Cost.WRITE),
        "AcceptContact": Deed(contacts.accept, Cost.WRITE),
        "DeclineContact": Deed(contacts.decline, Cost.WRITE),
        "RemoveContact": Deed(contacts.remove, Cost.WRITE),
        "ListContacts": Deed(contacts.page, Cost.READ),
        "BlockUser": Deed(blocks.block, Cost.WRITE),
        "UnblockUser": Deed(blocks.unblock, Cost.WRITE),
        "ListBlocks": Deed(blocks.page, Cost.READ),
        "ReportMessage": Deed(filing.of_message, Cost.REPORT),
        "ReportConversation": Deed(filing.of_conversation, Cost.REPORT),
        "WithdrawReport": Deed(filing.withdraw, Cost.WRITE),
        "ListReports": Deed(reviewing.page, Cost.READ),
        "OpenReport": Deed(reviewing.open_, Cost.WRITE),
        "ResolveReport": Deed(reviewing.resolve, Cost.WRITE),
        "PreviewAudience": Deed(sending.preview, Cost.READ),
        "SendMassMessage": Deed(sending.send, Cost.START),
        "CancelMassMessage": Deed(sending.cancel, Cost.WRITE),
        "ListMassMessages": Deed(sending.page, Cost.READ),
        "Sync": Deed(recovery.sync, Cost.READ),
    }
)
