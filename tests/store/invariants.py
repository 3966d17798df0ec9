"""What holds in every database that the store has written, whatever was done to it.

`check_database(url)` looks at the database itself, beside or after its store.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import apsw
import asyncpg

from tests.support.databases import is_postgres, path_of

_SAME = "l.tenant = m.tenant AND l.conversation_id = m.conversation_id"

BROKEN: Final[Mapping[str, str]] = {
    "a log has a hole": (
        "SELECT tenant, conversation_id, count(*), max(seq) FROM log"
        " GROUP BY tenant, conversation_id HAVING min(seq) <> 1 OR max(seq) <> count(*)"
    ),
    "head_seq is not the last of the log": (
        "SELECT c.tenant, c.id, c.head_seq FROM conversation c WHERE c.head_seq <>"
        " (SELECT coalesce(max(l.seq), 0) FROM log l"
        "  WHERE l.tenant = c.tenant AND l.conversation_id = c.id)"
    ),
    "a log without its conversation": (
        "SELECT l.tenant, l.conversation_id FROM log l LEFT JOIN conversation c"
        " ON c.tenant = l.tenant AND c.id = l.conversation_id WHERE c.id IS NULL"
    ),
    "a message is not where its log row is": (
        f"SELECT m.tenant, m.id, m.seq FROM message m LEFT JOIN log l ON {_SAME}"
        " AND l.seq = m.seq"
        " WHERE l.kind IS DISTINCT FROM 'message.created'"
        " OR l.message_id IS DISTINCT FROM m.id"
    ),
    "a log row without its message": (
        "SELECT l.tenant, l.message_id FROM log l LEFT JOIN message m"
        f" ON {_SAME} AND m.id = l.message_id"
        " WHERE l.message_id IS NOT NULL AND m.id IS NULL"
    ),
    "last_event_seq is not the message's last row": (
        "SELECT m.tenant, m.id, m.last_event_seq FROM message m WHERE m.last_event_seq"
        f" IS DISTINCT FROM (SELECT max(l.seq) FROM log l"
        f" WHERE {_SAME} AND l.message_id = m.id)"
    ),
    "a removed message has content": (
        "SELECT tenant, id FROM message WHERE removed_at_ms IS NOT NULL"
        " AND (coalesce(text, links_json, attachments_json) IS NOT NULL"
        " OR digest IS NOT NULL)"
    ),
    "a file is not in exactly the message that shows it": (
        "SELECT m.tenant, m.id, f.value ->> 'id' FROM message m"
        " CROSS JOIN json_each(m.attachments_json) f"
        " LEFT JOIN attachment a ON a.tenant = m.tenant"
        " AND a.id = f.value ->> 'id' AND a.message_id = m.id WHERE a.id IS NULL"
        " UNION ALL SELECT a.tenant, a.message_id, a.id FROM attachment a"
        " JOIN message m ON m.tenant = a.tenant AND m.id = a.message_id"
        " WHERE a.id NOT IN (SELECT f.value ->> 'id' FROM"
        " json_each(m.attachments_json) f)"
    ),
    "bytes are doomed that a file needs": (
        "SELECT d.tenant, d.blob FROM doomed_blob d JOIN (SELECT tenant, blob"
        " FROM attachment UNION SELECT tenant, blob FROM vault_file) AS a"
        " ON a.tenant = d.tenant AND a.blob = d.blob"
    ),
    "a tenant's usage is not what its files take": (
        "SELECT u.tenant, u.bytes FROM attachment_usage u WHERE u.bytes <>"
        " (SELECT coalesce(sum(size), 0) FROM (SELECT DISTINCT a.blob, a.size"
        "  FROM attachment a WHERE a.tenant = u.tenant UNION SELECT v.blob, v.size"
        "  FROM vault_file v WHERE v.tenant = u.tenant) AS each)"
    ),
    "participant_count is not the number of open stays": (
        "SELECT c.tenant, c.id, c.participant_count FROM conversation c"
        # Nobody is told how many have a mass message already.
        " WHERE c.kind <> 'mass' AND c.participant_count <>"
        " (SELECT count(*) FROM membership s WHERE"
        " s.tenant = c.tenant AND s.conversation_id = c.id AND s.left_seq IS NULL"
        " AND s.joined_seq > 0)"
    ),
    "a guest takes part": (
        "SELECT g.tenant, g.conversation_id, g.user_id FROM membership g"
        " JOIN membership s ON s.tenant = g.tenant AND s.user_id = g.user_id"
        " AND s.conversation_id = g.conversation_id AND s.joined_seq > 0"
        " WHERE g.joined_seq = 0 AND s.left_seq IS NULL"
    ),
    "somebody stays twice at once": (
        "SELECT a.tenant, a.conversation_id, a.user_id FROM membership a"
        " JOIN membership b ON b.tenant = a.tenant AND b.user_id = a.user_id"
        " AND b.conversation_id = a.conversation_id AND b.joined_seq > a.joined_seq"
        " WHERE a.joined_seq > 0"
        " AND (a.left_seq IS NULL OR a.left_seq >= b.joined_seq)"
    ),
    "a stay ends before it begins, or beyond the log": (
        "SELECT s.tenant, s.conversation_id, s.user_id FROM membership s"
        " JOIN conversation c ON c.tenant = s.tenant AND c.id = s.conversation_id"
        " WHERE s.left_seq <= s.joined_seq"
        " OR coalesce(s.left_seq, s.joined_seq) > c.head_seq"
    ),
    "member is not whether there is an open stay": (
        "SELECT p.tenant, p.conversation_id, p.user_id FROM conversation_person p"
        " WHERE (p.member = 1) <> EXISTS (SELECT 1 FROM membership s WHERE"
        " s.tenant = p.tenant AND s.conversation_id = p.conversation_id"
        " AND s.user_id = p.user_id AND s.left_seq IS NULL)"
    ),
    "read beyond the log": (
        "SELECT p.tenant, p.conversation_id, p.user_id FROM conversation_person p"
        " JOIN conversation c ON c.tenant = p.tenant AND c.id = p.conversation_id"
        " WHERE p.read_seq > c.head_seq"
    ),
    "a person's own row is ahead of the person": (
        "SELECT w.tenant, w.id FROM person w LEFT JOIN conversation_person p"
        " ON p.tenant = w.tenant AND p.user_id = w.id WHERE"
        " w.personal_seq < w.preferences_pseq OR w.personal_seq < p.membership_pseq"
        " OR w.personal_seq < p.read_pseq OR w.personal_seq < p.marks_pseq"
        " OR w.personal_seq < p.permissions_pseq"
    ),
    "a title is not the last one noted": (
        "SELECT c.tenant, c.id, c.title FROM conversation c WHERE c.title"
        " IS DISTINCT FROM"
        " (SELECT t.title FROM conversation_title t WHERE t.tenant = c.tenant"
        "  AND t.conversation_id = c.id ORDER BY t.seq DESC LIMIT 1)"
    ),
}


def broken(path: Path) -> dict[str, list[tuple]]:
    """The rules that do not hold, each with the rows that break it."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.execute("PRAGMA query_only = ON")
        found = {
            rule: rows
            for rule, sql in BROKEN.items()
            if (rows := connection.execute(sql).fetchall())
        }
        whole = connection.execute("PRAGMA integrity_check").fetchall()
        return found if whole == [("ok",)] else found | {"the file is damaged": whole}
    finally:
        connection.close()


def check(path: Path) -> None:
    """Fails if any rule does not hold."""
    assert broken(path) == {}


def _as_there(sql: str) -> str:
    """The same for PostgreSQL, which takes JSON apart by other functions."""
    there = "json_array_elements(m.attachments_json::json) AS f(value)"
    return re.sub(r"json_each\(m.attachments_json\) f", there, sql)


async def broken_rules(url: str) -> dict[str, list]:
    """The same of the database of an address."""
    if not is_postgres(url):
        return broken(path_of(url))
    connection = await asyncpg.connect(url)
    try:
        return {
            rule: rows
            for rule, sql in BROKEN.items()
            if (rows := await connection.fetch(_as_there(sql)))
        }
    finally:
        await connection.close()


async def check_database(url: str) -> None:
    """Fails if any rule does not hold."""
    assert await broken_rules(url) == {}
