import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from chatd.store.engine.migrating import Migration, SchemaError, load, meta, migrate
from tests.store.engine.test_writer import ENVIRONMENT, ROOT

OPEN = """
import sys
from pathlib import Path
from chatd.clock import SystemClock
from chatd.store.engine.sqlite import open_store
store = open_store(Path(sys.argv[1]), clock=SystemClock(), on_committed=print)
print(store.epoch)
"""


@pytest.fixture
def connection(tmp_path: Path) -> apsw.Connection:
    return apsw.Connection(str(tmp_path / "chat.sqlite3"))


def run(connection: apsw.Connection, *migrations: Migration, epoch: str = "e") -> int:
    return migrate(connection, migrations, epoch=epoch, now_ms=7)


def schema(connection: apsw.Connection) -> list[tuple]:
    return connection.execute("SELECT * FROM sqlite_schema ORDER BY name").fetchall()


def test_a_new_file_and_again(connection: apsw.Connection) -> None:
    """A server would not start on a new file, or not a second time."""
    known = load("sqlite")
    assert run(connection, *known) == len(known) >= 1
    before = schema(connection)
    assert run(connection, *known, epoch="other") == 0
    assert schema(connection) == before
    assert meta(connection, "epoch") == "e"
    assert meta(connection, "no such") is None


def test_only_what_is_missing(connection: apsw.Connection) -> None:
    """An update would run old steps again, or leave new ones out."""
    known = load("sqlite")
    run(connection, *known)
    more = Migration(len(known) + 1, "more", "CREATE TABLE more (a); DROP TABLE more")
    assert run(connection, *known, more) == 1
    assert run(connection, *known, more) == 0
    rows = connection.execute("SELECT number, applied_at_ms FROM migration").fetchall()
    assert rows == [(number, 7) for number in range(1, len(known) + 2)]


def test_a_file_that_was_changed(connection: apsw.Connection) -> None:
    """Two databases of one version would have two schemas."""
    first, *rest = load("sqlite")
    run(connection, first, *rest)
    changed = replace(first, sql=first.sql + "-- and one more thing")
    with pytest.raises(SchemaError, match="changed after it was applied"):
        run(connection, changed, *rest)
    assert not connection.in_transaction


def test_a_database_of_a_later_release(connection: apsw.Connection) -> None:
    """An old release would write what the new one cannot read, or refuse idly."""
    known = load("sqlite")
    later = Migration(len(known) + 1, "later", "CREATE TABLE later (a)")
    run(connection, *known, later)
    assert run(connection, *known) == 0
    connection.execute(
        "UPDATE meta SET value = ?1 WHERE name = 'compatible_with'",
        (str(later.number),),
    )
    before = schema(connection)
    with pytest.raises(SchemaError, match="needs a chatd that knows"):
        run(connection, *known)
    assert schema(connection) == before


def test_a_step_that_fails_leaves_nothing(connection: apsw.Connection) -> None:
    """A failed update would leave a database that no release can use."""
    known = load("sqlite")
    run(connection, *known)
    before = schema(connection)
    bad = Migration(len(known) + 1, "bad", "CREATE TABLE bad (a); CREATE TABLE bad (b)")
    with pytest.raises(apsw.SQLError):
        run(connection, *known, bad)
    assert schema(connection) == before
    assert not connection.in_transaction


def test_an_unknown_engine_has_no_migrations() -> None:
    """A misspelt engine would start with an empty schema."""
    with pytest.raises((SchemaError, FileNotFoundError)):
        load("nosql")


def test_several_processes_at_once(tmp_path: Path) -> None:
    """Of several servers that start at once on a new file, some would fail."""
    path = tmp_path / "chat.sqlite3"
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(path)],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(4)
    ]
    said = [one.communicate(timeout=60)[0] for one in starting]
    assert [one.returncode for one in starting] == [0] * 4, said
    assert len(set(said)) == 1
    connection = apsw.Connection(str(path))
    rows = connection.execute("SELECT count(*) FROM migration").fetchone()
    connection.close()
    assert rows == (len(load("sqlite")),)
