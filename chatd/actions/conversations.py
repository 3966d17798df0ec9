"""What is done with a conversation as a whole, once there is one."""

from chatd.actions import presenting, reading
from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import allowed_place, carry_out
from chatd.actions.basis.facts import policy_of
from chatd.actions.basis.noting import noted
from chatd.domain.people import Caller
from chatd.domain.policy import Action
from chatd.domain.texts import normal_draft, normal_title
from chatd.errors import Refused
from chatd.limits import Limits
from chatd.store import conversation_views, conversations, personal
from chatd.store.change import Change, Write
from chatd.store.conversation_views import ListPosition
from chatd.store.conversations import Rename, SetState
from chatd.store.members import Part
from chatd.store.personal import Hide, PermissionsMoved, SetMarks
from chatd.store.reporting import guests
from chatd.store.reporting.guests import LeaveAsGuest
from chatd.store.transaction import Transaction
from chatd_protocol.chat import requests
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.results import ConversationPage, Empty


async def get(
    context: Context, caller: Caller, request: requests.GetConversation
) -> Conversation:
    """One conversation as the caller has it.

    Raises:
        Refused: `not_found`.
    """
    return await presenting.conversation(context, caller, request.conversation_id)


async def page(
    context: Context, caller: Caller, request: requests.ListConversations
) -> ConversationPage:
    """The caller's conversations, latest activity first, and the badge of that moment.

    Raises:
        Refused: `invalid_request` for a cursor that is none.
    """
    after = None
    if request.cursor is not None:
        after = ListPosition(*cursors.decode(request.cursor, tuple[int, str]))
    return await context.store.read(_page, caller, request, after, context.limits)


async def _page(
    tx: Transaction,
    caller: Caller,
    request: requests.ListConversations,
    after: ListPosition | None,
    limits: Limits,
) -> ConversationPage:
    tenant, user_id = caller.tenant, caller.user_id
    policy = await policy_of(tx, tenant)
    places = await conversation_views.page_ids(
        tx,
        tenant,
        user_id,
        filter_=request.filter,
        after=after,
        limit=request.limit + 1,
        history=policy.history_for_new_members,
    )
    more, places = len(places) > request.limit, places[: request.limit]
    ids = [place.id for place in places]
    gathered = await presenting.gather(tx, tenant, user_id, ids, limits)
    end = places[-1] if more else None
    return ConversationPage(
        conversations=tuple(
            presenting.shown(gathered, view, limits) for view in gathered.views
        ),
        unread=await reading.totals(tx, caller, limits),
        personal_seq=await personal.head(tx, tenant, user_id),
        next=None if end is None else cursors.encode((end.last_activity_ms, end.id)),
    )


async def rename(
    context: Context, caller: Caller, request: requests.RenameConversation
) -> Conversation:
    """Give a group another title (ITS-28).

    Raises:
        Refused: `not_found`, `invalid_request`, or why the caller may not.
    """
    title = normal_title(request.title, "/title")

    async def change() -> Change | None:
        place = await allowed_place(context, caller, request.conversation_id, "rename")
        now = await context.store.read(
            conversations.record, caller.tenant, request.conversation_id
        )
        if now is None or now.title == title:
            return None
        write = Rename(request.conversation_id, title, caller.user_id)
        now_ms = context.clock.now_ms()
        return Change(caller.tenant, now_ms, (write,), place.guards)

    await carry_out(context, change)
    return await presenting.conversation(context, caller, request.conversation_id)


async def close(
    context: Context, caller: Caller, request: requests.CloseConversation
) -> Conversation:
    """No new messages from here on (ITS-99, ITS-100).

    Raises:
        Refused: `not_found`, or why the caller may not.
    """
    return await _set_state(context, caller, request.conversation_id, "close")


async def reopen(
    context: Context, caller: Caller, request: requests.ReopenConversation
) -> Conversation:
    """Undo a closing (ITS-101).

    Raises:
        Refused: `not_found`, or why the caller may not.
    """
    return await _set_state(context, caller, request.conversation_id, "reopen")


