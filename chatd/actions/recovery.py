"""What somebody missed: `Sync`, and the reads by which live delivery is the same.

A person's own state comes first, then conversations; an answer is cut at its limits and
says `more`. What a person may see is decided by membership intervals alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from chatd.actions import presenting
from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.events import around, event
from chatd.actions.me import preferences_of
from chatd.actions.presenting import Gathered
from chatd.clock import rfc3339
from chatd.domain.members import visible_ranges
from chatd.domain.people import Caller
from chatd.domain.verdicts import denied
from chatd.errors import Refused
from chatd.limits import Limits
from chatd.store import log, members, personal
from chatd.store.conversation_views import ConversationView
from chatd.store.personal import PersonalChange
from chatd.store.transaction import Transaction
from chatd_protocol.chat import events, requests, results
from chatd_protocol.chat.events import LogEvent, PersonalEvent
from chatd_protocol.chat.results import (
    ConversationEvents,
    PersonalRow,
    Synced,
    WatchedEvent,
)

PERSONAL_PAGE = 100
"""Rows of a person's own state in one answer; each may carry a whole conversation."""


async def sync(context: Context, caller: Caller, request: requests.Sync) -> Synced:
    """Everything the caller missed and may see, in order.

    Conversations that do not exist or were never the caller's are left out alike.
    """
    return await context.store.read(
        _sync, caller, request, context.limits, context.store.epoch
    )


@dataclass(slots=True)
class _Answer:
    """An answer that grows until it is full."""

    events_left: int
    bytes_left: int
    conversations: list[ConversationEvents] = field(default_factory=list)
    more: bool = False

    def takes(self, size: int) -> bool:
        """Whether something of this size still fits; the first always does."""
        if self.events_left <= 0 or (self.bytes_left < size and self.bytes_left >= 0):
            self.more = True
            return False
        self.events_left -= 1
        self.bytes_left -= size
        return True


async def _sync(
    tx: Transaction, caller: Caller, request: requests.Sync, limits: Limits, epoch: str
) -> Synced:
    tenant, user_id = caller.tenant, caller.user_id
    head = await personal.head(tx, tenant, user_id)
    since = head if request.personal_seq is None else request.personal_seq
    changes = await personal.changes_since(tx, tenant, user_id, since, PERSONAL_PAGE)
    own = await _rows(tx, caller, changes, limits)
    size = sum(len(msgspec.json.encode(row)) for row in own)
    answer = _Answer(request.limit, max(0, limits.sync_answer_bytes - size))
    if len(changes) == PERSONAL_PAGE:
        answer.more = True
        head = changes[-1].personal_seq
    else:
        await _conversations(tx, caller, request, limits, answer)
    return Synced(
        epoch=epoch,
        personal_seq=head,
        personal=tuple(own),
        conversations=tuple(answer.conversations),
        more=answer.more,
    )


async def _conversations(
    tx: Transaction,
    caller: Caller,
    request: requests.Sync,
    limits: Limits,
    answer: _Answer,
) -> None:
    gathered = await presenting.gather(
        tx, caller.tenant, caller.user_id, list(request.cursors), limits
    )
    newest_first = sorted(
        gathered.views, key=lambda view: view.record.last_activity_ms, reverse=True
    )
    for view in newest_first:
        cursor = request.cursors[view.record.id]
        if cursor == view.record.head_seq:
            continue
        if answer.events_left <= 0:
            answer.more = True
            return
        missed = await _missed(
            tx, caller.tenant, gathered, view, cursor, limits, answer
        )
        answer.conversations.append(missed)
        if answer.more:
            return


async def _missed(
    tx: Transaction,
    tenant: str,
    gathered: Gathered,
    view: ConversationView,
    cursor: int,
    limits: Limits,
    answer: _Answer,
) -> ConversationEvents:
    id_, head = view.record.id, view.record.head_seq
    # Ahead of the log: the client knows another database.
    if cursor > head or head - cursor > limits.sync_events_per_conversation:
        answer.events_left -= 1
        return ConversationEvents(
            conversation_id=id_, events=(), head_seq=head, too_long=True
        )
    ranges = visible_ranges(
        view.intervals,
        head,
        cleared_seq=view.marks.cleared_seq,
        history_for_new_members=gathered.policy.history_for_new_members,
    )
    rows = await log.events(
        tx,
        tenant,
        id_,
        after_seq=cursor,
        until_seq=head,
        limit=answer.events_left + 1,
    )
    known = await around(
        tx,
        tenant,
        id_,
        rows,
        presenting.facts_of_view(view),
        None if view.member else head,
    )
    found: list[LogEvent] = []
    for row in rows:
        if not any(one.first <= row.seq <= one.last for one in ranges):
            continue
        made = event(row, known)
        if not answer.takes(len(msgspec.json.encode(made))):
            break
        found.append(made)
    return ConversationEvents(conversation_id=id_, events=tuple(found), head_seq=head)


