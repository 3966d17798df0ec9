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
from chatd.store.content import attachments
from chatd.store.content.attachments import DropAttachments
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
    # Made up by the person's clients; of what is said now it goes with the message.
    "UPDATE message SET client_message_id = NULL WHERE tenant = $1 AND author_id = $2"
    " AND removed_at_ms IS NOT NULL AND client_message_id IS NOT NULL",
    "UPDATE conversation_title SET title = '' WHERE tenant = $1 AND conversation_id IN"
    " (SELECT o.conversation_id FROM conversation_person o JOIN conversation c"
    " ON c.tenant = o.tenant AND c.id = o.conversation_id WHERE o.tenant = $1"
    " AND o.user_id = $2 AND c.roster_id IS NULL) AND EXISTS (SELECT 1 FROM log l"
    " WHERE l.tenant = conversation_title.tenant AND l.seq = conversation_title.seq"
    " AND l.conversation_id = conversation_title.conversation_id"
    " AND l.actor_id = $2)",
)
"""One statement a place: `$1` tenant, `$2` person, `$3` now. Titles that follow a
roster are the platform's, whoever started the conversation."""


# Titles that the person gave: from the person's own conversations to the log's rows, so
# that nothing is read for it but what is there of them.
_TITLES: Final = (
    "conversation_person o CROSS JOIN conversation c CROSS JOIN conversation_title t"
    " CROSS JOIN log l"
)
_GIVEN: Final = (
    "o.tenant = $1 AND o.user_id = $2 AND c.tenant = o.tenant"
    " AND c.id = o.conversation_id AND c.roster_id IS NULL AND t.tenant = o.tenant"
    " AND t.conversation_id = o.conversation_id AND l.tenant = t.tenant"
    " AND l.conversation_id = t.conversation_id AND l.seq = t.seq AND l.actor_id = $2"
)


@dataclass(frozen=True, slots=True)
class ErasePerson:
    """Everything of a person but messages, which are removed before.

    `titled` are conversations whose title is the person's now, to be locked.
    """

    user_id: str
    titled: tuple[str, ...] = ()


async def erase(tx: Transaction, effects: Effects, write: ErasePerson) -> None:
    """Apply an `ErasePerson`; whoever is gone already is told nothing more.

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
    files = await uploads(tx, effects.tenant, write.user_id)
    await attachments.drop(tx, effects, DropAttachments(files))
    former = await _former(tx, effects.tenant, write.user_id)
    again = await tx.one(
        "SELECT 1 FROM person WHERE tenant = $1 AND id = $2"
        " AND name = '' AND details_json = $3",
        effects.tenant,
        write.user_id,
        _GONE,
    )
    for statement in OWN:
        given = (effects.tenant, write.user_id, effects.at_ms)
        await tx.run(statement, *given[: 3 if "$3" in statement else 2])
    for conversation_id, user_id in former:
        # Members are told by the log; who has left is shown the title of then.
        await tx.run(
            "UPDATE conversation_person SET membership_pseq = $4 WHERE tenant = $1"
            " AND conversation_id = $2 AND user_id = $3",
            effects.tenant,
            conversation_id,
            user_id,
            await effects.move_person(tx, user_id),
        )
    places = await vault.due(
        tx, effects.tenant, before_ms=2**53, author_id=write.user_id, limit=10**6
    )
    await vault.empty(tx, effects, vault.EmptyVault(places))
    if again is None:
        await effects.move_person(tx, write.user_id)
    await effects.bump_person(tx, write.user_id)
    await effects.erased(tx, "person", write.user_id, effects.at_ms)


async def _former(tx: Transaction, tenant: str, user_id: str) -> list[tuple[str, str]]:
    """(conversation, person) of who has left where this person once gave a title."""
    rows = await tx.all(
        "SELECT DISTINCT p.conversation_id, p.user_id"
        f" FROM {_TITLES} CROSS JOIN conversation_person p WHERE {_GIVEN}"
        " AND p.tenant = o.tenant AND p.conversation_id = o.conversation_id"
        " AND p.member = 0 ORDER BY p.user_id, p.conversation_id",
        tenant,
        user_id,
    )
    return [(row[0], row[1]) for row in rows]


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
        f"SELECT c.id FROM {_TITLES} WHERE {_GIVEN}"
        " AND c.title = t.title AND c.title <> ''"
        " AND t.seq = (SELECT max(n.seq) FROM conversation_title n"
        " WHERE n.tenant = t.tenant AND n.conversation_id = t.conversation_id)"
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
