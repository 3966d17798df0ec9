"""What somebody missed: `Sync`, and the reads by which live delivery is the same.

A person's own state comes first, then conversations; an answer is cut at its limits and
says `more`. What a person may see is decided by membership intervals alone. A log has
no hole, so how much there is to read is known before it is read: the statements of an
answer do not grow with what was missed, nor with the number of conversations.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from chatd import metrics
from chatd.actions import personal as own
from chatd.actions import presenting
from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import policy_of
from chatd.actions.events import Around, around, event, people_named, veiled
from chatd.clock import rfc3339
from chatd.domain.members import Range, clipped
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.limits import Limits
from chatd.store import conversation_views, log, members, personal
from chatd.store.conversation_views import ConversationView
from chatd.store.log import LogRow
from chatd.store.transaction import Transaction
from chatd.store.upkeep.heads import Heads, moved_since
from chatd_protocol.chat import requests
from chatd_protocol.chat.base import Shape
from chatd_protocol.chat.events import (
    LogEvent,
    MessageCreated,
    MessageEdited,
    MessageRemoved,
    PersonalEvent,
)
from chatd_protocol.chat.results import (
    ConversationEvents,
    EventPage,
    PersonalRow,
    Synced,
    WatchedEvent,
)

PERSONAL_PAGE: Final = 100
"""Rows of a person's own state in one answer; each may carry a whole conversation."""

ENVELOPE_BYTES: Final = 256
"""Of an answer without its rows: braces, names, the epoch, a position."""


async def sync(context: Context, caller: Caller, request: requests.Sync) -> Synced:
    """Everything the caller missed and may see, in order.

    Conversations that do not exist or were never the caller's are left out alike.
    """
    answer = await context.store.read(
        _sync, caller, request, context.limits, context.store.epoch
    )
    for one in answer.conversations:
        metrics.RESUMES.labels("false" if one.too_long else "true").inc()
        metrics.GAP_FILLS.labels("resume").inc(len(one.events))
    return answer


@dataclass(slots=True)
class _Answer:
    """An answer that grows until it is full."""

    bytes_left: int
    personal: list[PersonalRow] = field(default_factory=list)
    conversations: list[ConversationEvents] = field(default_factory=list)
    empty: bool = True
    more: bool = False

    def takes(self, part: Shape, *, gets_further: bool = True) -> bool:
        """Whether this still fits; the first that gets the caller further always does.

        Otherwise a caller could ask the same for ever.
        """
        size = len(msgspec.json.encode(part)) + 1
        if self.bytes_left < size and not self.empty:
            self.more = True
            return False
        self.bytes_left -= size
        self.empty = self.empty and not gets_further
        return True


async def _sync(
    tx: Transaction, caller: Caller, request: requests.Sync, limits: Limits, epoch: str
) -> Synced:
    tenant, user_id = caller.tenant, caller.user_id
    head = await personal.head(tx, tenant, user_id)
    since = head if request.personal_seq is None else request.personal_seq
    changes = await personal.changes_since(tx, tenant, user_id, since, PERSONAL_PAGE)
    answer = _Answer(limits.sync_answer_bytes - ENVELOPE_BYTES)
    for row in await own.rows(tx, caller, changes, since, limits):
        if not answer.takes(row):
            break
        answer.personal.append(row)
    if answer.more or len(changes) == PERSONAL_PAGE:
        answer.more = True
        head = answer.personal[-1].personal_seq
    else:
        await _conversations(tx, caller, request, limits, answer)
    return Synced(
        epoch=epoch,
        personal_seq=head,
        personal=tuple(answer.personal),
        conversations=tuple(answer.conversations),
        more=answer.more,
    )


@dataclass(frozen=True, slots=True)
class _Missed:
    """What one conversation has for the caller: `None` is more than an answer tells."""

    view: ConversationView
    spans: tuple[Range, ...] | None


async def _conversations(
    tx: Transaction,
    caller: Caller,
    request: requests.Sync,
    limits: Limits,
    answer: _Answer,
) -> None:
    tenant = caller.tenant
    policy = await policy_of(tx, tenant)
    # Of most conversations nothing was missed: they cost one row each.
    moved = await conversation_views.moved(tx, tenant, request.cursors)
    views = await conversation_views.outlines(
        tx, tenant, caller.user_id, moved, policy.history_for_new_members
    )
    missed, more = _missed(views, request, limits)
    spans = [(one.view.record.id, span) for one in missed for span in one.spans or ()]
    rows = await log.within(tx, tenant, spans)
    named = await people_named(
        tx, tenant, [row for some in rows.values() for row in some]
    )
    for one in missed:
        record = one.view.record
        left = None if one.view.member else record.head_seq
        known = Around(named, presenting.facts_of(record, None), left)
        part = _part(one, rows.get(record.id, ()), known, answer)
        if part is not None:
            answer.conversations.append(part)
        if answer.more:
            return
    answer.more = more


def _missed(
    views: Sequence[ConversationView], request: requests.Sync, limits: Limits
) -> tuple[list[_Missed], bool]:
    """What to read, newest conversations first, and whether there is more of it."""
    left = request.limit
    found: list[_Missed] = []
    for view in sorted(views, key=lambda one: -one.record.last_activity_ms):
        cursor, head = request.cursors[view.record.id], view.record.head_seq
        if cursor == head:
            continue
        if left == 0:
            return found, True
        # Ahead of the log: the client knows another database.
        if cursor > head or head - cursor > limits.sync_events_per_conversation:
            found.append(_Missed(view, None))
            left -= 1
            continue
        spans, rest = clipped(view.ranges, cursor + 1, left)
        found.append(_Missed(view, spans))
        if rest:
            return found, True
        left -= sum(one.last - one.first + 1 for one in spans)
    return found, False


