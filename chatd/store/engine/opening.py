"""Opens the store that a database's address stands for."""

from pathlib import Path
from typing import Final

from chatd.clock import Clock
from chatd.store.engine import sqlite
from chatd.store.engine.answering import Listener
from chatd.store.engine.interface import Store
from chatd.store.engine.postgres import store as postgres

SQLITE: Final = "sqlite:///"
POSTGRES: Final = ("postgresql://", "postgres://")


async def open_store(
    url: str, *, clock: Clock, on_committed: Listener, unsafe_durability: bool = False
) -> Store:
    """Open (and make, and migrate) the database of `sqlite:///…` or `postgresql://…`.

    Raises:
        SchemaError: it cannot be used by this code, or could lose what it was given
            in a power cut and nobody said that this is wanted.
    """
    if url.startswith(POSTGRES):
        return await postgres.open_store(
            url,
            clock=clock,
            on_committed=on_committed,
            unsafe_durability=unsafe_durability,
        )
    return sqlite.open_store(
        Path(url.removeprefix(SQLITE)),
        clock=clock,
        on_committed=on_committed,
        unsafe_durability=unsafe_durability,
    )
