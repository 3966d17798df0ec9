"""Contacts and blocks: a row for each side of two people, with that side's own half.

Being contacts, and a request for it, exist once per pair (MOO-6, MOO-11): both rows are
written together. A block is in the blocker's row alone, and the other side is told
nothing of it here (ITS-96).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from chatd.domain.conversations import direct_key
from chatd.domain.relations import Between
from chatd.store.effects import Effects
from chatd.store.transaction import Row, Transaction, placeholders

ContactState = Literal["none", "sent", "received", "accepted"]
"""As one side sees it: `sent` asks the other, `received` is asked."""

_TURNED: Final[dict[ContactState, ContactState]] = {
    "none": "none",
    "sent": "received",
    "received": "sent",
    "accepted": "accepted",
}


@dataclass(frozen=True, slots=True)
class SetContact:
    """How two people stand, as `user_id` sees it."""

    user_id: str
    other_id: str
    state: ContactState


@dataclass(frozen=True, slots=True)
class SetBlock:
    """The person does not, or does again, want to hear from the other."""

    user_id: str
    other_id: str
    blocked: bool


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """One side's half. A request from somebody blocked does not show (MOO-10)."""

    other_id: str
    contact: ContactState = "none"
    blocked: bool = False
    at_ms: int = 0

    @property
    def shown(self) -> ContactState:
        """The state as it is listed and counted."""
        hidden = self.blocked and self.contact == "received"
        return "none" if hidden else self.contact


_COLUMNS: Final = "other_id, contact, blocked, contact_at_ms"
_ROW: Final = " WHERE tenant = $1 AND user_id = $2 AND other_id = $3"


async def set_contact(tx: Transaction, effects: Effects, write: SetContact) -> None:
    """Apply a `SetContact`, on both sides."""
    state = write.state
    sides = (
        (write.user_id, write.other_id, state),
        (write.other_id, write.user_id, _TURNED[state]),
    )
    for user_id, other_id, mine in sides:
        await _make(tx, effects, user_id, other_id)
        half = await one(tx, effects.tenant, user_id, other_id)
        if half.contact == mine:
            continue
        await tx.run(
            "UPDATE acquaintance SET contact = $4, contact_at_ms = $5" + _ROW,
            effects.tenant,
            user_id,
            other_id,
            mine,
            effects.at_ms,
        )
        # Whoever has blocked the other is not told of the other's request either.
        if not half.blocked or mine == "accepted":
            await _told(tx, effects, "contact", user_id, other_id)
    await _moved(tx, effects, write.user_id, write.other_id)


async def set_block(tx: Transaction, effects: Effects, write: SetBlock) -> None:
    """Apply a `SetBlock`; a request that it hid, or hides from now on, is told anew."""
    user_id, other_id = write.user_id, write.other_id
    await _make(tx, effects, user_id, other_id)
    await tx.run(
        "UPDATE acquaintance SET blocked = $4" + _ROW,
        effects.tenant,
        user_id,
        other_id,
        int(write.blocked),
    )
    await _told(tx, effects, "block", user_id, other_id)
    if (await one(tx, effects.tenant, user_id, other_id)).contact == "received":
        await _told(tx, effects, "contact", user_id, other_id)
    await _moved(tx, effects, user_id, other_id)


async def _make(tx: Transaction, effects: Effects, user_id: str, other_id: str) -> None:
    await tx.run(
        "INSERT INTO acquaintance (tenant, user_id, other_id) VALUES ($1, $2, $3)"
        " ON CONFLICT (tenant, user_id, other_id) DO NOTHING",
        effects.tenant,
        user_id,
        other_id,
    )


async def _told(
    tx: Transaction,
    effects: Effects,
    half: Literal["contact", "block"],
    user_id: str,
    other_id: str,
) -> None:
    await tx.run(
        f"UPDATE acquaintance SET {half}_pseq = $4" + _ROW,
        effects.tenant,
        user_id,
        other_id,
        await effects.move_person(tx, user_id),
    )


async def _moved(
    tx: Transaction, effects: Effects, user_id: str, other_id: str
) -> None:
    """Verdicts on these two are other ones now."""
    for id_ in sorted((user_id, other_id)):
        await effects.bump_person(tx, id_)


def _half(row: Row) -> Acquaintance:
    return Acquaintance(row[0], row[1], bool(row[2]), row[3])


async def one(
    tx: Transaction, tenant: str, user_id: str, other_id: str
) -> Acquaintance:
    """A person's half of what is with the other; nothing is a half, too."""
    found = await many(tx, tenant, user_id, [other_id])
    return found.get(other_id) or Acquaintance(other_id)


