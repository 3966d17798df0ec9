"""A database as something to copy and to put back, whichever engine it is of."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar, Final, Protocol

from chatd.ids import new_id
from chatd.store.engine.opening import POSTGRES, SQLITE
from chatd.store.upkeep import copying, dumping
from chatd.store.upkeep.condition import Condition, inspect
from chatd.store.upkeep.erasures import Erasure

Renew = Callable[[str], Awaitable[None]]
"""Brings the database at this address up to date, before anybody may have it."""


class Database(Protocol):
    """What backups need of an engine. `copied_as` is the file's name in a backup."""

    engine: ClassVar[str]
    copied_as: ClassVar[str]

    async def copy(self, target: Path) -> Condition:
        """Copy one moment to a new file; what the copy is.

        Raises:
            CopyError: the database cannot be copied, or is damaged.
            SchemaError: it is none of chatd's.
            OSError: the file is there already, or cannot be written.
        """

    async def ledger(self) -> list[Erasure] | None:
        """Its erasures; None if there is no database yet.

        Raises:
            CopyError: it cannot be reached.
            SchemaError: they cannot be read.
        """

    async def put_back(
        self, source: Path, stamp: str, epoch: str, renew: Renew
    ) -> str | None:
        """Replace the database by a copy, renewed, under a new epoch.

        Where the old one is kept is what it returns; `stamp` tells it from others.

        Raises:
            CopyError: the old one is in use, or the copy cannot be used; then all is as
                it was.
        """


class FileDatabase:
    """SQLite's."""

    engine: ClassVar[str] = "sqlite"
    copied_as: ClassVar[str] = "database.sqlite3"

    def __init__(self, path: Path) -> None:
        self._path = path

    async def copy(self, target: Path) -> Condition:
        """See `Database.copy`."""
        await asyncio.to_thread(copying.copy, self._path, target)
        return inspect(target)

    async def ledger(self) -> list[Erasure] | None:
        """See `Database.ledger`."""
        return copying.ledger(self._path) if self._path.exists() else None

    async def put_back(
        self, source: Path, stamp: str, epoch: str, renew: Renew
    ) -> str | None:
        """See `Database.put_back`. What is erased never has the database's name."""
        path = self._path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{new_id()}")
        aside = path.with_name(f"{path.name}.until-{stamp}") if path.exists() else None
        try:
            await asyncio.to_thread(shutil.copyfile, source, draft)
            draft.chmod(0o600)
            await renew(f"{SQLITE}{draft}")
            copying.begin_epoch(draft, epoch)
            copying.verify(draft)
            copying.persist(draft)
            copying.replace(path, draft, aside or draft)
        finally:
            for end in ("", *copying.LOGS):
                draft.with_name(draft.name + end).unlink(missing_ok=True)
        return None if aside is None else str(aside)


class ServerDatabase:
    """PostgreSQL's."""

    engine: ClassVar[str] = "postgres"
    copied_as: ClassVar[str] = "database.dump"

    def __init__(self, url: str) -> None:
        self._url = url

    async def copy(self, target: Path) -> Condition:
        """See `Database.copy`."""
        found = await dumping.inspect(self._url)
        await dumping.copy(self._url, target)
        return found

    async def ledger(self) -> list[Erasure] | None:
        """See `Database.ledger`."""
        if await dumping.is_empty(self._url):
            return None
        return await dumping.ledger(self._url)

    async def put_back(
        self, source: Path, stamp: str, epoch: str, renew: Renew
    ) -> str | None:
        """See `Database.put_back`. The old tables are kept in a schema of their own."""
        aside = f"until_{stamp.lower().replace('.', '_')}"
        async with dumping.replaced(self._url, source, aside):
            await renew(self._url)
            await dumping.begin_epoch(self._url, epoch)
        return f"schema {aside}"


COPIED_AS: Final = {
    kind.engine: kind.copied_as for kind in (FileDatabase, ServerDatabase)
}


def database_at(url: str) -> Database:
    """The database of `sqlite:///…` or `postgresql://…`."""
    if url.startswith(POSTGRES):
        return ServerDatabase(url)
    return FileDatabase(Path(url.removeprefix(SQLITE)))
