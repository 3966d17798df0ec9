"""Legal holds: what must not be purged or erased, as long as one of them names it.

A hold has a name of its own, so that two about one person are lifted one by one.
"""

from dataclasses import dataclass
from typing import Final, Literal

from chatd.store.effects import Effects
from chatd.store.transaction import Transaction

About = Literal["conversation", "person"]

HELD: Final = (
    "EXISTS (SELECT 1 FROM hold h WHERE h.tenant = m.tenant AND"
    " ((h.about_kind = 'conversation' AND h.about_id = m.conversation_id)"
    " OR (h.about_kind = 'person' AND h.about_id = m.author_id)))"
)
"""SQL: a row `m` with a conversation and an author is on hold."""


class Held(Exception):
    """What was to be taken away is on hold."""


@dataclass(frozen=True, slots=True)
class SetHold:
    """Hold a conversation, or everything of a person; a known name says so anew."""

    name: str
    about_kind: About
    about_id: str
    by: str


@dataclass(frozen=True, slots=True)
class LiftHold:
    """Lift one; another one about the same may go on."""

    name: str


@dataclass(frozen=True, slots=True)
class Unheld:
    """Nobody holds this person, in whose name something is taken away for good."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as it is read."""

    name: str
    about_kind: About
    about_id: str
    set_by: str
    set_at_ms: int


async def set_hold(tx: Transaction, effects: Effects, write: SetHold) -> None:
    """Apply a `SetHold`."""
    await tx.run(
        "INSERT INTO hold (tenant, name, about_kind, about_id, set_by, set_at_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, name) DO UPDATE SET"
        " about_kind = excluded.about_kind, about_id = excluded.about_id,"
        " set_by = excluded.set_by, set_at_ms = excluded.set_at_ms",
        effects.tenant,
        write.name,
        write.about_kind,
        write.about_id,
        write.by,
        effects.at_ms,
    )


async def lift(tx: Transaction, effects: Effects, write: LiftHold) -> None:
    """Apply a `LiftHold`."""
    await tx.run(
        "DELETE FROM hold WHERE tenant = $1 AND name = $2", effects.tenant, write.name
    )


async def unheld(tx: Transaction, effects: Effects, write: Unheld) -> None:
    """Apply an `Unheld`: it writes nothing.

    Raises:
        Held: there is a hold.
    """
    if await of_person(tx, effects.tenant, write.user_id):
        raise Held


async def unheld_message(tx: Transaction, tenant: str, message_id: str) -> None:
    """Go on if nothing holds this message.

    Raises:
        Held: there is a hold.
    """
    row = await tx.one(
        f"SELECT 1 FROM message m WHERE m.tenant = $1 AND m.id = $2 AND {HELD}",
        tenant,
        message_id,
    )
    if row is not None:
        raise Held


async def every(tx: Transaction, tenant: str) -> list[Hold]:
    """All holds of a tenant, by name."""
    rows = await tx.all(
        "SELECT name, about_kind, about_id, set_by, set_at_ms FROM hold"
        " WHERE tenant = $1 ORDER BY name",
        tenant,
    )
    return [Hold(*row) for row in rows]


async def of_person(tx: Transaction, tenant: str, user_id: str) -> bool:
    """Whether a hold names this person, or a conversation in which the person spoke."""
    row = await tx.one(
        "SELECT 1 FROM hold h WHERE h.tenant = $1 AND ((h.about_kind = 'person'"
        " AND h.about_id = $2) OR (h.about_kind = 'conversation' AND EXISTS"
        " (SELECT 1 FROM membership s WHERE s.tenant = h.tenant"
        " AND s.conversation_id = h.about_id AND s.user_id = $2))) LIMIT 1",
        tenant,
        user_id,
    )
    return row is not None
