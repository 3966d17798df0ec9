"""Conversations as each person has them: the list, unread counts, marks.

A current member reads the row as it is. For a former member the facts are those of the
last position that the person may see: title, state, count and last message of then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatd.domain.conversations import ConversationRecord
from chatd.domain.members import Interval, visible_ranges
from chatd.domain.messages import MessageRecord
from chatd.store import messages
from chatd.store.conversations import COLUMNS, STATE_AFTER, to_record
from chatd.store.transaction import SqlValue, Transaction, placeholders


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


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A conversation as one person has it, with `record` as of what he may see.

    `unread` stops at the given bound plus one. `others` are the ids of up to a few
    other participants, the peer first of a direct conversation.
    """

    record: ConversationRecord
    member: bool
    intervals: tuple[Interval, ...]
    marks: Marks
    unread: int
    first_unread_seq: int | None
    last_message: MessageRecord | None
    others: tuple[str, ...]


_UNREAD_TEST = (
    "m.tenant = p.tenant AND m.conversation_id = p.conversation_id"
    " AND m.seq > p.read_seq AND m.author_id <> p.user_id"
    " AND m.kind = 'text' AND m.removed_at_ms IS NULL"
)

_FILTERS = {
    "all": "p.member = 1 AND p.archived = 0",
    "unread": "p.member = 1 AND (p.marked_unread = 1 OR EXISTS"
    f" (SELECT 1 FROM message m WHERE {_UNREAD_TEST}))",
    "starred": "p.member = 1 AND p.starred = 1",
    "archived": "p.member = 1 AND p.archived = 1",
    "closed": "p.member = 0 OR c.state <> 'open'",
}


@dataclass(frozen=True, slots=True)
class ListPosition:
    """Where a page of the list ended: the time of last activity and the id."""

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
) -> list[ListPosition]:
    """The person's conversations, latest activity first.

    `closed` also holds those that the person has left (ITS-129); `all` does not.
    """
    parameters: list[SqlValue] = [tenant, user_id, limit]
    behind = ""
    if after is not None:
        behind = " AND (c.last_activity_ms, c.id) < ($4, $5)"
        parameters += [after.last_activity_ms, after.id]
    rows = await tx.all(
        "SELECT c.last_activity_ms, c.id FROM conversation_person p"
        " JOIN conversation c ON c.tenant = p.tenant AND c.id = p.conversation_id"
        f" WHERE p.tenant = $1 AND p.user_id = $2 AND ({_FILTERS[filter_]}){behind}"
        " ORDER BY c.last_activity_ms DESC, c.id DESC LIMIT $3",
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
) -> list[ConversationView]:
    """These conversations as the person has them, in this order.

    Those in which the person never was are left out. The number of statements does not
    grow with the number of conversations of which the person is a member.
    """
    if not ids:
        return []
    known = placeholders(5, len(ids))
    rows = await tx.all(
        f"SELECT {COLUMNS}, c.last_message_id, p.member, p.read_seq, p.marked_unread,"
        " p.muted, p.starred, p.archived, p.draft, p.cleared_seq,"
        " CASE WHEN p.member = 1 THEN (SELECT count(*) FROM (SELECT 1 FROM message m"
        f" WHERE {_UNREAD_TEST} LIMIT $3) AS some) ELSE 0 END,"
        " CASE WHEN p.member = 1 THEN (SELECT m.seq FROM message m WHERE"
        f" {_UNREAD_TEST} ORDER BY m.seq LIMIT $4) END"
        " FROM conversation_person p"
        " JOIN conversation c ON c.tenant = p.tenant AND c.id = p.conversation_id"
        f" WHERE p.tenant = $1 AND p.user_id = $2 AND p.conversation_id IN ({known})",
        tenant,
        user_id,
        unread_bound + 1,
        1,
        *ids,
    )
    stays = await _intervals(tx, tenant, user_id, ids)
    others = await _others(tx, tenant, user_id, ids, others_max)
    last_ids = [row[13] for row in rows if row[13] is not None and row[14]]
    lasts = await messages.many(tx, tenant, last_ids)
    found = {}
    for row in rows:
        view = ConversationView(
            record=to_record(row),
            member=bool(row[14]),
            intervals=stays[row[0]],
            marks=Marks(
                read_seq=row[15],
                marked_unread=bool(row[16]),
                muted=bool(row[17]),
                starred=bool(row[18]),
                archived=bool(row[19]),
                draft=row[20],
                cleared_seq=row[21],
            ),
            unread=row[22],
            first_unread_seq=row[23],
            last_message=lasts.get(row[13]),
            others=others.get(row[0], ()),
        )
        now = _as_it_is if view.member else _as_it_was
        found[row[0]] = await now(tx, tenant, view)
    return [found[id_] for id_ in ids if id_ in found]


