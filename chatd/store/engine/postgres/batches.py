"""Many Changes in one transaction of PostgreSQL.

Sends, which are most of all writes, go together: one statement locks their
conversations, two look whether they were done before and rest on what is still true,
two write all of them. Everything else is applied in turn by the same functions as on
SQLite. What cannot be done in company is raised, and then each is tried alone.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg

from chatd.domain.announcements import Logged
from chatd.errors import Refused
from chatd.store.change import AlreadyDone, Change, Moved
from chatd.store.content import search
from chatd.store.effects import Effects
from chatd.store.engine.answering import Outcome, Waiting
from chatd.store.engine.applying import apply
from chatd.store.engine.postgres.connections import PostgresTransaction, lost
from chatd.store.engine.postgres.locks import lock, touched
from chatd.store.messages import InsertMessage

SENDS_MAX: Final = 256
"""As on SQLite: beyond, the sync's share per send no longer matters."""

ROWS_MAX: Final = 128
"""Rows that a batch of other Changes may lock: others wait for them meanwhile."""

_HEADS: Final = (
    "SELECT c.tenant, c.id, c.version, c.head_seq FROM conversation c"
    " JOIN unnest($1::text[], $2::text[]) AS k(tenant, id)"
    " ON c.tenant = k.tenant AND c.id = k.id"
    " ORDER BY c.tenant, c.id FOR NO KEY UPDATE OF c"
)
_DONE: Final = (
    "SELECT m.tenant, m.author_id, m.client_message_id, m.id, m.digest FROM message m"
    " JOIN unnest($1::text[], $2::text[], $3::text[]) AS k(tenant, author_id, id)"
    " ON m.tenant = k.tenant AND m.author_id = k.author_id"
    " AND m.client_message_id = k.id"
)
_FACTS: Final = (
    "SELECT 'person', p.tenant, p.id, p.version FROM person p"
    " JOIN unnest($1::text[], $2::text[]) AS k(tenant, id)"
    " ON p.tenant = k.tenant AND p.id = k.id"
    " UNION ALL SELECT 'tenant', t.id, t.id, t.version FROM tenant t"
    " WHERE t.id = ANY($3::text[])"
)
_INSERT: Final = (
    "WITH sent AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[],"
    " $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],"
    " $10::text[], $11::bytea[], $12::bigint[],"
    " $13::text[], $14::text[]) AS s(tenant, id, conversation_id, seq, kind, author_id,"
    " text, links_json, reply_to_id, client_message_id, digest, at_ms, scope, words)"
    "), last AS (SELECT DISTINCT ON (tenant, conversation_id) * FROM sent"
    " ORDER BY tenant, conversation_id, seq DESC"
    "), moved AS (UPDATE conversation c SET head_seq = l.seq, changed_at_ms = l.at_ms,"
    " changed_in = change_mark(),"
    " last_message_id = l.id, last_activity_ms = l.at_ms FROM last l"
    " WHERE c.tenant = l.tenant AND c.id = l.conversation_id"
    "), logged AS (INSERT INTO log (tenant, conversation_id, seq, kind, message_id,"
    " actor_id, at_ms, changed_in) SELECT tenant, conversation_id, seq,"
    " 'message.created', id, author_id, at_ms, change_mark() FROM sent"
    " ORDER BY tenant, conversation_id, seq"
    " RETURNING position, tenant, conversation_id, seq"
    "), found AS (INSERT INTO search_entry (position, tenant, conversation_id, seq,"
    " message_id, scope, words) SELECT l.position, s.tenant, s.conversation_id, s.seq,"
    " s.id, s.scope, s.words FROM logged l JOIN sent s ON l.tenant = s.tenant"
    " AND l.conversation_id = s.conversation_id AND l.seq = s.seq"
    " WHERE s.words <> '')"
    " INSERT INTO message (tenant, id, conversation_id, seq, kind, author_id, text,"
    " links_json, reply_to_id, client_message_id, digest, created_at_ms,"
    " last_event_seq) SELECT tenant, id, conversation_id, seq, kind, author_id, text,"
    " links_json, reply_to_id, client_message_id, digest, at_ms, seq FROM sent"
)
_READ: Final = (
    "WITH own AS (SELECT o.tenant, o.user_id, o.conversation_id, k.seq"
    " FROM conversation_person o JOIN unnest($1::text[], $2::text[], $3::text[],"
    " $4::bigint[]) AS k(tenant, user_id, conversation_id, seq)"
    " ON o.tenant = k.tenant AND o.user_id = k.user_id"
    " AND o.conversation_id = k.conversation_id"
    " ORDER BY o.tenant, o.user_id, o.conversation_id FOR NO KEY UPDATE OF o)"
    " UPDATE conversation_person p SET read_seq = own.seq, marked_unread = 0 FROM own"
    " WHERE p.tenant = own.tenant AND p.user_id = own.user_id"
    " AND p.conversation_id = own.conversation_id"
)
_TOUCH: Final = "UPDATE meta SET value = value WHERE name = 'epoch'"

Fact = tuple[str, str, str]
"""The noun of a guard, the tenant, the id."""


def send_of(change: Change) -> InsertMessage | None:
    """The message, if that is all that there is to a Change."""
    if change.key is not None or len(change.writes) != 1:
        return None
    write = change.writes[0]
    if not isinstance(write, InsertMessage) or write.attached:
        return None
    if write.forwarded or write.report_id:
        return None
    own = all(
        guard.noun in ("person", "tenant")
        or (guard.noun == "conversation" and guard.id == write.conversation_id)
        for guard in change.guards
    )
    return write if own else None


