"""Paging through what was said, from any place and to both sides."""

from typing import Final

from chatd.actions import presenting
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import place_of
from chatd.actions.basis.facts import Place
from chatd.actions.events import Around, event, people_named
from chatd.domain.members import Range, clipped
from chatd.domain.messages import MessageRecord
from chatd.domain.people import Caller
from chatd.errors import Refused, invalid
from chatd.store import conversation_views, log, messages
from chatd.store.conversation_views import ConversationView
from chatd.store.reporting import reading
from chatd.store.transaction import Transaction
from chatd_protocol.chat import requests
from chatd_protocol.chat.events import LogEvent
from chatd_protocol.chat.results import MessagePage

EVENTS_MAX: Final = 100
"""Of a page: more lines than anybody reads between its messages."""

POSITIONS_MAX: Final = 1000
"""Looked through for them, however many edits a page is full of."""


async def page(
    context: Context, caller: Caller, request: requests.ListMessages
) -> MessagePage:
    """A page of history as of one moment; reading marks nothing read.

    `around` and `aroundUnread` bring about half of the page from before the place.

    Raises:
        Refused: `not_found`, or `invalid_request` for more than one place.
    """
    anchors = (request.before, request.after, request.around, request.around_unread)
    if sum(anchor not in (None, False) for anchor in anchors) > 1:
        raise invalid("", "one_place_only")
    place = await place_of(context, caller, request.conversation_id)
    return await context.store.read(_page, caller, request, place)


async def _page(
    tx: Transaction, caller: Caller, request: requests.ListMessages, place: Place
) -> MessagePage:
    views = await conversation_views.views(
        tx,
        caller.tenant,
        caller.user_id,
        ids=[request.conversation_id],
        unread_bound=1,
        others_max=1,
        history=place.case.policy.history_for_new_members,
    )
    if not views:
        raise Refused("not_found")
    view = views[0]
    head = view.record.head_seq
    ranges = view.ranges
    around = request.around
    if request.around_unread:
        around = view.first_unread_seq or head + 1
    found = await _find(tx, caller.tenant, request, ranges, around)
    first = found[0].seq if found else request.after or 0
    last = found[-1].seq if found else request.before or head + 1
    here = (caller.tenant, request.conversation_id, ranges)
    before = await messages.older(tx, *here, before=first, limit=1)
    after = await messages.newer(tx, *here, after=last, limit=1)
    events = None
    if request.with_events:
        begins = first if before else 1
        ends = after[0].seq - 1 if after else head
        events = await _besides(tx, caller.tenant, view, begins, ends)
    ids = [one.id for one in found]
    reported = await reading.marks(tx, caller.tenant, caller.user_id, ids)
    return MessagePage(
        messages=presenting.seen(view, found),
        as_of_seq=head,
        has_before=bool(before),
        has_after=bool(after),
        reported=reported or None,
        events=events,
    )


async def _besides(
    tx: Transaction, tenant: str, view: ConversationView, first: int, last: int
) -> tuple[LogEvent, ...]:
    """What else happened there, as this person is told it by `Sync`."""
    first = max(first, last - POSITIONS_MAX + 1)
    ranges, _ = clipped(view.ranges, first, max(0, last - first + 1))
    spans = [Range(one.first, min(one.last, last)) for one in ranges]
    record = view.record
    spans = [one for one in spans if one.first <= one.last]
    rows = await log.besides(tx, tenant, record.id, spans, EVENTS_MAX)
    named = await people_named(tx, tenant, rows)
    left = None if view.member else record.head_seq
    known = Around(named, presenting.facts_of(record, None), left)
    return tuple(event(row, known) for row in rows)


async def _find(
    tx: Transaction,
    tenant: str,
    request: requests.ListMessages,
    ranges: tuple[Range, ...],
    around: int | None,
) -> list[MessageRecord]:
    here = (tenant, request.conversation_id, ranges)
    if request.after is not None:
        return await messages.newer(tx, *here, after=request.after, limit=request.limit)
    if around is None:
        before = request.before if request.before is not None else 2**53
        older = await messages.older(tx, *here, before=before, limit=request.limit)
        return older[::-1]
    half = request.limit // 2
    newer = await messages.newer(
        tx, *here, after=around - 1, limit=request.limit - half
    )
    older = await messages.older(
        tx, *here, before=around, limit=request.limit - len(newer)
    )
    missing = request.limit - len(newer) - len(older)
    if missing and len(older) < half and newer:
        more = await messages.newer(tx, *here, after=newer[-1].seq, limit=missing)
        newer += more
    return older[::-1] + newer
