"""What is done while reading: marks, counts, and the sign that somebody writes."""

from collections.abc import Sequence

from chatd.actions import presenting
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out, place_of, require
from chatd.actions.basis.facts import policy_of
from chatd.clock import rfc3339
from chatd.domain.announcements import Hinted
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.limits import Limits
from chatd.store import conversation_views, members, messages, personal
from chatd.store.between import acquaintances
from chatd.store.change import Change, Write
from chatd.store.conversation_views import ConversationView
from chatd.store.personal import MarkUnread, MoveRead
from chatd.store.transaction import Transaction
from chatd_protocol.chat import requests
from chatd_protocol.chat.events import TypingHint
from chatd_protocol.chat.objects import PersonName
from chatd_protocol.chat.results import Empty, ReadState, UnreadTotals


async def mark_read(
    context: Context, caller: Caller, request: requests.MarkRead
) -> ReadState:
    """Move the caller's mark forward, on all the caller's devices.

    Raises:
        Refused: `not_found`, `not_participant`.
    """
    view = await _own(context, caller, request.conversation_id)
    seq = min(request.seq, view.record.head_seq)
    if seq > view.marks.read_seq or view.marks.marked_unread:
        write = MoveRead(request.conversation_id, caller.user_id, seq)
        view = await _write(context, caller, write, request.conversation_id)
    return _state(view, context.limits)


async def mark_unread(
    context: Context, caller: Caller, request: requests.MarkUnread
) -> ReadState:
    """Mark a conversation as unread, from a message on or as a whole (ITS-25, ITS-38).

    Raises:
        Refused: `not_found`, `not_participant`.
    """
    await _own(context, caller, request.conversation_id)
    read_seq = None
    if request.message_id is not None:
        place = await place_of(context, caller, request.conversation_id)
        record = await context.store.read(
            messages.by_id, caller.tenant, request.message_id
        )
        here = record is not None and record.conversation_id == place.conversation.id
        if record is None or not here or not place.sees(record.seq):
            raise Refused("not_found")
        read_seq = record.seq - 1
    write = MarkUnread(request.conversation_id, caller.user_id, read_seq)
    view = await _write(context, caller, write, request.conversation_id)
    return _state(view, context.limits)


async def _own(
    context: Context, caller: Caller, conversation_id: str
) -> ConversationView:
    view = await context.store.read(_view, caller, conversation_id, context.limits)
    if view is None:
        raise Refused("not_found")
    if not view.member:
        raise Refused("not_participant")
    return view


async def _view(
    tx: Transaction, caller: Caller, conversation_id: str, limits: Limits
) -> ConversationView | None:
    """What the caller has read there, without the people: nobody is judged."""
    policy = await policy_of(tx, caller.tenant)
    found = await conversation_views.views(
        tx,
        caller.tenant,
        caller.user_id,
        ids=[conversation_id],
        unread_bound=limits.unread_exact,
        others_max=0,
        history=policy.history_for_new_members,
    )
    return found[0] if found else None


async def _write(
    context: Context, caller: Caller, write: Write, conversation_id: str
) -> ConversationView:
    async def change() -> Change:
        return Change(caller.tenant, context.clock.now_ms(), (write,))

    await carry_out(context, change)
    return await _own(context, caller, conversation_id)


def _state(view: ConversationView, limits: Limits) -> ReadState:
    return ReadState(
        conversation_id=view.record.id,
        read_seq=view.marks.read_seq,
        unread=presenting.unread_of(view, limits),
    )


async def unread(
    context: Context, caller: Caller, _request: requests.GetUnread
) -> UnreadTotals:
    """The numbers of the badge (ITS-4, ITS-128)."""
    return await context.store.read(totals, caller, context.limits)


async def totals(tx: Transaction, caller: Caller, limits: Limits) -> UnreadTotals:
    """The numbers of the badge, within a transaction."""
    policy = await policy_of(tx, caller.tenant)
    count, marked = await personal.unread_totals(
        tx,
        caller.tenant,
        caller.user_id,
        limits.unread_exact,
        policy.history_for_new_members,
    )
    return UnreadTotals(
        messages=min(count, limits.unread_exact),
        conversations=marked,
        requests=await acquaintances.waiting(tx, caller.tenant, caller.user_id),
        capped=True if count > limits.unread_exact else None,
    )


async def typing(context: Context, caller: Caller, request: requests.Typing) -> Empty:
    """Tell the others that the caller is writing; a hint that may be lost.

    Raises:
        Refused: `not_found`, or why the caller may not send there.
    """
    place = await place_of(context, caller, request.conversation_id)
    verdict = place.may("send")
    if verdict.silent:  # ITS-96: it looks as ever until something is sent
        return Empty()
    require(verdict)
    if place.case.through:  # ITS-68: a guest is not there until he says something
        return Empty()
    person = place.case.sender.person
    hint = TypingHint(
        at=rfc3339(context.clock.now_ms()),
        conversation_id=request.conversation_id,
        actor=PersonName(id=person.id, name=person.name),
    )
    context.publish(
        [Hinted(caller.tenant, request.conversation_id, caller.user_id, hint)]
    )
    return Empty()


async def acquainted(
    context: Context, caller: Caller, user_ids: Sequence[str]
) -> tuple[str, ...]:
    """Those of the people whose presence the caller may watch: who shares a
    conversation, for strangers are not to be followed around."""
    others = [one for one in dict.fromkeys(user_ids) if one != caller.user_id]
    known = await context.store.read(
        members.acquainted, caller.tenant, caller.user_id, others
    )
    return tuple(one for one in others if one in known)
