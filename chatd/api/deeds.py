"""The table's second half: which action carries a row out, and what it costs.

A row of `chatd_protocol.chat.routes` without a deed here fails at start.
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
    sessions,
)
from chatd.actions.basis.context import Context
from chatd.actions.basis.rates import Cost
from chatd.actions.between import blocks, contacts
from chatd.actions.content import attachments, search, uploading
from chatd.actions.directory import people, policies, tenants
from chatd.actions.directory.kinds import ROSTERS
from chatd.actions.keeping import audit, erasing, holds, looking, settings, vault
from chatd.actions.mass import sending
from chatd.actions.reporting import filing, restoring, reviewing
from chatd.actions.saying import held
from chatd.actions.starting import searching, start
from chatd.domain.people import Caller
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.requests import (
    GetConversation,
    RenameConversation,
    SetConversationPreferences,
)
from chatd_protocol.chat.routes import ChangeConversation

# `Any`: each action takes its own request type; the row binds just that type first.
Action = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Deed:
    """The action behind a route and which bucket pays for it."""

    action: Action
    cost: Cost


async def change_conversation(
    context: Context, caller: Caller, request: ChangeConversation
) -> Conversation:
    """Rename first, as only that can be refused; then the caller's own marks."""
    id_ = request.conversation_id
    answer: Conversation | None = None
    if request.title is not None:
        rename = RenameConversation(conversation_id=id_, title=request.title)
        answer = await conversations.rename(context, caller, rename)
    marks = (request.muted, request.starred, request.archived, request.draft)
    if any(mark is not None for mark in marks):
        own = SetConversationPreferences(
            conversation_id=id_,
            muted=request.muted,
            starred=request.starred,
            archived=request.archived,
            draft=request.draft,
        )
        answer = await conversations.set_preferences(context, caller, own)
    if answer is None:
        ask = GetConversation(conversation_id=id_)
        answer = await conversations.get(context, caller, ask)
    return answer


_OWN = {
    "listConversations": Deed(conversations.page, Cost.READ),
    "startConversation": Deed(start.start, Cost.START),
    "getConversation": Deed(conversations.get, Cost.READ),
    "changeConversation": Deed(change_conversation, Cost.WRITE),
    "deleteConversation": Deed(conversations.delete, Cost.WRITE),
    "closeConversation": Deed(conversations.close, Cost.WRITE),
    "reopenConversation": Deed(conversations.reopen, Cost.WRITE),
    "restoreConversation": Deed(restoring.restore, Cost.WRITE),
    "leaveConversation": Deed(conversations.leave, Cost.WRITE),
    "listMessages": Deed(paging.page, Cost.READ),
    "sendMessage": Deed(messages.send, Cost.SEND),
    "forwardMessage": Deed(forwarding.forward, Cost.SEND),
    "editMessage": Deed(messages.edit, Cost.SEND),
    "deleteMessage": Deed(messages.delete, Cost.WRITE),
    "listParticipants": Deed(members.page, Cost.READ),
    "addParticipants": Deed(members.add, Cost.WRITE),
    "removeParticipant": Deed(members.remove, Cost.WRITE),
    "reportMessage": Deed(filing.of_message, Cost.REPORT),
    "reportConversation": Deed(filing.of_conversation, Cost.REPORT),
    "withdrawReport": Deed(filing.withdraw, Cost.WRITE),
    "listReports": Deed(reviewing.page, Cost.READ),
    "openReport": Deed(reviewing.open_, Cost.WRITE),
    "resolveReport": Deed(reviewing.resolve, Cost.WRITE),
    "markRead": Deed(reading.mark_read, Cost.READ),
    "markUnread": Deed(reading.mark_unread, Cost.READ),
    "getMe": Deed(me.get, Cost.READ),
    "updatePreferences": Deed(me.update_preferences, Cost.WRITE),
    "getUnread": Deed(reading.unread, Cost.READ),
    "sync": Deed(recovery.sync, Cost.READ),
    "listContacts": Deed(contacts.page, Cost.READ),
    "changeContact": Deed(contacts.change, Cost.WRITE),
    "listBlocks": Deed(blocks.page, Cost.READ),
    "getBlock": Deed(blocks.get, Cost.READ),
    "blockUser": Deed(blocks.block, Cost.WRITE),
    "unblockUser": Deed(blocks.unblock, Cost.WRITE),
    "listMassMessages": Deed(sending.page, Cost.READ),
    "sendMassMessage": Deed(sending.send, Cost.START),
    "cancelMassMessage": Deed(sending.cancel, Cost.WRITE),
    "checkPolicy": Deed(policies.check, Cost.READ),
    "searchRecipients": Deed(searching.search, Cost.READ),
    "search": Deed(search.find, Cost.READ),
    # Bytes take another way to these: see `chatd.api.attachments`.
    "uploadAttachment": Deed(uploading.receive, Cost.SEND),
    "getAttachment": Deed(attachments.find, Cost.READ),
    "linkAttachment": Deed(attachments.link, Cost.READ),
}

