"""Copies of an SQLite database: taken while it is in use, put back while it is not.

A copy is one file without a log beside it, of one moment. Nothing here migrates or
changes what is in it, but for the epoch of one that is put back.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw
import orjson

from chatd.store.engine.migrating import SchemaError
from chatd.store.upkeep.erasures import Erasure

LOGS: Final = ("-wal", "-shm")


class CopyError(Exception):
    """A copy cannot be taken or used; the text says why."""


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[apsw.Connection]:
    try:
        connection = apsw.Connection(str(path), flags=flags)
        try:
            connection.set_busy_timeout(5_000)
            yield connection
        finally:
            connection.close()
    except apsw.Error as error:
        raise CopyError(f"{path}: {type(error).__name__}: {error}") from error


def copy(source: Path, target: Path) -> None:
    """Write a database that may be in use to a new file, and have the disk keep it.

    All pages in one step, hence of one moment: writers go on meanwhile, into the log.

    Raises:
        CopyError: there is nothing to copy, no room, or the result is damaged.
        FileExistsError: the target is there already.
    """
    if not source.exists():
        raise CopyError(f"{source}: there is no database")
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        _opened(source, apsw.SQLITE_OPEN_READWRITE) as found,
        _opened(target, apsw.SQLITE_OPEN_READWRITE) as made,
    ):
        with made.backup("main", found, "main") as backup:
            backup.step(-1)
        # A copy of a database in WAL mode would want to write when it is looked at.
        made.execute("PRAGMA journal_mode = DELETE").fetchall()
    verify(target)
    persist(target)


def verify(path: Path) -> None:
    """See that every page and every index is as it should be.

    Raises:
        CopyError: something is not.
    """
    with _opened(path, apsw.SQLITE_OPEN_READONLY) as connection:
        ((said, *_),) = connection.execute("PRAGMA integrity_check(1)").fetchall()
    if said != "ok":
        raise CopyError(f"{path} is damaged: {said}")


def persist(path: Path) -> None:
    """Have the disk keep a file, and the folder its name."""
    for place, flags in ((path, os.O_RDWR), (path.parent, os.O_DIRECTORY)):
        handle = os.open(place, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def ledger(path: Path) -> list[Erasure]:
    """The erasures that a database knows of, oldest first; also of other releases.

    Raises:
        SchemaError: it has none that can be read.
    """
    try:
        with _opened(path, apsw.SQLITE_OPEN_READONLY) as connection:
            rows = connection.execute(
                "SELECT tenant, kind, id, data_json, at_ms FROM erasure"
                " ORDER BY position"
            ).fetchall()
    except CopyError as error:
        raise SchemaError(str(error)) from error
    return [
        Erasure(str(tenant), str(kind), str(id_), orjson.loads(str(data)), int(str(at)))
        for tenant, kind, id_, data, at in rows
    ]


def begin_epoch(path: Path, epoch: str) -> None:
    """From now on this is another database, to everybody who knew the old one."""
    with _opened(path, apsw.SQLITE_OPEN_READWRITE) as connection:
        connection.execute("UPDATE meta SET value = ?1 WHERE name = 'epoch'", (epoch,))


def replace(path: Path, by: Path, aside: Path) -> None:
    """Put a database in the place of another, which is kept at `aside`.

    Raises:
        CopyError: a server, or somebody else, has the old one open.
    """
    if path.exists():
        _check_unused(path)
        os.link(path, aside)
        for end in LOGS:
            path.with_name(path.name + end).unlink(missing_ok=True)
    # One step: at any moment there is a whole database of this name.
    by.replace(path)
    persist(path)


def _check_unused(path: Path) -> None:
    """Nobody else may have it open; what its log holds is moved into the file."""
    try:
        with _opened(path, apsw.SQLITE_OPEN_READWRITE) as connection:
            connection.set_busy_timeout(0)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            # In WAL mode this needs the file for oneself, readers included.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
    except CopyError as error:
        if isinstance(error.__cause__, apsw.BusyError | apsw.LockedError):
            raise CopyError(f"{path} is in use: stop the server first") from error
        if not isinstance(error.__cause__, apsw.NotADBError | apsw.CorruptError):
            raise
