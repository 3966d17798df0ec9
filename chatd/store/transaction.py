"""What a store function may await: statements of one transaction, nothing else.

Store functions are coroutines so that one body serves both kinds of engine. On SQLite
the statements never suspend and a thread drives the coroutine to its end; on a client
and server database the same body runs on the event loop. Parameters are written `$1`.
"""

from collections.abc import Coroutine
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")
SqlValue = str | int | float | bytes | None
# A row's types are known to the statement alone; mapping functions name them at once.
Row = tuple[Any, ...]


Engine = Literal["sqlite", "postgres"]


class Transaction(Protocol):
    """One transaction of either engine."""

    @property
    def engine(self) -> Engine:
        """For the rare statement that the engines do not share."""

    async def all(self, sql: str, *parameters: SqlValue) -> list[Row]:
        """All rows."""

    async def one(self, sql: str, *parameters: SqlValue) -> Row | None:
        """The first row, if there is one."""

    async def run(self, sql: str, *parameters: SqlValue) -> int:
        """How many rows it changed."""


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run a store function whose transaction never suspends.

    Raises:
        RuntimeError: it awaited something other than its transaction.
    """
    try:
        work.send(None)
    except StopIteration as finished:
        result: T = finished.value
        return result
    work.close()
    raise RuntimeError("a store function awaited something beyond its transaction")


def placeholders(first: int, count: int) -> str:
    """`$3, $4, $5` for the values of an IN list."""
    return ", ".join(f"${number}" for number in range(first, first + count))


def typed_rows(first: int, count: int, numbers: int) -> str:
    """Rows of a VALUES list: an id and some numbers each, typed for either engine."""
    width = 1 + numbers
    return ", ".join(
        f"(CAST(${at} AS TEXT)"
        + "".join(f", CAST(${at + more} AS BIGINT)" for more in range(1, width))
        + ")"
        for at in range(first, first + width * count, width)
    )