# A platform writes its rosters in bulk; its scope is what lets it.
_DIRECTORY = {
    "putUser": Deed(people.put, Cost.NOTHING),
    "getUser": Deed(people.get, Cost.NOTHING),
    "deleteUser": Deed(people.delete, Cost.NOTHING),
    "endSessions": Deed(sessions.end_sessions, Cost.NOTHING),
    "putTenant": Deed(tenants.put, Cost.NOTHING),
    "getPolicy": Deed(policies.get, Cost.NOTHING),
    "putPolicy": Deed(policies.put, Cost.NOTHING),
}

# Their callers are few, and each look costs a row of the trail.
_KEEPING = {
    "listAudit": Deed(audit.page, Cost.READ),
    "listHolds": Deed(holds.listed, Cost.READ),
    "putHold": Deed(holds.put, Cost.WRITE),
    "deleteHold": Deed(holds.lift, Cost.WRITE),
    "listVault": Deed(vault.page, Cost.READ),
    "getKeptFile": Deed(vault.file, Cost.READ),
    "listEdits": Deed(vault.edits, Cost.READ),
    "readConversations": Deed(looking.read_conversations, Cost.READ),
    "readMessages": Deed(looking.read_messages, Cost.READ),
    "getUserPreferences": Deed(settings.get, Cost.READ),
    "putUserPreferences": Deed(settings.put, Cost.WRITE),
    "eraseUser": Deed(erasing.erase, Cost.WRITE),
}

# As are these.
_SCREENING = {
    "listHeldMessages": Deed(held.page, Cost.READ),
    "releaseHeldMessage": Deed(held.release, Cost.WRITE),
    "refuseHeldMessage": Deed(held.refuse, Cost.WRITE),
    "listFlaggedMessages": Deed(held.flagged_page, Cost.READ),
}

# The same deeds for a service: what it may look after is decided by its scope.
_MODERATION = {
    f"{office}{deed}": Deed(action, Cost.WRITE)
    for office in ("moderation", "safeguarding")
    for deed, action in (
        ("ListReports", reviewing.queue),
        ("OpenReport", reviewing.open_),
        ("ResolveReport", reviewing.resolve),
    )
}

_STREAMS = {"listEvents": Deed(recovery.event_page, Cost.READ)}

_ROSTERS = {
    name: Deed(action, Cost.NOTHING)
    for kind, deeds in ROSTERS.items()
    for name, action in (
        (f"put{kind.capitalize()}", deeds.put),
        (f"get{kind.capitalize()}", deeds.get),
        (f"delete{kind.capitalize()}", deeds.delete),
        (f"put{kind.capitalize()}Member", deeds.put_member),
        (f"delete{kind.capitalize()}Member", deeds.delete_member),
    )
}

DEEDS: Mapping[str, Deed] = MappingProxyType(
    _OWN | _DIRECTORY | _MODERATION | _STREAMS | _ROSTERS | _KEEPING | _SCREENING
)
