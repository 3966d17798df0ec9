"""What is a person's own: read marks, marks on conversations, settings.

There is no log of it: every row carries the `personalSeq` of its last change, and
`Sync` returns the rows changed since. So it never grows, and nothing need be deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chatd.domain.members import History
from chatd.domain.people import Accepts
from chatd.store.effects import Effects
from chatd.store.members import visible
from chatd.store.transaction import Transaction, placeholders

PersonalKind = Literal[
    "membership",
    "read",
    "marks",
    "permissions",
    "preferences",
    "contact",
    "block",
    "report",
    "mass",
]


@dataclass(frozen=True, slots=True)
class MoveRead:
    """The person has read up to here; a mark of "unread" goes."""

    conversation_id: str
    user_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class MarkUnread:
    """The person wants to come back: to the whole, or to what follows `read_seq`."""

    conversation_id: str
    user_id: str
    read_seq: int | None


@dataclass(frozen=True, slots=True)
class SetMarks:
    """The person's own marks on a conversation; None leaves one as it is."""

    conversation_id: str
    user_id: str
    muted: bool | None = None
    starred: bool | None = None
    archived: bool | None = None
    draft: str | None = None


@dataclass(frozen=True, slots=True)
class Hide:
    """The conversation leaves the person's list until there is a new message in it.

    `clear`: all that is in it now is gone for the person, too (ISP-18, MOO-57).
    """

    conversation_id: str
    user_id: str
    clear: bool = False


@dataclass(frozen=True, slots=True)
class HideMessage:
    """A message goes from the person's view; it keeps its place (MOO-55)."""

    conversation_id: str
    user_id: str
    message_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class SetPreferences:
    """A person's settings; None leaves one as it is."""

    user_id: str
    enter_sends: bool | None = None
    language: str | None = None
    accepts: Accepts | None = None


@dataclass(frozen=True, slots=True)
class PermissionsMoved:
    """What these people may do in a conversation is to be told to them anew."""

    conversation_id: str
    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonalChange:
    """Something of a person's own that changed, at its position."""

    personal_seq: int
    kind: PersonalKind
    conversation_id: str | None
    other_id: str | None = None
    report_id: str | None = None


_OWN_ROW = " WHERE tenant = $1 AND conversation_id = $2 AND user_id = $3"


async def move_read(tx: Transaction, effects: Effects, write: MoveRead) -> None:
    """Apply a `MoveRead`; a mark never moves back."""
    await tx.run(
        "UPDATE conversation_person SET marked_unread = 0, read_pseq = $5,"
        " read_seq = CASE WHEN read_seq < $4 THEN $4 ELSE read_seq END" + _OWN_ROW,
        effects.tenant,
        write.conversation_id,
        write.user_id,
        write.seq,
        await effects.move_person(tx, write.user_id),
    )


async def mark_unread(tx: Transaction, effects: Effects, write: MarkUnread) -> None:
    """Apply a `MarkUnread`."""
    await tx.run(
        "UPDATE conversation_person SET read_seq = coalesce($4, read_seq),"
        " marked_unread = 1, read_pseq = $5" + _OWN_ROW,
        effects.tenant,
        write.conversation_id,
        write.user_id,
        write.read_seq,
        await effects.move_person(tx, write.user_id),
    )


async def set_marks(tx: Transaction, effects: Effects, write: SetMarks) -> None:
    """Apply a `SetMarks`; an empty draft is none."""
    await tx.run(
        "UPDATE conversation_person SET muted = coalesce($4, muted),"
        " starred = coalesce($5, starred), archived = coalesce($6, archived),"
        " draft = nullif(coalesce($7, draft), ''), marks_pseq = $8" + _OWN_ROW,
        effects.tenant,
        write.conversation_id,
        write.user_id,
        _number(write.muted),
        _number(write.starred),
        _number(write.archived),
        write.draft,
        await effects.move_person(tx, write.user_id),
    )


