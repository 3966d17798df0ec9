"""The two schemas are one: whoever changes one of them must change the other."""

import apsw
import asyncpg
import pytest

from chatd.store.engine.migrating import load
from tests.store.shelf import Shelf

TYPES = {"text": "TEXT", "bigint": "INTEGER", "integer": "INTEGER", "bytea": "BLOB"}
OWN = "tsvector"
"""What PostgreSQL keeps of a message's words; SQLite has a table for that."""

IN_POSTGRES = """
SELECT c.table_name::text, c.column_name::text, c.data_type::text,
  c.is_nullable = 'YES', coalesce(k.place, 0)::int
FROM information_schema.columns c
LEFT JOIN (
  SELECT i.indrelid::regclass::text AS table_name, a.attname::text AS column_name,
    array_position(i.indkey::int[], a.attnum::int) + 1 AS place
  FROM pg_index i JOIN pg_attribute a
    ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
  WHERE i.indisprimary
) k ON k.table_name = c.table_name AND k.column_name = c.column_name
WHERE c.table_schema = 'public'
"""
COLLATED = """
SELECT table_name::text, column_name::text FROM information_schema.columns
WHERE table_schema = 'public' AND data_type = 'text'
  AND collation_name IS DISTINCT FROM 'C' AND table_name NOT IN ('meta', 'migration')
"""

Column = tuple[str, str, str, bool, int]


def of_sqlite() -> set[Column]:
    connection = apsw.Connection(":memory:")
    for migration in load("sqlite"):
        connection.execute(migration.sql)
    return {
        (str(table), str(name), str(type_), not required and not key, int(str(key)))
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table'"
            " AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'search_index%'"
        ).fetchall()
        for name, type_, required, key in connection.execute(
            'SELECT name, type, "notnull", pk FROM pragma_table_info(?1)', (table,)
        ).fetchall()
    }


def indexes(engine: str) -> set[str]:
    made: set[str] = set()
    for migration in load(engine):
        words = migration.sql.replace("UNIQUE ", "").split()
        for verb, noun, name in zip(words, words[1:], words[2:], strict=False):
            if (verb, noun) == ("CREATE", "INDEX"):
                made.add(name)
            if (verb, noun) == ("DROP", "INDEX"):
                made.discard(name.rstrip(";"))
    return made


@pytest.mark.engines("postgres")
async def test_tables_columns_and_keys_are_the_same(shelf: Shelf) -> None:
    """What works on one database would fail on the other."""
    link = await asyncpg.connect(shelf.url)
    rows = await link.fetch(IN_POSTGRES)
    uncollated = [tuple(row) for row in await link.fetch(COLLATED)]
    await link.close()
    here = {
        (table, name, TYPES.get(type_, type_), nullable, key)
        for table, name, type_, nullable, key in rows
        if table not in ("meta", "migration") and type_ != OWN
    }
    assert here ^ of_sqlite() == set()
    # Pages are ordered by bytes on SQLite; a language's order would tear them.
    assert uncollated == []


def test_migrations_and_indexes_are_the_same() -> None:
    """An update would do to one database what it does not do to the other."""
    names = [[one.name for one in load(each)] for each in ("sqlite", "postgres")]
    assert names[0] == names[1]
    assert indexes("sqlite") == indexes("postgres") - {"search_entry_lexemes"}
