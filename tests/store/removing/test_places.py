"""If these fail, a purge would not know of a place where people's words lie."""

import re
from pathlib import Path

import apsw

from chatd.store.removing.places import FACTS, WORDS
from tests.store.shelf import shelf_at

# Ids, and the few words of our own that name a kind or a state.
OURS = re.compile(
    r"tenant|id|\w+_id|\w*_by|kind|\w+_kind|\w*state|role|\w*_key|last_\w+"
)


async def columns(folder: Path) -> set[tuple[str, str]]:
    """Every column that can hold a text, but for the ids."""
    async with shelf_at(folder / "chat.sqlite3"):
        pass
    connection = apsw.Connection(str(folder / "chat.sqlite3"))
    rows = connection.execute(
        "SELECT t.name, c.name FROM pragma_table_list t"
        " JOIN pragma_table_info(t.name) c WHERE t.schema = 'main'"
        " AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
        " AND c.type NOT IN ('INTEGER', 'BIGINT', 'REAL')"
    ).fetchall()
    connection.close()
    found = {(str(table), str(name)) for table, name in rows}
    return {(table, name) for table, name in found if not OURS.fullmatch(name)}


async def test_every_text_column_is_listed(tmp_path: Path) -> None:
    """Words would lie where neither an erasure nor its test looks: list the column."""
    listed = {
        (table, name)
        for places in (WORDS, FACTS)
        for table, names in places.items()
        for name in names
    }
    assert await columns(tmp_path) == listed
