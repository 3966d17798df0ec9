"""Conversations as each person has them: the list, unread counts, marks.

A current member reads the row as it is. For a former member the facts are those of the
last position that the person may see: title, state, count and last message of then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chatd.domain.conversations import ConversationRecord
from chatd.domain.members import History, Interval, Range, visible_ranges
from chatd.domain.messages import MessageRecord
from chatd.store import members, messages, personal
from chatd.store.conversations import COLUMNS, to_record
from chatd.store.members import visible
from chatd.store.saying import held
from chatd.store.saying.held import HeldRecord
from chatd.store.transaction import (
    Row,
    SqlValue,
    Transaction,
    placeholders,
    typed_rows,
)


@dataclass(frozen=True, slots=True)
class Marks:
    """What a person has noted on a conversation for himself."""

    read_seq: int = 0
    marked_unread: bool = False
    muted: bool = False
    starred: bool = False
    archived: bool = False
    draft: str | None = None
    cleared_seq: int = 0
    hidden_seq: int = 0


@dataclass(frozen=True, slots=True)
class Amendments:
    """Changes of messages that came where the person could not see them.

    `last_seq` is the log position of the last one. Whoever knew the membership row that
    was before, at `after_pseq` or later, lacks only those after the position
    `after_seq`.
    """

    last_seq: int = 0
    after_seq: int = 0
    after_pseq: int = 0


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A conversation as one person has it, with `record` as of what he may see.

    `unread` stops at the given bound plus one. `others` are the ids of up to a few
    other participants, the peer first of a direct conversation. `ranges` is what the
    person may see of the log, `hidden` the positions of messages that the person has
    deleted for himself, `held` those of the person's own that wait for a moderator.
    """

    record: ConversationRecord
    member: bool
    intervals: tuple[Interval, ...]
    marks: Marks
    unread: int
    first_unread_seq: int | None
    last_message: MessageRecord | None
    others: tuple[str, ...]
    ranges: tuple[Range, ...]
    amended: Amendments
    hidden: frozenset[int] = frozenset()
    held: tuple[HeldRecord, ...] = ()

    def sees(self, seq: int) -> bool:
        """Whether the person may see a position of the log."""
        return any(one.first <= seq <= one.last for one in self.ranges)

    @property
    def guest(self) -> bool:
        """Whether the person is here by a report, and no participant."""
        return any(one.of_guest for one in self.intervals)


_ALL = "p.member = 1 AND p.archived = 0"
_STARRED = "p.member = 1 AND p.starred = 1"
_ARCHIVED = "p.member = 1 AND p.archived = 1"
# Of where one was but a guest nothing is left.
_CLOSED = "p.member = 0 AND p.left_state IS NOT NULL OR p.member = 1"
_CLOSED += " AND c.state <> 'open'"


def _filter(name: str, history: History) -> str:
    unread = (
        "p.member = 1 AND (p.marked_unread = 1 OR EXISTS"
        f" (SELECT 1 FROM message m WHERE {personal.unread(history)}))"
    )
    return {
        "all": _ALL,
        "unread": unread,
        "starred": _STARRED,
        "archived": _ARCHIVED,
        "closed": _CLOSED,
    }[name]


def _listed(history: History) -> str:
    """Not hidden, or there is a message since that the person may see."""
    since = "m.tenant = p.tenant AND m.conversation_id = p.conversation_id"
    since += f" AND m.seq > p.hidden_seq AND {visible('p', 'm.seq', history)}"
    return f"(p.hidden_seq = 0 OR EXISTS (SELECT 1 FROM message m WHERE {since}))"


@dataclass(frozen=True, slots=True)
class ListPosition:
    """Where a page of the list ended: the time of last activity and the id.

    For who has left, the last activity that he saw: neither the order nor a cursor
    tells of what is going on now.
    """

    last_activity_ms: int
    id: str


async def page_ids(
    tx: Transaction,
    tenant: str,
    user_id: str,
    *,
    filter_: str,
    after: ListPosition | None,
    limit: int,
    history: History,
) -> list[ListPosition]:
    """The person's conversations, latest activity first.

    `closed` also holds those that the person has left (ITS-129); `all` does not.
    """
    parameters: list[SqlValue] = [tenant, user_id, limit]
    activity = "coalesce(p.left_activity_ms, c.last_activity_ms)"
    behind = ""
    if after is not None:
        behind = f" AND ({activity}, c.id) < ($4, $5)"
        parameters += [after.last_activity_ms, after.id]
    rows = await tx.all(
        f"SELECT {activity}, c.id FROM conversation_person p"
        " JOIN conversation c ON c.tenant = p.tenant AND c.id = p.conversation_id"
        f" LEFT JOIN {personal.OPEN_STAY} WHERE p.tenant = $1 AND p.user_id = $2"
        f" AND ({_filter(filter_, history)}) AND {_listed(history)}{behind}"
        f" ORDER BY {activity} DESC, c.id DESC LIMIT $3",
        *parameters,
    )
    return [ListPosition(row[0], row[1]) for row in rows]