def _part(
    missed: _Missed, rows: Sequence[LogRow], known: Around, answer: _Answer
) -> ConversationEvents | None:
    """As much of a conversation as still fits; `None` when nothing does."""
    record = missed.view.record
    told = ConversationEvents(
        conversation_id=record.id,
        events=(),
        head_seq=record.head_seq,
        too_long=True if missed.spans is None else None,
    )
    if not answer.takes(told, gets_further=missed.spans is None):
        return None
    found: list[LogEvent] = []
    for row in rows:
        made = _as_seen(event(row, known), missed.view)
        if not answer.takes(made):
            break
        found.append(made)
    return msgspec.structs.replace(told, events=tuple(found))


def _as_seen(event: LogEvent, view: ConversationView) -> LogEvent:
    """The event as this person is told it: see `veiled`."""
    if not isinstance(event, MessageCreated | MessageEdited | MessageRemoved):
        return event
    seq = event.message.seq
    if isinstance(event, MessageCreated) and seq in view.hidden:
        message = presenting.hidden(event.message)
        return msgspec.structs.replace(event, message=message)
    return veiled(event, sees=view.sees(seq) and seq not in view.hidden)


async def events_between(
    context: Context, tenant: str, conversation_id: str, after_seq: int, until_seq: int
) -> Sequence[LogEvent]:
    """The events of a log with `after_seq < seq <= until_seq`, for its members."""
    return await context.store.read(
        _events_between, tenant, conversation_id, after_seq, until_seq
    )


async def _events_between(
    tx: Transaction, tenant: str, conversation_id: str, after_seq: int, until_seq: int
) -> list[LogEvent]:
    rows = await log.events(
        tx,
        tenant,
        conversation_id,
        after_seq=after_seq,
        until_seq=until_seq,
        limit=max(0, until_seq - after_seq),
    )
    known = await around(tx, tenant, rows)
    return [event(row, known[conversation_id]) for row in rows]


async def blind(
    context: Context, tenant: str, conversation_id: str, seq: int
) -> Collection[str]:
    """Members who may not see this position, which is behind them (ITS-70)."""
    return await context.store.read(_blind, tenant, conversation_id, seq)


async def _blind(
    tx: Transaction, tenant: str, conversation_id: str, seq: int
) -> frozenset[str]:
    history = (await policy_of(tx, tenant)).history_for_new_members
    return await members.blind(tx, tenant, conversation_id, seq, history)


async def personal_events(
    context: Context, tenant: str, user_id: str, after: int
) -> Sequence[PersonalEvent]:
    """A person's own events after a position, in order; at most a page of them."""
    return await context.store.read(
        _personal_events, Caller(tenant, user_id), after, context.limits
    )


async def _personal_events(
    tx: Transaction, caller: Caller, after: int, limits: Limits
) -> list[PersonalEvent]:
    tenant, user_id = caller.tenant, caller.user_id
    changes = await personal.changes_since(tx, tenant, user_id, after, PERSONAL_PAGE)
    at = rfc3339(await personal.changed_at_ms(tx, tenant, user_id))
    rows = await own.rows(tx, caller, changes, after, limits)
    return [own.event(row, at) for row in rows]


async def members_at(
    context: Context, tenant: str, conversation_id: str, seq: int
) -> tuple[Sequence[str], Sequence[str]]:
    """Who became a member at a position of the log, and who ceased to be one."""
    return await context.store.read(members.at, tenant, conversation_id, seq)


async def memberships(
    context: Context, tenant: str, user_id: str
) -> tuple[int, Sequence[tuple[str, int, int]]]:
    """A person's position and memberships of one moment, for who connects."""
    return await context.store.read(_memberships, tenant, user_id)


async def _memberships(
    tx: Transaction, tenant: str, user_id: str
) -> tuple[int, tuple[tuple[str, int, int], ...]]:
    head = await personal.head(tx, tenant, user_id)
    return head, await members.of_user(tx, tenant, user_id)


async def event_page(
    context: Context, caller: Caller, request: requests.ListEvents
) -> EventPage:
    """A page of the tenant's events, in the order of their commits.

    Raises:
        Refused: `forbidden` without the scope `events`, or an invalid cursor.
    """
    found = await tenant_events(context, caller, request.cursor, request.limit)
    return EventPage(
        events=tuple(found), next=found[-1].cursor if found else request.cursor
    )


async def heads(context: Context, mark: int) -> Heads:
    """What moved in the store since an earlier look, for whoever missed the news."""
    return await context.store.read(moved_since, mark)


async def tenant_events(
    context: Context, caller: Caller, cursor: str | None, limit: int
) -> Sequence[WatchedEvent]:
    """Events of the caller's tenant after a cursor; from the beginning without one.

    Raises:
        Refused: `forbidden` without the scope `events`, or an invalid cursor.
    """
    if "events" not in caller.scopes:
        raise Refused("forbidden")
    position = log.BEGINNING
    if cursor is not None:
        position = cursors.decode(cursor, tuple[int, int])
    return await context.store.read(_tenant_events, caller.tenant, position, limit)


async def _tenant_events(
    tx: Transaction, tenant: str, position: log.Position, limit: int
) -> list[WatchedEvent]:
    rows = await log.tail(tx, tenant, position, limit)
    known = await around(tx, tenant, rows)
    return [
        WatchedEvent(
            cursor=cursors.encode(row.position),
            event=event(row, known[row.conversation_id]),
        )
        for row in rows
    ]