async def _intervals(
    tx: Transaction, tenant: str, user_id: str, ids: Sequence[str]
) -> dict[str, tuple[Interval, ...]]:
    rows = await tx.all(
        "SELECT conversation_id, joined_seq, left_seq FROM membership"
        " WHERE tenant = $1 AND user_id = $2 AND conversation_id IN"
        f" ({placeholders(3, len(ids))}) ORDER BY joined_seq",
        tenant,
        user_id,
        *ids,
    )
    stays: dict[str, tuple[Interval, ...]] = dict.fromkeys(ids, ())
    for id_, joined, left in rows:
        stays[id_] += (Interval(joined, left),)
    return stays


async def _others(
    tx: Transaction, tenant: str, user_id: str, ids: Sequence[str], most: int
) -> dict[str, tuple[str, ...]]:
    rows = await tx.all(
        "SELECT conversation_id, user_id FROM (SELECT conversation_id, user_id,"
        " row_number() OVER (PARTITION BY conversation_id ORDER BY joined_seq, user_id)"
        " AS place FROM membership WHERE tenant = $1 AND user_id <> $2"
        f" AND left_seq IS NULL AND conversation_id IN ({placeholders(4, len(ids))}))"
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


async def _as_it_is(
    tx: Transaction, tenant: str, view: ConversationView
) -> ConversationView:
    """The view of a member, who may have been away when the last message came."""
    last, until = view.last_message, view.record.head_seq
    ranges = visible_ranges(view.intervals, until, cleared_seq=view.marks.cleared_seq)
    if last is None or any(one.first <= last.seq <= one.last for one in ranges):
        return view
    return replace(view, last_message=await _last_seen(tx, tenant, view, until))


async def _last_seen(
    tx: Transaction, tenant: str, view: ConversationView, until: int
) -> MessageRecord | None:
    ranges = visible_ranges(view.intervals, until, cleared_seq=view.marks.cleared_seq)
    found = await messages.older(
        tx, tenant, view.record.id, ranges, before=until + 1, limit=1
    )
    return found[0] if found else None


async def _as_it_was(
    tx: Transaction, tenant: str, view: ConversationView
) -> ConversationView:
    """The view of a former member: nothing in it is later than his last position."""
    ends = [stay.left_seq for stay in view.intervals if stay.left_seq is not None]
    until = max(ends, default=0)
    id_ = view.record.id
    title = await tx.one(
        "SELECT title FROM conversation_title WHERE tenant = $1"
        " AND conversation_id = $2 AND seq <= $3 ORDER BY seq DESC LIMIT 1",
        tenant,
        id_,
        until,
    )
    state = await tx.one(
        "SELECT kind FROM log WHERE tenant = $1 AND conversation_id = $2 AND seq <= $3"
        f" AND kind IN ({placeholders(4, len(STATE_AFTER))})"
        " ORDER BY seq DESC LIMIT 1",
        tenant,
        id_,
        until,
        *STATE_AFTER,
    )
    count = await tx.one(
        "SELECT count(*) FROM membership WHERE tenant = $1 AND conversation_id = $2"
        " AND joined_seq <= $3 AND (left_seq IS NULL OR left_seq > $3)",
        tenant,
        id_,
        until,
    )
    last = await _last_seen(tx, tenant, view, until)
    return replace(
        view,
        record=replace(
            view.record,
            title=title[0] if title else "",
            state=STATE_AFTER[state[0]] if state else "open",
            participant_count=count[0] if count else 0,
            head_seq=until,
            last_activity_ms=last.created_at_ms if last else view.record.created_at_ms,
        ),
        last_message=last,
        others=view.others if view.record.kind == "direct" else (),
    )
