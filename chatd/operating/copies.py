"""Backups: a folder with the database, the files and a manifest, and the way back.

Restoring never brings back what was taken away on purpose: the ledger of the database
that is being replaced is carried out on the restored one. And it begins a new epoch, by
which every client knows that the positions it has kept mean nothing any more.
"""

import asyncio
import hashlib
import os
from collections.abc import Sequence
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
from chatd.store.engine.opening import open_store
from chatd.store.upkeep import copying, erasures
from chatd.store.upkeep.copying import CopyError
from chatd.store.upkeep.databases import COPIED_AS, database_at
from chatd.store.upkeep.erasures import Erasure

FILES: Final = "attachments"
MANIFEST: Final = "manifest.json"
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
    aside: str | None
    ledger_known: bool


def take(config: Config, clock: Clock, folder: Path | None = None) -> Path:
    """Take a backup, of a running server or not, and return its folder.

    Raises:
        CopyError: the database cannot be copied, or is damaged.
        SchemaError: it is none of chatd's.
        OSError: the folder is there already, or cannot be written.
    """
    database, taken_at = database_at(config.database), rfc3339(clock.now_ms())
    if folder is None:
        folder = config.data_dir / "backups" / _stamp(taken_at)
    folder.mkdir(mode=0o700, parents=True)
    target = folder / database.copied_as
    try:
        found = asyncio.run(database.copy(target))
    except (CopyError, SchemaError, OSError):
        target.unlink(missing_ok=True)
        folder.rmdir()
        raise
    if config.attachments_folder is not None:
        mirror(config.attachments_folder, folder / FILES)
    manifest = Manifest(
        engine=database.engine,
        chatd=__version__,
        schema=found.schema,
        epoch=found.epoch,
        taken_at=taken_at,
        size=target.stat().st_size,
        sha256=_sha256(target),
    )
    _write(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return folder


def write_ledger(config: Config, path: Path) -> int:
    """Write what was taken away so far to a file of its own; how many rows that is.

    Raises:
        CopyError: there is no database, or it cannot be reached.
        SchemaError: it is none of chatd's.
        OSError: the file cannot be written.
    """
    found = asyncio.run(database_at(config.database).ledger())
    if found is None:
        raise CopyError("there is no database yet")
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
        config: says where the database is; its servers must not run.
        clock: dates what is kept of the old one.
        folder: the backup.
        ledgers: files with erasures that the database, if there is one, may not know.
        forget: go on when the erasures since the backup are nowhere to be read.

    Raises:
        CopyError: the backup is not whole or of another engine, or the database is in
            use.
        SchemaError: the backup is of a newer release.
        OSError: there is no room, or no right to write.
    """
    manifest, copy = read(folder)
    given = [row for path in ledgers for row in read_ledger(path)]
    if config.attachments_folder is not None:
        mirror(folder / FILES, config.attachments_folder)
    work = _restore(
        config, clock, copy, manifest, given, known=bool(ledgers), forget=forget
    )
    return asyncio.run(work)


async def _restore(
    config: Config,
    clock: Clock,
    source: Path,
    manifest: Manifest,
    given: Sequence[Erasure],
    *,
    known: bool,
    forget: bool,
) -> Restored:
    database, now = database_at(config.database), rfc3339(clock.now_ms())
    if database.engine != manifest.engine:
        raise CopyError(f"the backup is {manifest.engine}'s, not {database.engine}'s")
    again = list(given)
    try:
        own = await database.ledger()
        again += own or ()
        known = known or own is not None
    except SchemaError as error:
        if not (known or forget):
            raise CopyError(
                f"what was erased since the backup cannot be read ({error}); name a"
                " file by --erasures, or go on without by --forget-erasures"
            ) from error
    erased = 0

    async def renew(url: str) -> None:
        nonlocal erased
        store = await open_store(url, clock=clock, on_committed=lambda _: None)
        try:
            erased = await erasures.erase_again(store, again)
        except ValueError as error:
            raise CopyError(str(error)) from error
        finally:
            await store.close()

    epoch = new_id()
    aside = await database.put_back(source, _stamp(now), epoch, renew)
    return Restored(manifest.taken_at, epoch, erased, aside, known)


def read(folder: Path) -> tuple[Manifest, Path]:
    """The manifest of a backup, and its copy, which is what it was when it was taken.

    Raises:
        CopyError: there is none, or the copy is another.
    """
    try:
        raw = (folder / MANIFEST).read_bytes()
        manifest = msgspec.json.decode(raw, type=Manifest)
        copy = folder / COPIED_AS[manifest.engine]
        same = _sha256(copy) == manifest.sha256
    except FileNotFoundError as error:
        name = Path(error.filename).name
        raise CopyError(f"{folder} is no whole backup: no {name} there") from error
    except (OSError, KeyError, msgspec.DecodeError) as error:
        raise CopyError(f"{folder} is no whole backup: {error}") from error
    if not same:
        raise CopyError(f"{copy} is not what the manifest says")
    return manifest, copy


def _stamp(at: str) -> str:
    """A time in the name of a file or a schema."""
    return at.replace(":", "").replace("-", "")


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
