"""Guests: who came into a conversation by a report of it, and is no participant.

A guest has a stay that begins at position 0, before every log. It moves no count, no
version and no position of the conversation, so nothing tells the others of it; whoever
lists or counts people leaves it out, and whoever asks what may be seen finds it.
"""

from dataclasses import dataclass

from chatd.domain.members import GUEST_SEQ
from chatd.store.effects import Effects
from chatd.store.transaction import Transaction


class Settled(Exception):
    """A report, or a case, that was to be open is not: decide again."""


@dataclass(frozen=True, slots=True)
class EnterAsGuest:
    """Somebody comes in by an open case; what was said before is no unread."""

    conversation_id: str
    user_id: str
    case_id: str


@dataclass(frozen=True, slots=True)
class LeaveAsGuest:
    """A guest goes; nothing of the conversation is left to him but what he had."""

    conversation_id: str
    user_id: str


async def enter(tx: Transaction, effects: Effects, write: EnterAsGuest) -> None:
    """Apply an `EnterAsGuest`; who is a member or a guest stays what he is.

    Raises:
        Settled: the case is not open any more.
    """
    here = (effects.tenant, write.conversation_id, write.user_id)
    there = await tx.one(
        "SELECT 1 FROM membership WHERE tenant = $1 AND conversation_id = $2"
        " AND user_id = $3 AND left_seq IS NULL",
        *here,
    )
    if there is not None:
        return
    # It stays open until this is done: whoever ends it then finds the guest.
    still = await tx.run(
        "UPDATE report_case SET state = state WHERE tenant = $1 AND id = $2"
        " AND state = 'open'",
        effects.tenant,
        write.case_id,
    )
    if not still:
        raise Settled
    await tx.run(
        "INSERT INTO membership (tenant, conversation_id, user_id, joined_seq)"
        " VALUES ($1, $2, $3, $4)",
        *here,
        GUEST_SEQ,
    )
    head = "(SELECT c.head_seq FROM conversation c WHERE c.tenant = $1 AND c.id = $2)"
    await tx.run(
        "INSERT INTO conversation_person (tenant, conversation_id, user_id, member,"
        f" membership_pseq, read_seq) VALUES ($1, $2, $3, 1, $4, {head})"
        " ON CONFLICT (tenant, user_id, conversation_id) DO UPDATE SET member = 1,"
        " membership_pseq = excluded.membership_pseq, hidden_seq = 0,"
        # What was withheld from who had left is shown again, as to who comes back.
        " amended_after_pseq = conversation_person.membership_pseq,"
        " amended_after_seq = (SELECT coalesce(max(s.left_seq), 0)"
        " FROM membership s WHERE s.tenant = $1 AND s.conversation_id = $2"
        " AND s.user_id = $3), read_seq = excluded.read_seq, marked_unread = 0",
        *here,
        await effects.move_person(tx, write.user_id),
    )
    await effects.bump_person(tx, write.user_id)


async def leave(tx: Transaction, effects: Effects, write: LeaveAsGuest) -> None:
    """Apply a `LeaveAsGuest`."""
    here = (effects.tenant, write.conversation_id, write.user_id)
    gone = await tx.run(
        "DELETE FROM membership WHERE tenant = $1 AND conversation_id = $2"
        " AND user_id = $3 AND joined_seq = $4",
        *here,
        GUEST_SEQ,
    )
    if not gone:
        return
    # Of what is no longer there nothing is told but that it is gone.
    await tx.run(
        "UPDATE conversation_person SET member = 0, membership_pseq = $4,"
        " read_pseq = 0, marks_pseq = 0, permissions_pseq = 0, draft = NULL"
        " WHERE tenant = $1 AND conversation_id = $2 AND user_id = $3",
        *here,
        await effects.move_person(tx, write.user_id),
    )
    # Places that are kept elsewhere rest on the person's version.
    await effects.bump_person(tx, write.user_id)


async def end_unreported(
    tx: Transaction, effects: Effects, conversation_id: str
) -> None:
    """Guests go when no open report of the conversation is theirs to look after."""
    rows = await tx.all(
        "SELECT g.user_id FROM membership g WHERE g.tenant = $1"
        " AND g.conversation_id = $2 AND g.joined_seq = $3 AND NOT EXISTS"
        " (SELECT 1 FROM report_case k WHERE k.tenant = g.tenant"
        " AND k.conversation_id = g.conversation_id AND k.message_id = ''"
        " AND k.state = 'open' AND k.destination IN ('', g.user_id))"
        " ORDER BY g.user_id",
        effects.tenant,
        conversation_id,
        GUEST_SEQ,
    )
    for (user_id,) in rows:
        await leave(tx, effects, LeaveAsGuest(conversation_id, user_id))


async def with_members(
    tx: Transaction, tenant: str, conversation_id: str
) -> tuple[str, ...]:
    """Everybody who is there now, guests too: who is told what may be done there."""
    rows = await tx.all(
        "SELECT user_id FROM membership WHERE tenant = $1 AND conversation_id = $2"
        " AND left_seq IS NULL ORDER BY user_id",
        tenant,
        conversation_id,
    )
    return tuple(row[0] for row in rows)