async def delete(
    context: Context, caller: Caller, request: requests.DeleteConversation
) -> Conversation:
    """Delete by the policy's meaning: for all it can only be read (ITS-102); or it is
    gone for the caller alone and returns with a new message (ISP-18, MOO-57).

    Raises:
        Refused: `not_found`, or why the caller may not.
    """
    id_ = request.conversation_id
    place = await allowed_place(context, caller, id_, "deleteConversation")
    meaning = place.case.policy.conversation_delete.get(place.conversation.kind)
    if meaning == "read_only_for_all":
        return await _set_state(context, caller, id_, "deleteConversation")

    async def change() -> Change | None:
        place = await allowed_place(context, caller, id_, "deleteConversation")
        now = await presenting.conversation(context, caller, id_)
        if now.cleared_seq == now.head_seq:
            return None
        write = Hide(id_, caller.user_id, clear=True)
        return Change(caller.tenant, context.clock.now_ms(), (write,), place.guards)

    await carry_out(context, change)
    return await presenting.conversation(context, caller, id_)


# The deed → the log row it writes, and the state in which there is nothing to do.
_STATE_DEEDS: dict[Action, tuple[str, str]] = {
    "close": ("conversation.closed", "closed"),
    "reopen": ("conversation.reopened", "open"),
    "deleteConversation": ("conversation.deleted", "deleted"),
}


async def _set_state(
    context: Context, caller: Caller, conversation_id: str, action: Action
) -> Conversation:
    kind, done = _STATE_DEEDS[action]

    async def change() -> Change | None:
        place = await allowed_place(context, caller, conversation_id, action)
        if place.conversation.state == done:
            return None
        # What everybody may do here changes with the state, and clients know no rules.
        told = await context.store.read(
            guests.with_members, caller.tenant, conversation_id
        )
        writes: tuple[Write, ...] = (
            SetState(conversation_id, kind, caller.user_id),
            PermissionsMoved(conversation_id, told),
        )
        if action == "deleteConversation":
            noun = "conversation"
            note = noted(caller, "conversation.deleted", noun, conversation_id)
            writes += (note,)
        return Change(caller.tenant, context.clock.now_ms(), writes, place.guards)

    await carry_out(context, change)
    return await presenting.conversation(context, caller, conversation_id)


async def leave(
    context: Context, caller: Caller, request: requests.LeaveConversation
) -> Empty:
    """Leave a group (ITS-30). Leaving what one has left already does nothing.

    Raises:
        Refused: `not_found`, or why the caller may not.
    """

    async def change() -> Change | None:
        place = await context.facts.place(
            caller.tenant, request.conversation_id, caller.user_id
        )
        if place is None:
            raise Refused("not_found")
        if place.left_seq is not None:
            return None
        await allowed_place(context, caller, request.conversation_id, "leave")
        write: Write = Part(request.conversation_id, (caller.user_id,), caller.user_id)
        if place.case.through == "guest":
            write = LeaveAsGuest(request.conversation_id, caller.user_id)
        now_ms = context.clock.now_ms()
        return Change(caller.tenant, now_ms, (write,), place.guards)

    await carry_out(context, change)
    return Empty()


async def set_preferences(
    context: Context, caller: Caller, request: requests.SetConversationPreferences
) -> Conversation:
    """The caller's own marks on a conversation, on all the caller's devices.

    Raises:
        Refused: `not_found`, `invalid_request`.
    """
    draft = request.draft
    if draft is not None:
        bound = context.limits.message_text_code_points
        draft = normal_draft(draft, "/draft", bound) or ""
    given = (request.muted, request.starred, request.archived, draft)
    await presenting.conversation(context, caller, request.conversation_id)

    async def change() -> Change | None:
        if all(one is None for one in given):
            return None
        write = SetMarks(request.conversation_id, caller.user_id, *given)
        return Change(caller.tenant, context.clock.now_ms(), (write,))

    await carry_out(context, change)
    return await presenting.conversation(context, caller, request.conversation_id)