def pick_sends(queue: deque[Waiting]) -> list[Waiting]:
    """The next batch: of two sends under one client id the second comes later."""
    batch: list[Waiting] = []
    later: list[Waiting] = []
    names = set()
    while queue and len(batch) < SENDS_MAX:
        waiting = queue.popleft()
        write = send_of(waiting.change)
        assert write is not None
        name = (waiting.change.tenant, write.author_id, write.client_message_id)
        (later if name in names else batch).append(waiting)
        names.add(name)
    queue.extendleft(reversed(later))
    return batch


def pick_others(queue: deque[Waiting]) -> list[Waiting]:
    """The next batch: a big Change goes alone."""
    batch: list[Waiting] = []
    rows = 0
    while queue:
        rows += 1 + len(touched(queue[0].change))
        if batch and rows > ROWS_MAX:
            break
        batch.append(queue.popleft())
    return batch


async def send_together(
    tx: PostgresTransaction, changes: Sequence[Change]
) -> list[Outcome]:
    """Write sends, each of which is a `send_of`, no two under one client id.

    Raises:
        PostgresError: the database refuses one of them, so all are undone.
    """
    sends = [(change, write) for change in changes if (write := send_of(change))]
    places = {(change.tenant, write.conversation_id) for change, write in sends}
    rows = await tx.all(_HEADS, *_columns(places))
    versions = {("conversation", row[0], row[1]): row[2] for row in rows}
    heads = {(row[0], row[1]): row[3] for row in rows}
    done = await _done(tx, sends)
    versions |= await _versions(tx, changes)
    outcomes: list[Outcome] = []
    new: list[tuple[object, ...]] = []
    read: dict[tuple[str, str, str], int] = {}
    for change, write in sends:
        place = (change.tenant, write.conversation_id)
        name = (change.tenant, write.author_id, write.client_message_id)
        problem = _repeated(done.get(name), write) or _moved(change, versions)
        if problem is None and place not in heads:
            problem = LookupError("no such conversation")
        if problem is not None:
            outcomes.append(problem)
            continue
        seq = heads[place] = heads[place] + 1
        new.append(_row(change, write, seq))
        read[change.tenant, write.author_id, write.conversation_id] = seq
        effects = Effects(change.tenant, change.at_ms)
        effects.logged.append(Logged(*place, seq, "message.created"))
        outcomes.append(effects)
    if new:
        await tx.run(_INSERT, *_columns(new))
        await tx.run(_READ, *_columns((*name, seq) for name, seq in read.items()))
    return outcomes


def _columns(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def _done(
    tx: PostgresTransaction, sends: Sequence[tuple[Change, InsertMessage]]
) -> dict[tuple[str, str, str], tuple[str, bytes | None]]:
    rows = await tx.all(
        _DONE,
        [change.tenant for change, _ in sends],
        [write.author_id for _, write in sends],
        [write.client_message_id for _, write in sends],
    )
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}


async def _versions(
    tx: PostgresTransaction, changes: Sequence[Change]
) -> dict[Fact, int]:
    """The facts that these rest on besides their conversations, as they are now."""
    people: set[tuple[str, str]] = set()
    tenants: set[str] = set()
    for change in changes:
        for guard in change.guards:
            if guard.noun == "person":
                people.add((change.tenant, guard.id))
            elif guard.noun == "tenant":
                tenants.add(guard.id)
    if not people and not tenants:
        return {}
    ids = _columns(people) if people else [[], []]
    rows = await tx.all(_FACTS, *ids, list(tenants))
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def _repeated(
    kept: tuple[str, bytes | None] | None, write: InsertMessage
) -> Exception | None:
    if kept is None:
        return None
    # A removed message has lost its digest with its text: any repeat is the same.
    if kept[1] is not None and kept[1] != write.digest:
        return Refused("idempotency_conflict")
    return AlreadyDone({"messageId": kept[0]})


def _moved(change: Change, versions: dict[Fact, int]) -> Exception | None:
    for guard in change.guards:
        fact = (guard.noun, change.tenant, guard.id)
        if versions.get(fact, 0) != guard.version:
            return Moved()
    return None


def _row(change: Change, write: InsertMessage, seq: int) -> tuple[object, ...]:
    return (
        *(change.tenant, write.id, write.conversation_id, seq, write.kind),
        *(write.author_id, write.text, write.links_json, write.reply_to_id),
        *(write.client_message_id, write.digest, change.at_ms),
        search.scope_of(change.tenant, write.conversation_id),
        search.words_in(write.text, None),
    )


async def apply_in_turn(
    tx: PostgresTransaction, changes: Sequence[Change]
) -> list[Outcome]:
    """Apply any Changes; one that is refused before it wrote is no trouble to others.

    Raises:
        Exception: of one that had begun to write, so all are undone.
    """
    await lock(tx, changes)
    outcomes: list[Outcome] = []
    for change in changes:
        before = tx.writes
        if not change.writes:
            # Whoever asks whether all is well wants something to be really written.
            await tx.run(_TOUCH)
        try:
            outcomes.append(await apply(tx, change))
        except asyncpg.PostgresError:
            raise
        except Exception as error:
            if lost(error) or tx.writes != before:
                raise
            outcomes.append(error)
    return outcomes