async def many(
    tx: Transaction, tenant: str, user_id: str, other_ids: Sequence[str]
) -> dict[str, Acquaintance]:
    """A person's halves, by the other's id; those with whom there is nothing absent."""
    if not other_ids:
        return {}
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM acquaintance WHERE tenant = $1 AND user_id = $2"
        f" AND other_id IN ({placeholders(3, len(other_ids))})",
        tenant,
        user_id,
        *other_ids,
    )
    return {row[0]: _half(row) for row in rows}


async def between(
    tx: Transaction, tenant: str, user_id: str, other_ids: Sequence[str]
) -> dict[str, Between]:
    """What verdicts of this person about these people rest on, for each of them."""
    if not other_ids:
        return {}
    mine = await many(tx, tenant, user_id, other_ids)
    among = placeholders(3, len(other_ids))
    rows = await tx.all(
        "SELECT user_id FROM acquaintance WHERE tenant = $1 AND other_id = $2"
        f" AND blocked = 1 AND user_id IN ({among})",
        tenant,
        user_id,
        *other_ids,
    )
    blocking = {row[0] for row in rows}
    keys = {direct_key(user_id, id_): id_ for id_ in other_ids}
    rows = await tx.all(
        "SELECT direct_key FROM conversation WHERE tenant = $1"
        f" AND direct_key IN ({placeholders(2, len(keys))})",
        tenant,
        *keys,
    )
    talking = {keys[row[0]] for row in rows}
    nothing = Acquaintance("")
    return {
        id_: Between(
            contact=mine.get(id_, nothing).contact == "accepted",
            blocked=mine.get(id_, nothing).blocked,
            blocked_by=id_ in blocking,
            conversation=id_ in talking,
        )
        for id_ in other_ids
    }


async def among(
    tx: Transaction, tenant: str, ids: Sequence[str]
) -> dict[tuple[str, str], Between]:
    """What there is among these people, by (sender, recipient); mere talk left out."""
    if not ids:
        return {}
    rows = await tx.all(
        "SELECT user_id, other_id, contact, blocked FROM acquaintance"
        f" WHERE tenant = $1 AND user_id IN ({placeholders(2, len(ids))})",
        tenant,
        *ids,
    )
    halves = {(row[0], row[1]): (row[2] == "accepted", bool(row[3])) for row in rows}
    return {
        (user_id, other_id): Between(
            contact=contact,
            blocked=blocked,
            blocked_by=halves.get((other_id, user_id), (False, False))[1],
            conversation=True,
        )
        for (user_id, other_id), (contact, blocked) in halves.items()
    }


async def contacts(
    tx: Transaction,
    tenant: str,
    user_id: str,
    state: ContactState,
    *,
    after: str,
    limit: int,
) -> list[Acquaintance]:
    """A page of contacts, or of requests, in the order of the others' ids."""
    hidden = " AND blocked = 0" if state == "received" else ""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM acquaintance WHERE tenant = $1 AND user_id = $2"
        f" AND contact = $3 AND other_id > $4{hidden} ORDER BY other_id LIMIT $5",
        tenant,
        user_id,
        state,
        after,
        limit,
    )
    return [_half(row) for row in rows]


async def blocks(
    tx: Transaction, tenant: str, user_id: str, *, after: str, limit: int
) -> list[Acquaintance]:
    """A page of those whom the person has blocked, in the order of their ids."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM acquaintance WHERE tenant = $1 AND user_id = $2"
        " AND blocked = 1 AND other_id > $3 ORDER BY other_id LIMIT $4",
        tenant,
        user_id,
        after,
        limit,
    )
    return [_half(row) for row in rows]


async def waiting(tx: Transaction, tenant: str, user_id: str) -> int:
    """How many ask to be a contact (MOO-3, MOO-10)."""
    row = await tx.one(
        "SELECT count(*) FROM acquaintance WHERE tenant = $1 AND user_id = $2"
        " AND contact = 'received' AND blocked = 0",
        tenant,
        user_id,
    )
    return 0 if row is None else int(row[0])


async def acquainted(tx: Transaction, tenant: str, user_id: str, other_id: str) -> bool:
    """Whether the two share, or shared, a conversation, and know that they do.

    Of a mass message nobody knows who else has it, and of a guest that there is one.
    """
    taking_part = (
        "EXISTS (SELECT 1 FROM membership s WHERE s.tenant = {0}.tenant"
        " AND s.conversation_id = {0}.conversation_id AND s.user_id = {0}.user_id"
        " AND s.joined_seq > 0)"
    )
    row = await tx.one(
        "SELECT 1 FROM conversation_person a JOIN conversation_person b"
        " ON b.tenant = a.tenant AND b.conversation_id = a.conversation_id"
        " JOIN conversation c ON c.tenant = a.tenant AND c.id = a.conversation_id"
        " AND c.kind <> 'mass' WHERE a.tenant = $1 AND a.user_id = $2"
        f" AND b.user_id = $3 AND {taking_part.format('a')}"
        f" AND {taking_part.format('b')} LIMIT 1",
        tenant,
        user_id,
        other_id,
    )
    return row is not None
