"""Mass messages under way: made, taken by one gateway, delivered in parts, undone.

Who is still to be reached stands in `mass_recipient`, and a row goes in the transaction
that delivers: after a crash the rest is there, and nobody is reached twice. Whoever
delivers holds the job until a moment; what is not held any more is taken by the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from chatd.store.effects import Effects
from chatd.store.mass.audience import Audience, fill
from chatd.store.transaction import Row, SqlValue, Transaction, placeholders

State = Literal["waiting", "delivering", "delivered", "cancelled"]
ReplyKind = Literal["none", "direct"]

LATEST: Final = "~"
"""After every id: where the list of the latest begins."""


@dataclass(frozen=True, slots=True)
class PutMass:
    """A new mass message, whose conversation `id` there is already.

    Everybody who is meant now is noted. `organisation_id` is the person shown as its
    sender, if not the sender.
    """

    id: str
    sender_id: str
    organisation_id: str | None
    reply_kind: ReplyKind
    due_ms: int
    audience: Audience


@dataclass(frozen=True, slots=True)
class TakeMass:
    """This gateway delivers from now on, until a moment."""

    id: str
    by: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class DeliverMass:
    """A part is done: `reached` have it, `refused` cannot get it; together they are the
    next ones in the order of their ids.

    `admitted`: who is reached becomes a member of the message's own conversation, as
    if there from the beginning; otherwise other writes of the Change reach them.
    """

    id: str
    sender_id: str
    by: str
    until_ms: int
    reached: tuple[str, ...]
    refused: tuple[str, ...]
    admitted: bool


@dataclass(frozen=True, slots=True)
class CancelMass:
    """Nobody else gets it."""

    id: str
    sender_id: str


class Lost(Exception):
    """It is cancelled, done, or in other hands."""


@dataclass(frozen=True, slots=True)
class MassRecord:
    """A mass message and how far it has come."""

    id: str
    sender_id: str
    organisation_id: str | None
    reply_kind: ReplyKind
    state: State
    total: int
    delivered: int
    refused: int
    created_at_ms: int
    due_ms: int
    ended_at_ms: int | None


async def put(tx: Transaction, effects: Effects, write: PutMass) -> None:
    """Apply a `PutMass`; the sender's conversation says to how many it goes."""
    total = await fill(tx, effects, write.id, write.audience)
    await tx.run(
        "INSERT INTO mass_message (tenant, id, sender_id, organisation_id, reply_kind,"
        " state, total, created_at_ms, due_ms, mass_pseq)"
        " VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7, $8, $9)",
        effects.tenant,
        write.id,
        write.sender_id,
        write.organisation_id,
        write.reply_kind,
        total,
        effects.at_ms,
        write.due_ms,
        await effects.move_person(tx, write.sender_id),
    )
    await tx.run(
        "UPDATE conversation SET sent_to = $3 WHERE tenant = $1 AND id = $2",
        effects.tenant,
        write.id,
        total,
    )


async def take(tx: Transaction, effects: Effects, write: TakeMass) -> None:
    """Apply a `TakeMass`.

    Raises:
        Lost: somebody else holds it, or nothing is left to do.
    """
    taken = await tx.run(
        "UPDATE mass_message SET state = 'delivering', taken_by = $3,"
        " taken_until_ms = $4 WHERE tenant = $1 AND id = $2 AND ended_at_ms IS NULL"
        " AND due_ms <= $5 AND (taken_until_ms < $5 OR taken_by = $3)",
        effects.tenant,
        write.id,
        write.by,
        write.until_ms,
        effects.at_ms,
    )
    if not taken:
        raise Lost


async def deliver(tx: Transaction, effects: Effects, write: DeliverMass) -> None:
    """Apply a `DeliverMass`: a handful of statements, however many people.

    Raises:
        Lost: it was cancelled or taken by another; nothing is delivered.
    """
    everybody = (*write.reached, *write.refused)
    gone = 0
    if everybody:
        # The next ones in their order: a range, of which any plan makes the same.
        gone = await tx.run(
            "DELETE FROM mass_recipient WHERE tenant = $1 AND mass_id = $2"
            " AND user_id <= $3",
            effects.tenant,
            write.id,
            max(everybody),
        )
    held = await tx.run(
        "UPDATE mass_message SET delivered = delivered + $4, refused = refused + $5,"
        " taken_until_ms = $6, mass_pseq = $8, state = CASE WHEN EXISTS (SELECT 1 FROM"
        " mass_recipient r WHERE r.tenant = $1 AND r.mass_id = $2) THEN 'delivering'"
        " ELSE 'delivered' END, ended_at_ms = CASE WHEN EXISTS (SELECT 1 FROM"
        " mass_recipient r WHERE r.tenant = $1 AND r.mass_id = $2) THEN NULL"
        " ELSE CAST($7 AS BIGINT) END"
        " WHERE tenant = $1 AND id = $2 AND state = 'delivering' AND taken_by = $3",
        effects.tenant,
        write.id,
        write.by,
        len(write.reached),
        len(write.refused),
        write.until_ms,
        effects.at_ms,
        await effects.move_person(tx, write.sender_id),
    )
    if not held or gone != len(everybody):
        raise Lost
    if write.admitted and write.reached:
        await _admit(tx, effects, write.id, write.reached)