async def hide(tx: Transaction, effects: Effects, write: Hide) -> None:
    """Apply a `Hide`. What is gone is read, and no draft is left of it."""
    head = "(SELECT c.head_seq FROM conversation c WHERE c.tenant = $1 AND c.id = $2)"
    cleared = (
        f", cleared_seq = {head}, read_seq = {head}, marked_unread = 0, draft = NULL"
    )
    await tx.run(
        f"UPDATE conversation_person SET hidden_seq = {head}, membership_pseq = $4"
        + (cleared if write.clear else "")
        + _OWN_ROW,
        effects.tenant,
        write.conversation_id,
        write.user_id,
        await effects.move_person(tx, write.user_id),
    )
    effects.facts("person", write.user_id)


async def hide_message(tx: Transaction, effects: Effects, write: HideMessage) -> None:
    """Apply a `HideMessage`; what is hidden already stays as it is."""
    there = await tx.one(
        "SELECT 1 FROM message_hidden WHERE tenant = $1 AND user_id = $2"
        " AND conversation_id = $3 AND seq = $4",
        effects.tenant,
        write.user_id,
        write.conversation_id,
        write.seq,
    )
    if there is not None:
        return
    moved = await effects.move_person(tx, write.user_id)
    await tx.run(
        "INSERT INTO message_hidden (tenant, user_id, conversation_id, seq, message_id,"
        " pseq) VALUES ($1, $2, $3, $4, $5, $6)",
        effects.tenant,
        write.user_id,
        write.conversation_id,
        write.seq,
        write.message_id,
        moved,
    )
    await tx.run(
        "UPDATE conversation_person SET hidden_messages = hidden_messages + 1,"
        " membership_pseq = $4" + _OWN_ROW,
        effects.tenant,
        write.conversation_id,
        write.user_id,
        moved,
    )


async def hidden(
    tx: Transaction, tenant: str, user_id: str, conversation_ids: Sequence[str]
) -> dict[str, frozenset[int]]:
    """Positions of the messages that a person has hidden, by conversation."""
    if not conversation_ids:
        return {}
    rows = await tx.all(
        "SELECT conversation_id, seq FROM message_hidden WHERE tenant = $1"
        " AND user_id = $2 AND conversation_id IN"
        f" ({placeholders(3, len(conversation_ids))})",
        tenant,
        user_id,
        *conversation_ids,
    )
    found: dict[str, frozenset[int]] = {}
    for id_, seq in rows:
        found[id_] = found.get(id_, frozenset()) | {seq}
    return found


async def hidden_since(
    tx: Transaction, tenant: str, user_id: str, personal_seq: int, limit: int
) -> list[str]:
    """Ids of the messages that a person has hidden after a position, in order."""
    rows = await tx.all(
        "SELECT message_id FROM message_hidden WHERE tenant = $1 AND user_id = $2"
        " AND pseq > $3 ORDER BY pseq LIMIT $4",
        tenant,
        user_id,
        personal_seq,
        limit,
    )
    return [row[0] for row in rows]


async def set_preferences(
    tx: Transaction, effects: Effects, write: SetPreferences
) -> None:
    """Apply a `SetPreferences`."""
    await tx.run(
        "UPDATE person SET enter_sends = coalesce($3, enter_sends),"
        " language = coalesce($4, language), accepts = coalesce($5, accepts),"
        " preferences_pseq = $6"
        " WHERE tenant = $1 AND id = $2",
        effects.tenant,
        write.user_id,
        _number(write.enter_sends),
        write.language,
        write.accepts,
        await effects.move_person(tx, write.user_id),
    )
    if write.accepts is None:
        effects.facts("person", write.user_id)
    else:
        await effects.bump_person(tx, write.user_id)


async def permissions_moved(
    tx: Transaction, effects: Effects, write: PermissionsMoved
) -> None:
    """Apply a `PermissionsMoved`."""
    for user_id in write.user_ids:
        await tx.run(
            "UPDATE conversation_person SET permissions_pseq = $4" + _OWN_ROW,
            effects.tenant,
            write.conversation_id,
            user_id,
            await effects.move_person(tx, user_id),
        )


def _number(value: bool | None) -> int | None:
    return None if value is None else int(value)


