"""Whether a server and its database fit each other, before the start and ever after.

Both can move under a running server: a newer release may migrate the database, and an
operator may put another database in its place.
"""

from dataclasses import dataclass
from pathlib import Path

import apsw

from chatd.store.engine.migrating import SchemaError, load
from chatd.store.transaction import Transaction


async def fits(tx: Transaction, known: int, epoch: str) -> bool:
    """Whether code that knows `known` migrations, started on `epoch`, may go on."""
    said: dict[str, str] = dict(await tx.all("SELECT name, value FROM meta"))
    return int(said["compatible_with"]) <= known and said["epoch"] == epoch


@dataclass(frozen=True, slots=True)
class Condition:
    """What a database file says of itself."""

    schema: int
    known: int
    compatible_with: int
    epoch: str

    @property
    def usable(self) -> bool:
        """Whether this code may work with it, having migrated it or not."""
        return self.compatible_with <= self.known


def inspect(path: Path) -> Condition:
    """Look at a database file, open elsewhere or not, and change nothing.

    Raises:
        SchemaError: it is no database of chatd's, or it cannot be read.
    """
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            said = dict(connection.execute("SELECT name, value FROM meta"))
            ((schema,),) = connection.execute("SELECT max(number) FROM migration")
        finally:
            connection.close()
        return Condition(
            schema=schema,
            known=len(load("sqlite")),
            compatible_with=int(said["compatible_with"]),
            epoch=said["epoch"],
        )
    except (apsw.Error, KeyError, ValueError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise SchemaError(f"{path} is no database of chatd ({why})") from error
