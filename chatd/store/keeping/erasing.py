"""A person is erased: what there is of them beyond what they said.

Messages are removed one by one, as everybody removes them, and leave their own rows in
the ledger. What is left is a row with an id, so that a conversation of others still
tells two nameless people apart.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from chatd.domain.people import Details
from chatd.store import conversations
from chatd.store.between import acquaintances
from chatd.store.between.acquaintances import SetContact
from chatd.store.conversations import Rename
from chatd.store.effects import Effects
from chatd.store.keeping import evidence, vault
from chatd.store.keeping.holds import HELD
from chatd.store.reporting import filing
from chatd.store.reporting.filing import PurgeReport
from chatd.store.transaction import Transaction

_GONE: Final = msgspec.json.encode(Details(deleted=True)).decode()

OWN: Final = (
    "UPDATE person SET name = '', name_folded = '', title = NULL, email = NULL,"
    f" avatar_url = NULL, language = NULL, active = 0, details_json = '{_GONE}',"
    " enter_sends = 0, accepts = NULL, changed_at_ms = $3"
    " WHERE tenant = $1 AND id = $2",
    "UPDATE conversation_person SET draft = NULL, muted = 0, starred = 0, archived = 0"
    " WHERE tenant = $1 AND user_id = $2",
    "DELETE FROM message_hidden WHERE tenant = $1 AND user_id = $2",
    "DELETE FROM acquaintance WHERE tenant = $1 AND user_id = $2",
    "DELETE FROM request WHERE tenant = $1 AND user_id = $2",
    # Made up by the person's clients, and what they were made of.
    "UPDATE message SET client_message_id = NULL, digest = NULL"
    " WHERE tenant = $1 AND author_id = $2",
    "UPDATE conversation_title SET title = '' WHERE tenant = $1 AND (conversation_id,"
    " seq) IN (SELECT l.conversation_id, l.seq FROM log l WHERE l.tenant = $1"
    " AND l.actor_id = $2"
    " AND l.kind IN ('conversation.created', 'conversation.renamed'))"
    " AND NOT EXISTS (SELECT 1 FROM conversation c WHERE c.tenant = $1"
    " AND c.id = conversation_title.conversation_id AND c.roster_id IS NOT NULL)",
)
"""One statement a place: `$1` tenant, `$2` person, `$3` now. Titles that follow a
roster are the platform's, whoever started the conversation."""


@dataclass(frozen=True, slots=True)
class ErasePerson:
    """Everything of a person but messages, which are removed before.

    `titled` are conversations whose title is the person's now, to be locked.
    """

    user_id: str
    titled: tuple[str, ...] = ()


async def erase(tx: Transaction, effects: Effects, write: ErasePerson) -> None:
    """Apply an `ErasePerson`; of somebody who is not there, nothing.

    Raises:
        LookupError: there is no such person.
    """
    for conversation_id in await titled(tx, effects.tenant, write.user_id):
        # Told like any other, so that no client goes on showing it.
        await conversations.rename(tx, effects, Rename(conversation_id, "", None))
    for report_id in await evidence.reports_of(tx, effects.tenant, write.user_id):
        await filing.purge(tx, effects, PurgeReport(report_id))
    await evidence.redact(tx, effects.tenant, write.user_id)
    for other_id in await _acquainted(tx, effects.tenant, write.user_id):
        # The other one's half stays, with nothing in it, and its owner is told.
        nothing = SetContact(write.user_id, other_id, "none")
        await acquaintances.set_contact(tx, effects, nothing)
    for statement in OWN:
        given = (effects.tenant, write.user_id, effects.at_ms)
        await tx.run(statement, *given[: 3 if "$3" in statement else 2])
    places = await vault.due(
        tx, effects.tenant, before_ms=2**53, author_id=write.user_id, limit=10**6
    )
    await vault.empty(tx, effects, vault.EmptyVault(places))
    await effects.move_person(tx, write.user_id)
    await effects.bump_person(tx, write.user_id)
    await effects.erased(tx, "person", write.user_id, effects.at_ms)


async def _acquainted(tx: Transaction, tenant: str, user_id: str) -> list[str]:
    rows = await tx.all(
        "SELECT other_id FROM acquaintance WHERE tenant = $1 AND user_id = $2"
        " ORDER BY other_id",
        tenant,
        user_id,
    )
    return [row[0] for row in rows]


async def titled(tx: Transaction, tenant: str, user_id: str) -> tuple[str, ...]:
    """Conversations that are called now as this person called them."""
    rows = await tx.all(
        "SELECT c.id FROM log l JOIN conversation_title t ON t.tenant = l.tenant"
        " AND t.conversation_id = l.conversation_id AND t.seq = l.seq"
        " JOIN conversation c ON c.tenant = l.tenant AND c.id = l.conversation_id"
        " WHERE l.tenant = $1 AND l.actor_id = $2"
        " AND l.kind IN ('conversation.created', 'conversation.renamed')"
        " AND c.roster_id IS NULL AND c.title = t.title AND c.title <> ''"
        " AND t.seq = (SELECT max(o.seq) FROM conversation_title o"
        " WHERE o.tenant = t.tenant AND o.conversation_id = t.conversation_id)"
        " ORDER BY c.id",
        tenant,
        user_id,
    )
    return tuple(row[0] for row in rows)


async def said(
    tx: Transaction, tenant: str, user_id: str, limit: int
) -> list[tuple[str, str, bool]]:
    """(message, conversation, whether forwarded) of what a person said, and what others
    forwarded of it; what is forwarded comes first.

    Copies that are on hold, in conversations of others, stay.
    """
    rows = await tx.all(
        "SELECT m.id, m.conversation_id, CASE WHEN m.forwarded_from_id IS NULL THEN 0"
        " ELSE 1 END AS copy FROM message m WHERE m.tenant = $1"
        f" AND m.author_id = $2 AND m.removed_at_ms IS NULL AND NOT {HELD}"
        " UNION SELECT m.id, m.conversation_id, 1 FROM message m WHERE m.tenant = $1"
        " AND m.forwarded_from_id IS NOT NULL AND m.forwarded_author_id = $2"
        f" AND m.removed_at_ms IS NULL AND NOT {HELD} ORDER BY 3 DESC, 1 LIMIT $3",
        tenant,
        user_id,
        limit,
    )
    return [(row[0], row[1], row[2] == 1) for row in rows]


async def waiting(
    tx: Transaction, tenant: str, user_id: str, limit: int
) -> list[tuple[str, str, str]]:
    """(id, conversation, author) of what waits for a moderator and is the person's."""
    rows = await tx.all(
        "SELECT m.id, m.conversation_id, m.author_id FROM held_message m"
        " WHERE m.tenant = $1 AND (m.author_id = $2 OR m.forwarded_author_id = $2)"
        f" AND NOT {HELD} ORDER BY m.id LIMIT $3",
        tenant,
        user_id,
        limit,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def uploads(tx: Transaction, tenant: str, user_id: str) -> tuple[str, ...]:
    """Files that a person uploaded and never sent."""
    rows = await tx.all(
        "SELECT id FROM attachment WHERE tenant = $1 AND uploader_id = $2"
        " AND message_id IS NULL ORDER BY id",
        tenant,
        user_id,
    )
    return tuple(row[0] for row in rows)