async def views(
    tx: Transaction,
    tenant: str,
    user_id: str,
    *,
    ids: Sequence[str],
    unread_bound: int,
    others_max: int,
    history: History,
) -> list[ConversationView]:
    """These conversations as the person has them, in this order.

    Those in which the person never was are left out. The number of statements does not
    grow with the number of conversations, nor with what is in them.
    """
    if not ids:
        return []
    rows = await _rows(tx, tenant, user_id, ids, unread_bound, history)
    stays = await members.stays(tx, tenant, user_id, ids)
    others = await _others(tx, tenant, user_id, ids, others_max)
    hidden = await _hidden(tx, tenant, user_id, rows)
    waiting = await held.own(tx, tenant, user_id, [r[0] for r in rows if r[34] > 0])
    found = {
        row[0]: replace(
            _view(row, stays[row[0]], others.get(row[0], ()), history),
            hidden=hidden.get(row[0], frozenset()),
            held=waiting.get(row[0], ()),
        )
        for row in rows
        if stays[row[0]]
    }
    lasts = await _lasts(tx, tenant, found.values(), {row[0]: row[14] for row in rows})
    return [
        replace(found[id_], last_message=lasts.get(id_)) for id_ in ids if id_ in found
    ]


async def outlines(
    tx: Transaction, tenant: str, user_id: str, ids: Sequence[str], history: History
) -> list[ConversationView]:
    """The same without people, previews and counts: what is seen of the log, and where.

    Everybody's `Sync` asks for it after a restart, so it must not cost more in a
    conversation of thousands.
    """
    if not ids:
        return []
    rows = await _rows(tx, tenant, user_id, ids, 0, history)
    stays = await members.stays(tx, tenant, user_id, ids)
    hidden = await _hidden(tx, tenant, user_id, rows)
    return [
        replace(
            _view(row, stays[row[0]], (), history),
            hidden=hidden.get(row[0], frozenset()),
        )
        for row in rows
        if stays[row[0]]
    ]


async def _hidden(
    tx: Transaction, tenant: str, user_id: str, rows: Sequence[Row]
) -> Mapping[str, frozenset[int]]:
    return await personal.hidden(
        tx, tenant, user_id, [row[0] for row in rows if row[33]]
    )


async def moved(tx: Transaction, tenant: str, cursors: Mapping[str, int]) -> list[str]:
    """Those conversations whose logs do not end where the cursor is."""
    if not cursors:
        return []
    rows = await tx.all(
        "SELECT id, head_seq FROM conversation WHERE tenant = $1"
        f" AND id IN ({placeholders(2, len(cursors))})",
        tenant,
        *cursors,
    )
    return [id_ for id_, head_seq in rows if cursors[id_] != head_seq]


async def _rows(
    tx: Transaction,
    tenant: str,
    user_id: str,
    ids: Sequence[str],
    unread_bound: int,
    history: History,
) -> list[Row]:
    unread = personal.unread(history)
    return await tx.all(
        f"SELECT {COLUMNS}, c.last_message_id, p.member, p.read_seq, p.marked_unread,"
        " p.muted, p.starred, p.archived, p.draft, p.cleared_seq,"
        " CASE WHEN p.member = 1 THEN (SELECT count(*) FROM (SELECT 1 FROM message m"
        f" WHERE {unread} LIMIT $3) AS counted) ELSE 0 END,"
        " CASE WHEN p.member = 1 THEN (SELECT m.seq FROM message m WHERE"
        f" {unread} ORDER BY m.seq LIMIT $4) END,"
        " CASE WHEN p.member = 0 THEN (SELECT t.title FROM conversation_title t"
        " WHERE t.tenant = p.tenant AND t.conversation_id = p.conversation_id"
        " AND t.seq <= (SELECT max(s.left_seq) FROM membership s"
        " WHERE s.tenant = p.tenant AND s.conversation_id = p.conversation_id"
        " AND s.user_id = p.user_id) ORDER BY t.seq DESC LIMIT 1) END,"
        " p.left_state, p.left_participant_count, p.left_activity_ms,"
        " p.amended_seq, p.amended_after_seq, p.amended_after_pseq, p.hidden_seq,"
        " p.hidden_messages, p.held_messages"
        " FROM conversation_person p"
        " JOIN conversation c ON c.tenant = p.tenant AND c.id = p.conversation_id"
        f" LEFT JOIN {personal.OPEN_STAY} WHERE p.tenant = $1 AND p.user_id = $2"
        f" AND p.conversation_id IN ({placeholders(5, len(ids))})",
        tenant,
        user_id,
        unread_bound + 1,
        1,
        *ids,
    )


