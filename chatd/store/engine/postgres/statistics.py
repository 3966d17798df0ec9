"""Keeps the planner's picture of the tables up to date while they grow out of nothing.

While a table is empty one of its indexes is as good as another, and plans that are made
then are kept. A send looked at all its tenant's messages for its client id, in vain,
until autovacuum came by: within a minute or never, as the database is set up. At 64
senders in one conversation that was 2,100 sends a second instead of 6,800
(`./dev bench store_writes`).
"""

import asyncio
from typing import Final

from chatd.store.engine.postgres.connections import (
    Place,
    farewell,
    lost,
    unique_name,
)
from chatd.telemetry import log, spawn

FIRST: Final = 64
"""Changes before the first look; then at twice as many, each time."""

TABLES: Final = (
    "conversation",
    "conversation_person",
    "log",
    "membership",
    "message",
    "person",
    "search_entry",
)
"""Those that a school fills within minutes."""

ANALYZE_S: Final = "60s"
"""It reads a sample: a second of the largest table."""


class Statistics:
    """Counts what this process writes, and has tables analyzed that nobody has."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._written = 0
        self._look_at = FIRST
        self._tasks: set[asyncio.Task[None]] = set()

    def wrote(self, changes: int) -> None:
        """So many Changes are committed. Never waits."""
        self._written += changes
        if self._written >= self._look_at and not self._tasks:
            self._look_at = 2 * self._written
            spawn(self._tasks, self._look(), "statistics")

    async def close(self) -> None:
        """Look no more."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look(self) -> None:
        try:
            await self._analyze()
        except Exception as error:
            # Autovacuum will come some day; nobody's message depends on it.
            if not lost(error):
                raise
            log.info("tables are not analyzed", postgres=type(error).__name__)

    async def _analyze(self) -> None:
        connection = await self._place.connect(
            unique_name("statistics"), statement_timeout=ANALYZE_S
        )
        try:
            # What was analyzed when it was larger than this is known well enough.
            rows = await connection.fetch(
                "SELECT relname FROM pg_class WHERE relname = ANY($1::text[])"
                " AND relnamespace = current_schema()::regnamespace AND reltuples < $2",
                list(TABLES),
                float(self._written),
            )
            if rows:
                await connection.execute(f"ANALYZE {', '.join(row[0] for row in rows)}")
        finally:
            await farewell(connection)
