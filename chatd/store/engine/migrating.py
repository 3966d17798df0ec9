"""Brings a database to the schema this code needs, or refuses to touch it.

Migrations are numbered files, applied once, each in a transaction of its own, and
known by their checksums: a file that changed after it was applied is a mistake that is
named. A database also says which is the oldest schema whose code can still work with
it, so that a step back to an older release is refused where it would do harm.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Protocol

from chatd.failpoints import reach
from chatd.store.transaction import Transaction

COMPATIBLE_WITH: Final = 16
"""Code that knows the schema up to this number can work with the newest one.

Older code would write, too, but past holds, blocks and the audit trail."""


_OF_ITS_OWN: Final = (
    "CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY,"
    " value TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS migration (number BIGINT NOT NULL PRIMARY KEY,"
    " name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at_ms BIGINT NOT NULL)"
)


class SchemaError(Exception):
    """The database is not one that this code may use; the text says why."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file's text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


class Workbench(Transaction, Protocol):
    """A connection on which the schema is changed, one transaction at a time."""

    async def begin(self) -> None:
        """Begin a transaction; whoever else would change the schema waits for it."""

    async def script(self, sql: str) -> None:
        """Statements without parameters."""

    async def commit(self) -> None:
        """End the transaction: all of it."""

    async def rollback(self) -> None:
        """End the transaction, if one is open: nothing of it."""


def load(engine: str) -> tuple[Migration, ...]:
    """The migrations of an engine, in order.

    Raises:
        SchemaError: their numbers are not 1, 2, 3, …
    """
    folder = files("chatd.store").joinpath("migrations", engine)
    found = sorted(
        (
            Migration(
                int(file.name[:4]), file.name.removesuffix(".sql"), file.read_text()
            )
            for file in folder.iterdir()
            if file.name.endswith(".sql")
        ),
        key=lambda migration: migration.number,
    )
    if [one.number for one in found] != list(range(1, len(found) + 1)):
        raise SchemaError(f"the {engine} migrations are not numbered 1, 2, 3, …")
    return tuple(found)


async def migrate(
    bench: Workbench, migrations: tuple[Migration, ...], *, epoch: str, now_ms: int
) -> int:
    """Apply what is missing and return how many were applied.

    Safe when several processes start at once: the first one holds the lock, and the
    others look again when they get it. Killed at any moment, it leaves whole steps, and
    the next start goes on behind them. `epoch` names a database that is new.

    Raises:
        SchemaError: the database is too new, or an applied file was changed.
    """
    applied = 0
    while True:
        await bench.begin()
        try:
            step = await _next(bench, migrations)
            if step is None:
                return applied
            await bench.script(step.sql)
            await _note(bench, step, epoch, now_ms)
            reach("during_migration")
            await bench.commit()
            applied += 1
        finally:
            await bench.rollback()


async def _next(
    bench: Workbench, migrations: tuple[Migration, ...]
) -> Migration | None:
    await bench.script(_OF_ITS_OWN)
    rows = await bench.all("SELECT number, checksum FROM migration")
    done: dict[int, str] = {row[0]: row[1] for row in rows}
    known = {one.number: one for one in migrations}
    compatible = int(await meta(bench, "compatible_with") or 0)
    if done and max(done) > len(migrations) and compatible > len(migrations):
        raise SchemaError(
            f"the database has schema {max(done)} and needs a chatd that knows at least"
            f" schema {compatible}; this one knows {len(migrations)}"
        )
    for number, checksum in done.items():
        if number in known and known[number].checksum != checksum:
            raise SchemaError(
                f"migration {known[number].name} was changed after it was applied"
            )
    return next((one for one in migrations if one.number not in done), None)


async def _note(bench: Workbench, step: Migration, epoch: str, now_ms: int) -> None:
    await bench.run(
        "INSERT INTO migration (number, name, checksum, applied_at_ms)"
        " VALUES ($1, $2, $3, $4)",
        step.number,
        step.name,
        step.checksum,
        now_ms,
    )
    await bench.run(
        "INSERT INTO meta (name, value) VALUES ('epoch', $1) ON CONFLICT DO NOTHING",
        epoch,
    )
    await bench.run(
        "INSERT INTO meta (name, value) VALUES ('compatible_with', $1)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        str(COMPATIBLE_WITH),
    )


async def meta(database: Transaction, name: str) -> str | None:
    """A value that the database keeps about itself."""
    row = await database.one("SELECT value FROM meta WHERE name = $1", name)
    return None if row is None else str(row[0])