def _view(
    row: Row, stays: tuple[Interval, ...], others: tuple[str, ...], history: History
) -> ConversationView:
    record, member = to_record(row), bool(row[15])
    if not member:
        record = replace(
            record,
            title=row[25],
            state=row[26],
            participant_count=row[27],
            last_activity_ms=row[28],
            head_seq=max(stay.left_seq or 0 for stay in stays),
        )
    marks = Marks(
        read_seq=row[16],
        marked_unread=bool(row[17]),
        muted=bool(row[18]),
        starred=bool(row[19]),
        archived=bool(row[20]),
        draft=row[21],
        cleared_seq=row[22],
        hidden_seq=row[32],
    )
    return ConversationView(
        record=record,
        member=member,
        intervals=stays,
        marks=marks,
        unread=row[23],
        first_unread_seq=row[24],
        last_message=None,
        others=others if member or record.kind == "direct" else (),
        ranges=visible_ranges(
            stays, record.head_seq, cleared_seq=marks.cleared_seq, history=history
        ),
        amended=Amendments(row[29], row[30], row[31]),
    )


async def _lasts(
    tx: Transaction,
    tenant: str,
    views: Iterable[ConversationView],
    last_ids: Mapping[str, str | None],
) -> dict[str, MessageRecord]:
    """The last message that the person may see of each, by conversation."""
    newest = await messages.many(tx, tenant, [id_ for id_ in last_ids.values() if id_])
    seen: dict[str, MessageRecord] = {}
    others = []
    for view in views:
        id_ = view.record.id
        last = newest.get(last_ids[id_] or "")
        if last is not None and view.sees(last.seq):
            seen[id_] = last
        elif last is not None:
            others += [(id_, one) for one in view.ranges]
    ids = await _last_ids(tx, tenant, others)
    earlier = await messages.many(tx, tenant, list(ids.values()))
    return seen | {id_: earlier[message_id] for id_, message_id in ids.items()}


async def _others(
    tx: Transaction, tenant: str, user_id: str, ids: Sequence[str], most: int
) -> dict[str, tuple[str, ...]]:
    rows = await tx.all(
        "SELECT conversation_id, user_id FROM (SELECT conversation_id, user_id,"
        " row_number() OVER (PARTITION BY conversation_id ORDER BY joined_seq, user_id)"
        " AS place FROM membership s WHERE tenant = $1 AND user_id <> $2"
        " AND left_seq IS NULL AND joined_seq > 0"
        f" AND conversation_id IN ({placeholders(4, len(ids))})"
        # Of a mass message nobody sees who else has it.
        " AND NOT EXISTS (SELECT 1 FROM conversation c WHERE c.tenant = s.tenant"
        " AND c.id = s.conversation_id AND c.kind = 'mass'))"
        " AS seated WHERE place <= $3 ORDER BY conversation_id, place",
        tenant,
        user_id,
        most,
        *ids,
    )
    others: dict[str, tuple[str, ...]] = {}
    for id_, other in rows:
        others[id_] = (*others.get(id_, ()), other)
    return others


async def _last_ids(
    tx: Transaction, tenant: str, spans: Sequence[tuple[str, Range]]
) -> dict[str, str]:
    """The id of the last message within these ranges of conversations, by conversation.

    The ranges of one conversation are apart from each other.
    """
    if not spans:
        return {}
    rows = await tx.all(
        f"WITH span (id, first, last) AS (VALUES {typed_rows(2, len(spans), 2)})"
        " SELECT span.id, (SELECT m.id FROM message m WHERE m.tenant = $1"
        " AND m.conversation_id = span.id AND m.seq BETWEEN span.first AND span.last"
        " ORDER BY m.seq DESC LIMIT 1) FROM span ORDER BY span.id, span.first",
        tenant,
        *(value for id_, one in spans for value in (id_, one.first, one.last)),
    )
    return {id_: message_id for id_, message_id in rows if message_id is not None}