# ------------------------------------------------------------- a person's own


async def _gathered(
    tx: Transaction, caller: Caller, changes: Sequence[PersonalChange], limits: Limits
) -> tuple[Gathered, dict[str, ConversationView]]:
    ids = list(dict.fromkeys(c.conversation_id for c in changes if c.conversation_id))
    gathered = await presenting.gather(tx, caller.tenant, caller.user_id, ids, limits)
    return gathered, {view.record.id: view for view in gathered.views}


async def _rows(
    tx: Transaction, caller: Caller, changes: Sequence[PersonalChange], limits: Limits
) -> list[PersonalRow]:
    if not changes:
        return []
    gathered, views = await _gathered(tx, caller, changes, limits)
    return [_row(change, gathered, views, limits) for change in changes]


def _row(
    change: PersonalChange,
    gathered: Gathered,
    views: dict[str, ConversationView],
    limits: Limits,
) -> PersonalRow:
    seq = change.personal_seq
    if change.conversation_id is None:
        return results.PreferencesRow(
            personal_seq=seq, preferences=preferences_of(gathered.person)
        )
    id_ = change.conversation_id
    view = views[id_]
    if change.kind == "membership":
        return results.MembershipRow(
            personal_seq=seq,
            conversation_id=id_,
            member=view.member,
            conversation=presenting.shown(gathered, view, limits),
            left_seq=None if view.member else view.record.head_seq,
        )
    if change.kind == "read":
        return results.ReadRow(
            personal_seq=seq,
            conversation_id=id_,
            read_seq=view.marks.read_seq,
            unread=presenting.unread_of(view, limits),
        )
    if change.kind == "marks":
        return results.ConversationPreferencesRow(
            personal_seq=seq,
            conversation_id=id_,
            muted=view.marks.muted,
            starred=view.marks.starred,
            archived=view.marks.archived,
            draft=view.marks.draft,
        )
    return results.PermissionsRow(
        personal_seq=seq,
        conversation_id=id_,
        denied=denied(presenting.standing_of(gathered, view)),
    )


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
    changes = await personal.changes_since(
        tx, caller.tenant, caller.user_id, after, PERSONAL_PAGE
    )
    rows = await _rows(tx, caller, changes, limits)
    at = rfc3339(await personal.changed_at_ms(tx, caller.tenant, caller.user_id))
    return [_as_event(row, at) for row in rows]


def _as_event(row: PersonalRow, at: str) -> PersonalEvent:
    if isinstance(row, results.PreferencesRow):
        return events.PreferencesChanged(
            personal_seq=row.personal_seq, at=at, preferences=row.preferences
        )
    seq, id_ = row.personal_seq, row.conversation_id
    if isinstance(row, results.MembershipRow):
        if row.conversation is not None and row.left_seq is None:
            return events.ConversationJoined(
                personal_seq=seq,
                at=at,
                conversation_id=id_,
                conversation=row.conversation,
            )
        return events.ConversationLeft(
            personal_seq=seq,
            at=at,
            conversation_id=id_,
            left_seq=row.left_seq or 0,
            conversation=row.conversation,
        )
    if isinstance(row, results.ReadRow):
        kind = events.UnreadChanged if row.unread.marked else events.ReadMoved
        return kind(
            personal_seq=seq,
            at=at,
            conversation_id=id_,
            read_seq=row.read_seq,
            unread=row.unread,
        )
    if isinstance(row, results.ConversationPreferencesRow):
        return events.PreferencesChanged(
            personal_seq=seq,
            at=at,
            conversation_id=id_,
            muted=row.muted,
            starred=row.starred,
            archived=row.archived,
            draft=row.draft,
        )
    return events.PermissionsChanged(
        personal_seq=seq, at=at, conversation_id=id_, denied=row.denied
    )


# ------------------------------------------------------- for live delivery


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
    known = await around(tx, tenant, conversation_id, rows)
    return [event(row, known) for row in rows]


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


async def tenant_events(
    context: Context, caller: Caller, cursor: str | None, limit: int
) -> Sequence[WatchedEvent]:
    """Events of the caller's tenant after a cursor; from the beginning without one.

    Raises:
        Refused: `forbidden` without the scope `events`, or an invalid cursor.
    """
    if "events" not in caller.scopes:
        raise Refused("forbidden")
    position = 0 if cursor is None else cursors.decode(cursor, tuple[int])[0]
    return await context.store.read(_tenant_events, caller.tenant, position, limit)


async def _tenant_events(
    tx: Transaction, tenant: str, position: int, limit: int
) -> list[WatchedEvent]:
    watched = []
    for row in await log.tail(tx, tenant, position, limit):
        known = await around(tx, tenant, row.conversation_id, [row])
        cursor = cursors.encode((row.position,))
        watched.append(WatchedEvent(cursor=cursor, event=event(row, known)))
    return watched