async def head(tx: Transaction, tenant: str, user_id: str) -> int:
    """The position of a person's own state; 0 for nobody."""
    row = await tx.one(
        "SELECT personal_seq FROM person WHERE tenant = $1 AND id = $2", tenant, user_id
    )
    return int(row[0]) if row else 0


async def changed_at_ms(tx: Transaction, tenant: str, user_id: str) -> int:
    """When a person's own state last moved; 0 for nobody."""
    row = await tx.one(
        "SELECT changed_at_ms FROM person WHERE tenant = $1 AND id = $2",
        tenant,
        user_id,
    )
    return int(row[0]) if row else 0


async def changes_since(
    tx: Transaction, tenant: str, user_id: str, personal_seq: int, limit: int
) -> list[PersonalChange]:
    """What changed after a position, in order; each row once, at its last change."""
    rows = await tx.all(
        " UNION ALL ".join(
            f"SELECT {name}_pseq AS pseq, '{name}' AS kind, conversation_id, NULL, NULL"
            " FROM conversation_person WHERE tenant = $1 AND user_id = $2"
            f" AND {name}_pseq > $3"
            for name in ("membership", "read", "marks", "permissions")
        )
        + "".join(
            f" UNION ALL SELECT {name}_pseq, '{name}', NULL, other_id, NULL"
            " FROM acquaintance WHERE tenant = $1 AND user_id = $2"
            f" AND {name}_pseq > $3"
            for name in ("contact", "block")
        )
        + " UNION ALL SELECT pseq, 'report', NULL, NULL, id FROM report"
        " WHERE tenant = $1 AND reporter_id = $2 AND pseq > $3"
        " UNION ALL SELECT mass_pseq, 'mass', id, NULL, NULL FROM mass_message"
        " WHERE tenant = $1 AND sender_id = $2 AND mass_pseq > $3"
        " UNION ALL SELECT preferences_pseq, 'preferences', NULL, NULL, NULL"
        " FROM person"
        " WHERE tenant = $1 AND id = $2 AND preferences_pseq > $3"
        " ORDER BY pseq LIMIT $4",
        tenant,
        user_id,
        personal_seq,
        limit,
    )
    return [PersonalChange(*row) for row in rows]


def unread(history: History) -> str:
    """SQL: a message `m` is unread for the member `p` whose open stay is `o`.

    By others, behind the read mark, not removed, and within what is visible: a mark can
    be set back to before an absence.
    """
    return (
        "m.tenant = p.tenant AND m.conversation_id = p.conversation_id"
        " AND m.seq > p.read_seq AND m.author_id <> p.user_id"
        " AND m.kind = 'text' AND m.removed_at_ms IS NULL"
        " AND (p.hidden_messages = 0 OR NOT EXISTS (SELECT 1 FROM message_hidden h"
        " WHERE h.tenant = m.tenant AND h.user_id = p.user_id"
        " AND h.conversation_id = m.conversation_id AND h.seq = m.seq))"
        # The first test is the second one's answer for nearly every message.
        f" AND (m.seq >= o.joined_seq OR ({visible('p', 'm.seq', history)}))"
    )


OPEN_STAY = (
    "membership o ON o.tenant = p.tenant AND o.conversation_id = p.conversation_id"
    " AND o.user_id = p.user_id AND o.left_seq IS NULL"
)


async def unread_totals(
    tx: Transaction, tenant: str, user_id: str, bound: int, history: History
) -> tuple[int, int]:
    """Unread messages, counted up to `bound` + 1, and conversations with any.

    A conversation that is marked as unread counts as one, even without a message.
    """
    rows = await tx.all(
        "SELECT p.marked_unread, (SELECT count(*) FROM (SELECT 1 FROM message m"
        f" WHERE {unread(history)} LIMIT $3) AS counted) FROM conversation_person p"
        f" JOIN {OPEN_STAY} WHERE p.tenant = $1 AND p.user_id = $2 AND p.member = 1",
        tenant,
        user_id,
        bound + 1,
    )
    total = min(sum(count for _, count in rows), bound + 1)
    return total, sum(1 for marked, count in rows if marked or count)
