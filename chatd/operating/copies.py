"""Backups: a folder with the database, the files and a manifest, and the way back.

Restoring never brings back what was taken away on purpose: the ledger of the database
that is being replaced is carried out on the restored one. And it begins a new epoch, by
which every client knows that the positions it has kept mean nothing any more.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from chatd import __version__
from chatd.clock import Clock, rfc3339
from chatd.config import Config
from chatd.ids import new_id
from chatd.operating.blobs import mirror
from chatd.store.engine.migrating import SchemaError
from chatd.store.engine.sqlite import open_store
from chatd.store.upkeep import copying, erasures
from chatd.store.upkeep.condition import inspect
from chatd.store.upkeep.copying import CopyError
from chatd.store.upkeep.erasures import Erasure

MANIFEST: Final = "manifest.json"
FILES: Final = "attachments"
DATABASE: Final = "database.sqlite3"
BLOCK: Final = 1024 * 1024


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a backup says of itself. Written last: without it there is no backup."""

    engine: str
    chatd: str
    schema: int
    epoch: str
    taken_at: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What restoring did. `aside` has the database that was there before."""

    taken_at: str
    epoch: str
    erased: int
    aside: Path | None
    ledger_known: bool


def take(config: Config, clock: Clock, folder: Path | None = None) -> Path:
    """Take a backup, of a running server or not, and return its folder.

    Raises:
        CopyError: the database cannot be copied, or is damaged.
        OSError: the folder is there already, or cannot be written.
    """
    now = rfc3339(clock.now_ms())
    if folder is None:
        folder = config.data_dir / "backups" / now.replace(":", "").replace("-", "")
    folder.mkdir(mode=0o700, parents=True)
    target = folder / DATABASE
    try:
        copying.copy(_file(config), target)
        found = inspect(target)
    except (CopyError, SchemaError, OSError):
        target.unlink(missing_ok=True)
        folder.rmdir()
        raise
    if config.attachments_folder is not None:
        mirror(config.attachments_folder, folder / FILES)
    manifest = Manifest(
        engine="sqlite",
        chatd=__version__,
        schema=found.schema,
        epoch=found.epoch,
        taken_at=now,
        size=target.stat().st_size,
        sha256=_sha256(target),
    )
    _write(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return folder


def _file(config: Config) -> Path:
    if config.database_file is None:
        raise CopyError("PostgreSQL has tools of its own for this: pg_basebackup")
    return config.database_file


def write_ledger(config: Config, path: Path) -> int:
    """Write what was taken away so far to a file of its own; how many rows that is.

    Raises:
        SchemaError: the database cannot be read.
        OSError: the file cannot be written.
    """
    found = copying.ledger(_file(config))
    _write(path, b"".join(map(erasures.to_line, found)))
    return len(found)


def read_ledger(path: Path) -> list[Erasure]:
    """The rows of such a file.

    Raises:
        CopyError: it is none.
    """
    try:
        return [erasures.from_line(line) for line in path.read_bytes().splitlines()]
    except (OSError, ValueError) as error:
        raise CopyError(f"{path} is no ledger of erasures: {error}") from error


def restore(
    config: Config,
    clock: Clock,
    folder: Path,
    *,
    ledgers: Sequence[Path] = (),
    forget: bool = False,
) -> Restored:
    """Put a backup in the place of the database, without what was erased since.

    Args:
        config: says where the database is; its server must not run.
        clock: dates the new epoch.
        folder: the backup.
        ledgers: files with erasures that the database, if there is one, may not know.
        forget: go on when the erasures since the backup are nowhere to be read.

    Raises:
        CopyError: the backup is not whole, or the database is in use.
        SchemaError: the backup is of a newer release.
        OSError: there is no room, or no right to write.
    """
    manifest = read(folder)
    target = _file(config)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    again = [row for path in ledgers for row in read_ledger(path)]
    known = bool(ledgers)
    if target.exists():
        try:
            again += copying.ledger(target)
            known = True
        except SchemaError as error:
            if not (known or forget):
                raise CopyError(
                    f"what was erased since the backup cannot be read ({error}); name"
                    " a file by --erasures, or go on without by --forget-erasures"
                ) from error
    if config.attachments_folder is not None:
        mirror(folder / FILES, config.attachments_folder)
    draft = target.with_name(f"{target.name}.{new_id()}")
    try:
        shutil.copyfile(folder / DATABASE, draft)
        draft.chmod(0o600)
        epoch = new_id()
        erased = asyncio.run(_renew(draft, clock, again))
        copying.begin_epoch(draft, epoch)
        copying.verify(draft)
        copying.persist(draft)
        stamp = rfc3339(clock.now_ms()).replace(":", "").replace("-", "")
        aside = target.with_name(f"{target.name}.until-{stamp}")
        had = target.exists()
        copying.replace(target, draft, aside)
    finally:
        for end in ("", *copying.LOGS):
            draft.with_name(draft.name + end).unlink(missing_ok=True)
    return Restored(manifest.taken_at, epoch, erased, aside if had else None, known)


def read(folder: Path) -> Manifest:
    """The manifest of a backup whose database is what it was when it was taken.

    Raises:
        CopyError: there is none, or the database is another.
    """
    try:
        raw = (folder / MANIFEST).read_bytes()
        manifest = msgspec.json.decode(raw, type=Manifest)
        same = _sha256(folder / DATABASE) == manifest.sha256
    except FileNotFoundError as error:
        name = Path(error.filename).name
        raise CopyError(f"{folder} is no whole backup: no {name} there") from error
    except (OSError, msgspec.DecodeError) as error:
        raise CopyError(f"{folder} is no whole backup: {error}") from error
    if not same:
        raise CopyError(f"{folder}: {DATABASE} is not what the manifest says")
    return manifest


async def _renew(path: Path, clock: Clock, again: Iterable[Erasure]) -> int:
    """Migrate a copy, and take away what was taken away."""
    store = open_store(path, clock=clock, on_committed=lambda _: None)
    try:
        erased = await erasures.erase_again(store, again)
    except ValueError as error:
        raise CopyError(str(error)) from error
    finally:
        await store.close()
    return erased


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing, and on disk."""
    draft = path.with_name(f"{path.name}.{new_id()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    copying.persist(path)