async def _admit(
    tx: Transaction, effects: Effects, id_: str, user_ids: Sequence[str]
) -> None:
    """Members from the first position on, without an event: nobody is told of another.

    So nobody is counted in `participant_count` either.
    """
    moved = await tx.all(
        "UPDATE person SET personal_seq = personal_seq + 1, changed_at_ms = $2,"
        " changed_in = change_mark() WHERE tenant = $1"
        f" AND id IN ({placeholders(3, len(user_ids))}) RETURNING id, personal_seq",
        effects.tenant,
        effects.at_ms,
        *user_ids,
    )
    among = f"p.tenant = $1 AND p.id IN ({placeholders(3, len(user_ids))})"
    where: tuple[SqlValue, ...] = (effects.tenant, id_, *user_ids)
    await tx.run(
        "INSERT INTO membership (tenant, conversation_id, user_id, joined_seq)"
        f" SELECT p.tenant, CAST($2 AS TEXT), p.id, 1 FROM person p WHERE {among}",
        *where,
    )
    await tx.run(
        "INSERT INTO conversation_person (tenant, conversation_id, user_id, member,"
        " membership_pseq, read_seq) SELECT p.tenant, CAST($2 AS TEXT), p.id, 1,"
        f" p.personal_seq, 1 FROM person p WHERE {among}",
        *where,
    )
    for user_id, personal_seq in sorted(moved):
        effects.person_moved(user_id, personal_seq)


async def cancel(tx: Transaction, effects: Effects, write: CancelMass) -> None:
    """Apply a `CancelMass`.

    Raises:
        Lost: nothing is left to cancel.
    """
    done = await tx.run(
        "UPDATE mass_message SET state = 'cancelled', ended_at_ms = $3, mass_pseq = $4"
        " WHERE tenant = $1 AND id = $2 AND ended_at_ms IS NULL",
        effects.tenant,
        write.id,
        effects.at_ms,
        await effects.move_person(tx, write.sender_id),
    )
    if not done:
        raise Lost
    await tx.run(
        "DELETE FROM mass_recipient WHERE tenant = $1 AND mass_id = $2",
        effects.tenant,
        write.id,
    )


_COLUMNS: Final = (
    "j.id, j.sender_id, j.organisation_id, j.reply_kind, j.state, j.total, j.delivered,"
    " j.refused, j.created_at_ms, j.due_ms, j.ended_at_ms"
)


def _to_record(row: Row) -> MassRecord:
    return MassRecord(*row)


async def many(
    tx: Transaction, tenant: str, ids: Sequence[str]
) -> dict[str, MassRecord]:
    """Mass messages by their ids."""
    if not ids:
        return {}
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM mass_message j WHERE j.tenant = $1"
        f" AND j.id IN ({placeholders(2, len(ids))})",
        tenant,
        *ids,
    )
    return {row[0]: _to_record(row) for row in rows}


async def page(
    tx: Transaction, tenant: str, sender_id: str, before: str, limit: int
) -> list[MassRecord]:
    """What a person has sent, the latest first: ids are made in the order of time."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM mass_message j WHERE j.tenant = $1"
        " AND j.sender_id = $2 AND j.id < $3 ORDER BY j.id DESC LIMIT $4",
        tenant,
        sender_id,
        before,
        limit,
    )
    return [_to_record(row) for row in rows]


async def due(tx: Transaction, now_ms: int, limit: int) -> list[tuple[str, MassRecord]]:
    """(tenant, mass message) of what is to be delivered and in nobody's hands."""
    rows = await tx.all(
        f"SELECT {_COLUMNS}, j.tenant FROM mass_message j"
        " WHERE j.ended_at_ms IS NULL AND j.due_ms <= $1 AND j.taken_until_ms < $1"
        " ORDER BY j.due_ms LIMIT $2",
        now_ms,
        limit,
    )
    return [(row[11], _to_record(row[:11])) for row in rows]


async def still(tx: Transaction, tenant: str, id_: str, limit: int) -> tuple[str, ...]:
    """Who is to be reached next, in the order of their ids."""
    rows = await tx.all(
        "SELECT user_id FROM mass_recipient WHERE tenant = $1 AND mass_id = $2"
        " ORDER BY user_id LIMIT $3",
        tenant,
        id_,
        limit,
    )
    return tuple(row[0] for row in rows)
