"""If these fail, somebody could change what was noted about him, and nobody would know.

MOO-94: who reads what is not theirs is written where the safeguarding lead can read it.
"""

import asyncio

import apsw
import asyncpg
import pytest

from chatd.store.keeping import trail
from chatd.store.keeping.trail import FIRST, Filter, Note, Verified
from chatd.store.messages import InsertMessage
from tests.store.shelf import TENANT, Shelf
from tests.support.databases import execute, is_postgres

COLUMNS = (
    "tenant",
    "number",
    "at_ms",
    "actor_id",
    "deed",
    "about_kind",
    "about_id",
    "facts_json",
    "hash",
)


def note(about: str = "ben", actor: str = "ada", **facts: object) -> Note:
    return Note(actor, "person.exported", "person", about, facts)


async def fill(shelf: Shelf, rows: int = 3) -> None:
    for number in range(rows):
        await shelf.write(note(f"p{number}", size=number))
        shelf.clock.at_ms += 1000


async def verified(
    shelf: Shelf, kept: tuple[int, bytes] | None = None, tenant: str = TENANT
) -> Verified:
    return await shelf.store.read(trail.verify, tenant, kept)


async def behind(shelf: Shelf, sql: str) -> None:
    """What somebody does who owns the database: the triggers do not stop him."""
    if is_postgres(shelf.url):
        await execute(
            shelf.url,
            "ALTER TABLE audit DISABLE TRIGGER audit_is_not_changed; " + sql,
        )
    else:
        await execute(
            shelf.url,
            "DROP TRIGGER IF EXISTS audit_is_not_changed;"
            " DROP TRIGGER IF EXISTS audit_is_not_shortened; " + sql,
        )


def other(column: str, url: str) -> str:
    """An expression for another value of the same type."""
    if column in ("number", "at_ms"):
        return f"{column} + 100"
    if column == "hash":
        return (
            "decode(repeat('ab', 32), 'hex')" if is_postgres(url) else "randomblob(32)"
        )
    if column == "facts_json":
        return "'{}'"
    return f"{column} || 'x'"


async def test_a_trail_that_nobody_touched(shelf: Shelf) -> None:
    """Every look through the trail would raise an alarm."""
    assert await verified(shelf) == Verified(TENANT, 0, FIRST)
    await fill(shelf)
    found = await verified(shelf)
    assert (found.number, found.broken) == (3, None)
    assert await verified(shelf, (3, found.hash)) == found
    assert await shelf.store.read(trail.trails) == [TENANT]


@pytest.mark.parametrize("row", [1, 2, 3])
@pytest.mark.parametrize("column", COLUMNS)
async def test_no_column_of_any_row_can_be_changed(
    shelf: Shelf, column: str, row: int
) -> None:
    """Somebody would make it look as if another one had done it, or nobody."""
    await fill(shelf)
    value = other(column, shelf.url)
    await behind(shelf, f"UPDATE audit SET {column} = {value} WHERE number = {row}")
    found = await verified(shelf)
    assert found.broken == row
    assert found.why == ("missing" if column in ("tenant", "number") else "changed")


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM audit WHERE number = 1",
        "DELETE FROM audit WHERE number = 2",
        "DELETE FROM audit WHERE number = 3",
        "DELETE FROM audit",
        "UPDATE audit_head SET number = 2",
        "DELETE FROM audit_head",
        "INSERT INTO audit SELECT tenant, 4, at_ms, actor_id, deed, about_kind,"
        " about_id, facts_json, hash FROM audit WHERE number = 3",
        "UPDATE audit SET number = -number WHERE number > 1;"
        " UPDATE audit SET number = 5 + number WHERE number < 0",
    ],
)
async def test_no_row_can_go_come_or_change_places(shelf: Shelf, sql: str) -> None:
    """A look at a child's messages would vanish from the record."""
    await fill(shelf)
    await behind(shelf, sql)
    assert (await verified(shelf)).broken is not None


async def test_a_trail_that_was_written_anew_is_not_the_kept_one(
    shelf: Shelf,
) -> None:
    """Whoever owns the database and knows how hashes are made would go undetected."""
    await fill(shelf)
    kept = await verified(shelf)
    await behind(shelf, "DELETE FROM audit; UPDATE audit_head SET number = 0")
    blank = "'\\x" + "00" * 32 + "'" if is_postgres(shelf.url) else "zeroblob(32)"
    await behind(shelf, f"UPDATE audit_head SET hash = {blank}")
    await fill(shelf, 2)
    assert (await verified(shelf)).broken is None
    assert (await verified(shelf, (kept.number, kept.hash))).why == "missing"
    await fill(shelf, 2)
    found = await verified(shelf, (kept.number, kept.hash))
    assert (found.broken, found.why) == (3, "not_as_kept")


@pytest.mark.parametrize("sql", ["UPDATE audit SET deed = 'x'", "DELETE FROM audit"])
async def test_the_database_itself_refuses(shelf: Shelf, sql: str) -> None:
    """A mistake in a statement of ours could shorten the trail."""
    await fill(shelf)
    with pytest.raises((apsw.ConstraintError, asyncpg.RaiseError), match="only ever"):
        await execute(shelf.url, sql)
    assert (await verified(shelf)).broken is None


async def test_rows_that_are_written_at_once(shelf: Shelf) -> None:
    """Two deeds of one moment would tear the chain, or one would wait for ever."""
    await asyncio.gather(*(shelf.write(note(f"p{n}")) for n in range(40)))
    found = await verified(shelf)
    assert (found.number, found.broken) == (40, None)


async def test_a_deed_that_fails_leaves_no_row(shelf: Shelf) -> None:
    """The trail would tell of what never happened, or have a hole there."""
    wrong = InsertMessage("m", "no such", "ada", "x", "c", b"d")
    for writes in ((note(), wrong), (wrong, note())):
        with pytest.raises(LookupError):
            await shelf.write(*writes)
    await shelf.write(note())
    found = await verified(shelf)
    assert (found.number, found.broken) == (1, None)


async def test_a_tenant_that_nobody_made_has_none(shelf: Shelf) -> None:
    """A trail would begin that belongs to no school."""
    with pytest.raises(LookupError):
        await shelf.write(note(), tenant="nowhere")


async def test_pages_and_filters(shelf: Shelf) -> None:
    """The lead could not find what was done to one child, or by one teacher."""
    await shelf.people("zoe", tenant="other")
    await shelf.write(note("zoe"), tenant="other")
    for about, actor in (("ben", "ada"), ("cleo", "ada"), ("ben", "eve")):
        await shelf.write(note(about, actor, size=1))

    async def numbers(before: int = 99, limit: int = 9, **asked: str) -> list[int]:
        found = await shelf.store.read(
            trail.page, TENANT, Filter(**asked), before, limit
        )
        return [one.number for one in found]

    assert await numbers() == [3, 2, 1]
    assert await numbers(3, 1) == [2]
    assert await numbers(about_id="ben") == [3, 1]
    assert await numbers(actor_id="ada") == [2, 1]
    assert await numbers(deed="audit.read") == []
    assert await numbers(actor_id="ada", about_id="ben") == [1]
    (one,) = await shelf.store.read(trail.page, TENANT, Filter(), 2, 9)
    assert (one.actor_id, one.about_id, one.facts) == ("ada", "ben", {"size": 1})
