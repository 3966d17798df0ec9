"""What was said, as words to be found: kept with every message, asked by `matches`.

A message's words are written in the transaction that writes its text and taken out in
the one that takes the text away. They stand in one row as they were indexed, so that
exactly those are taken out again, whatever has become of the code that cut them.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from chatd.domain.content.searching import Term, words_of
from chatd.domain.members import History
from chatd.store.effects import Effects
from chatd.store.members import visible
from chatd.store.transaction import SqlValue, Transaction, placeholders

NEWEST: Final = 2**62
"""Beyond every position."""

AT_ONCE: Final = 250
"""Messages with the words in them whose readers are looked up together."""

LOOKS_MAX: Final = 8
"""How often, for one page: then it ends early and says where to go on."""


@dataclass(frozen=True, slots=True)
class IndexBacklog:
    """Put some messages into the index that are older than it."""

    message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sought:
    """What somebody looks for, and where.

    Attributes:
        conversation_ids: only there; None is all of the tenant's, which costs more.
        before: only below this position.
        left: also where the person is no longer a member.
    """

    user_id: str
    terms: tuple[Term, ...]
    conversation_ids: tuple[str, ...] | None
    history: History
    before: int = NEWEST
    left: bool = True


@dataclass(frozen=True, slots=True)
class Hits:
    """Positions and ids of messages that the person may see, the newest first.

    `rest` is where to go on, None when there is nothing more.
    """

    found: tuple[tuple[int, str], ...]
    rest: int | None


async def put(
    tx: Transaction,
    tenant: str,
    conversation_id: str,
    message_id: str,
    text: str | None,
    attachments_json: str | None,
) -> None:
    """Make a message findable by its text and by the names of its files (ITS-71).

    The message and its row of the log are there already. A message without words has
    nothing to be found by.
    """
    words = words_in(text, attachments_json)
    if not words:
        return
    await tx.run(
        "INSERT INTO search_entry (position, tenant, conversation_id, seq, message_id,"
        " scope, words) SELECT l.position, m.tenant, m.conversation_id, m.seq, m.id,"
        " $3, $4 FROM message m JOIN log l ON l.tenant = m.tenant"
        " AND l.conversation_id = m.conversation_id AND l.seq = m.seq"
        " WHERE m.tenant = $1 AND m.id = $2",
        tenant,
        message_id,
        scope_of(tenant, conversation_id),
        words,
    )


def words_in(text: str | None, attachments_json: str | None) -> str:
    """The words of a message, as its entry holds them."""
    shown = orjson.loads(attachments_json) if attachments_json else []
    names = [word for one in shown for word in (one["name"], one.get("alt") or "")]
    return words_of(text or "", *names)


def scope_of(tenant: str, conversation_id: str) -> str:
    """The words by which an entry is found in its tenant and in its conversation."""
    return f"{_scope(tenant)} {_scope(tenant, conversation_id)}"


async def drop(tx: Transaction, tenant: str, message_id: str) -> None:
    """Make a message unfindable, and its words unreadable."""
    await tx.run(
        "DELETE FROM search_entry WHERE tenant = $1 AND message_id = $2",
        tenant,
        message_id,
    )


def _scope(*names: str) -> str:
    """A word for a tenant, or for one of its conversations, whatever their ids are."""
    name = "\0".join(names).encode()
    return f"s{hashlib.blake2b(name, digest_size=8).hexdigest()}"


async def index(tx: Transaction, effects: Effects, write: IndexBacklog) -> None:
    """Apply an `IndexBacklog`; what was removed or edited meanwhile is as it is now."""
    ids = placeholders(2, len(write.message_ids))
    await tx.run(
        f"DELETE FROM search_backlog WHERE tenant = $1 AND message_id IN ({ids})",
        effects.tenant,
        *write.message_ids,
    )
    rows = await tx.all(
        "SELECT m.conversation_id, m.id, m.text, m.attachments_json FROM message m"
        f" WHERE m.tenant = $1 AND m.id IN ({ids}) AND NOT EXISTS (SELECT 1"
        " FROM search_entry e WHERE e.tenant = m.tenant AND e.message_id = m.id)",
        effects.tenant,
        *write.message_ids,
    )
    for conversation_id, id_, text, attachments_json in rows:
        await put(tx, effects.tenant, conversation_id, id_, text, attachments_json)


async def backlog(tx: Transaction, limit: int) -> list[tuple[str, str]]:
    """(tenant, message) of what is not in the index yet."""
    rows = await tx.all("SELECT tenant, message_id FROM search_backlog LIMIT $1", limit)
    return [(row[0], row[1]) for row in rows]


async def places(
    tx: Transaction, tenant: str, user_id: str, most: int
) -> tuple[str, ...] | None:
    """The conversations that a person is in; None when they are too many."""
    rows = await tx.all(
        "SELECT conversation_id FROM conversation_person WHERE tenant = $1"
        " AND user_id = $2 AND member = 1 LIMIT $3",
        tenant,
        user_id,
        most + 1,
    )
    return None if len(rows) > most else tuple(row[0] for row in rows)


async def find(tx: Transaction, tenant: str, sought: Sought, limit: int) -> Hits:
    """At most `limit` messages in which all of this is, from a bounded look.

    What the person may not see is no hit, and neither is a text that was written after
    the person had left.
    """
    found: list[tuple[int, str]] = []
    before = sought.before
    for _ in range(LOOKS_MAX):
        positions = await _candidates(tx, tenant, sought, before)
        found += await _seen(tx, tenant, sought, positions)
        if len(found) > limit:
            return Hits(tuple(found[:limit]), found[limit - 1][0])
        if len(positions) < AT_ONCE:
            return Hits(tuple(found), None)
        before = positions[-1]
    return Hits(tuple(found), before)


async def _candidates(
    tx: Transaction, tenant: str, sought: Sought, before: int
) -> list[int]:
    """Positions where the words are, the newest first, whoever may see them."""
    sql, values = _ASKING[tx.engine](tenant, sought)
    return [row[0] for row in await tx.all(sql, before, AT_ONCE, *values)]


def _scopes(tenant: str, sought: Sought) -> list[str]:
    if sought.conversation_ids is None:
        return [_scope(tenant)]
    return [_scope(tenant, id_) for id_ in sought.conversation_ids]


Asking = tuple[str, list[str]]


def _of_sqlite(tenant: str, sought: Sought) -> Asking:
    """A query of FTS5, every word of which is quoted."""
    where = " OR ".join(f'"{scope}"' for scope in _scopes(tenant, sought))
    what = " AND ".join(
        f'"{" ".join(term.words)}"{" *" if term.prefix else ""}'
        for term in sought.terms
    )
    sql = (
        "SELECT rowid FROM search_index WHERE search_index MATCH $3 AND rowid < $1"
        " ORDER BY rowid DESC LIMIT $2"
    )
    return sql, [f"scope : ({where}) AND words : ({what})"]


def _of_postgres(tenant: str, sought: Sought) -> Asking:
    """A `tsquery`, every word of which is quoted; phrases are looked for in the row."""
    where = " | ".join(f"'{scope}'" for scope in _scopes(tenant, sought))
    parts = [f"({where})"]
    sql = "SELECT position FROM search_entry WHERE position < $1"
    sql += " AND lexemes @@ CAST(CAST($3 AS TEXT) AS TSQUERY)"
    values = []
    for term in sought.terms:
        *inner, last = (f"'{word}'" for word in term.words)
        parts += [*inner, f"{last}:*" if term.prefix else last]
        if len(term.words) > 1:
            # No word has a `%` or a `_` in it.
            end = "" if term.prefix else " "
            values.append(f"% {' '.join(term.words)}{end}%")
            sql += f" AND ' ' || words || ' ' LIKE ${len(values) + 3}"
    sql += " ORDER BY position DESC LIMIT $2"
    return sql, [" & ".join(parts), *values]


_ASKING: Final[Mapping[str, Callable[[str, Sought], Asking]]] = {
    "sqlite": _of_sqlite,
    "postgres": _of_postgres,
}
"""The one statement that the engines do not share: `$1` before, `$2` at most."""


async def _seen(
    tx: Transaction, tenant: str, sought: Sought, positions: Sequence[int]
) -> list[tuple[int, str]]:
    """Those of the positions that the person may see now, with the messages' ids."""
    if not positions:
        return []
    values: tuple[SqlValue, ...] = tuple(positions)
    rows = await tx.all(
        "SELECT e.position, e.message_id FROM search_entry e"
        " JOIN message m ON m.tenant = e.tenant AND m.id = e.message_id"
        " JOIN conversation_person p ON p.tenant = e.tenant AND p.user_id = $2"
        " AND p.conversation_id = e.conversation_id"
        f" WHERE e.position IN ({placeholders(3, len(values))}) AND e.tenant = $1"
        f" AND m.removed_at_ms IS NULL AND {visible('p', 'e.seq', sought.history)}"
        f" AND (p.member = 1 OR {int(sought.left)} = 1 AND"
        " (m.edited_at_ms IS NULL OR m.last_event_seq <="
        " (SELECT max(o.left_seq) FROM membership o WHERE o.tenant = p.tenant"
        "  AND o.conversation_id = p.conversation_id AND o.user_id = p.user_id)))"
        " ORDER BY e.position DESC",
        tenant,
        sought.user_id,
        *values,
    )
    return [(row[0], row[1]) for row in rows]
