"""What of this machine and of the settings would make the promise untrue, or unsafe.

`chatd check` prints all findings; `chatd serve` looks at the same before it starts,
refuses errors and says warnings. Looking makes nothing and changes nothing.
"""

import asyncio
import ctypes
import os
import resource
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from chatd.clock import Clock, rfc3339
from chatd.config import Config, warnings
from chatd.identity.kept import DEPLOYMENT_FILE, SECRET_FILE
from chatd.operating.health import DISK_FREE_MIN
from chatd.store.engine.migrating import SchemaError
from chatd.store.upkeep import dumping
from chatd.store.upkeep.condition import Condition, inspect
from chatd.store.upkeep.copying import CopyError

NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs"}
)
"""SQLite's write-ahead log shares memory between processes, which these cannot
(sqlite.org/wal.html, section 1); their locks are the other reason."""

FLEETING: Final = frozenset({"tmpfs", "ramfs"})

FILES_MIN: Final = 4_096
"""A connection is a file; below this a single school can fill the table."""

FILES_MAX: Final = 1_048_576
"""Linux's own bound for one process (fs.nr_open), beyond which asking fails."""

SYNCS: Final = 5
FUTURE_S: Final = 60.0
"""A file from later than this says that the clock has gone back."""

APART_MS: Final = 2_000
"""No message may be dated further into the future (faults, row 15)."""

TIME_ERROR: Final = 5
"""What adjtimex(2) returns while nobody keeps the clock right."""


class Weight(Enum):
    """What a finding means."""

    FACT = "fact"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one thing."""

    about: str
    sentence: str
    weight: Weight = Weight.FACT

    def __str__(self) -> str:
        return f"{self.about}: {self.sentence}"


def findings(config: Config, clock: Clock) -> list[Finding]:
    """Everything worth saying, in the order of the settings that it is about."""
    return [
        *(
            Finding(about, sentence, Weight.WARNING)
            for about, _, sentence in (one.partition(": ") for one in warnings(config))
        ),
        *_folder(config),
        *_secrets(config),
        *_disk(config, clock),
        *_database(config, clock),
        *_clock(config, clock),
        *_files(),
    ]


def _folder(config: Config) -> Iterator[Finding]:
    file = config.database_file
    for folder in {config.data_dir, config.data_dir if file is None else file.parent}:
        found = _existing(folder)
        if not found.is_dir():
            yield Finding("data_dir", f"{found} is not a folder", Weight.ERROR)
        elif not os.access(found, os.W_OK | os.X_OK):
            who = f"user {os.geteuid()}"
            yield Finding("data_dir", f"{who} may not write in {found}", Weight.ERROR)


def _secrets(config: Config) -> Iterator[Finding]:
    signed = config.secret is not None or config.issuers
    for name, used, harm in (
        (SECRET_FILE, not signed, "sign in as anybody"),
        (DEPLOYMENT_FILE, config.deployment_secret is None, "speak as a gateway"),
    ):
        path = config.data_dir / name
        if used and path.exists() and path.stat().st_mode & 0o077:
            yield Finding(
                "secret",
                f"others than its owner may open {path}, and {harm}: chmod 600 {path}",
                Weight.ERROR,
            )


def _disk(config: Config, clock: Clock) -> Iterator[Finding]:
    if config.database_file is None:
        return
    folder = _existing(config.database_file.parent)
    room = os.statvfs(folder)
    free, total = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
    kind = _file_system(folder)
    latency = _sync_ms(folder, clock)
    took = "" if latency is None else f", a sync takes {latency:.1f} ms"
    yield Finding(
        "disk", f"{_gigabytes(free)} of {_gigabytes(total)} free, {kind}{took}"
    )
    if free <= total * DISK_FREE_MIN:
        yield Finding(
            "disk",
            f"less than {DISK_FREE_MIN:.0%} of {folder} is free: the server would be"
            " unready from the start",
            Weight.WARNING,
        )
    if kind in NETWORK and not config.unsafe_durability:
        yield Finding(
            "disk",
            f"{folder} is on {kind}, where SQLite can damage its database; choose a"
            " local disk, or PostgreSQL",
            Weight.ERROR,
        )
    if kind in FLEETING:
        yield Finding(
            "disk", f"{folder} is in memory: a reboot empties it", Weight.WARNING
        )


def _database(config: Config, clock: Clock) -> Iterator[Finding]:
    path = config.database_file
    if path is None:
        yield from _server(config, clock)
        return
    level = "normal: what is answered may still be lost with the power"
    if not config.unsafe_durability:
        level = "full: what is answered is on disk"
    yield Finding("sync", level)
    if not path.exists():
        yield Finding("database", f"{path} will be made")
        return
    try:
        found = inspect(path)
    except SchemaError as error:
        yield Finding("database", str(error), Weight.ERROR)
        return
    if path.stat().st_mode & 0o077:
        yield Finding(
            "database",
            f"others than its owner may read every message: chmod 600 {path}*",
            Weight.WARNING,
        )
    yield Finding("database", str(path))
    yield from _schema(found)


def _server(config: Config, clock: Clock) -> Iterator[Finding]:
    try:
        said = asyncio.run(dumping.settings(config.database))
        now_ms = clock.now_ms()
        empty = asyncio.run(dumping.is_empty(config.database))
        found = None if empty else asyncio.run(dumping.inspect(config.database))
    except (CopyError, SchemaError) as error:
        yield Finding("database", str(error), Weight.ERROR)
        return
    yield Finding("sync", ", ".join(f"{k} {v}" for k, v in said.durable.items()))
    if said.forgets and not config.unsafe_durability:
        names = " and ".join(said.forgets)
        yield Finding("sync", f"{names}: what is answered may be lost", Weight.ERROR)
    yield Finding("database", f"PostgreSQL {said.version}")
    if found is None:
        yield Finding("database", "empty: the tables will be made")
    else:
        yield from _schema(found)
    if abs(said.now_ms - now_ms) > APART_MS:
        yield Finding(
            "clock",
            f"the database's is {(said.now_ms - now_ms) / 1000:+.1f} s away from ours",
            Weight.WARNING,
        )


def _schema(found: Condition) -> Iterator[Finding]:
    yield Finding("database", f"schema {found.schema} of {found.known}")
    if found.schema < found.known:
        yield Finding("database", "`chatd serve` will migrate it; take a backup first")
    if not found.usable:
        yield Finding(
            "database", "it was made by a newer chatd; install that", Weight.ERROR
        )


def _clock(config: Config, clock: Clock) -> Iterator[Finding]:
    now_ms = clock.now_ms()
    kept = "kept right" if _is_synchronised() else "nobody keeps it right"
    yield Finding("clock", f"{rfc3339(now_ms)}, {kept}")
    path = config.database_file
    files = () if path is None else (path, path.with_name(f"{path.name}-wal"))
    written = [file.stat().st_mtime for file in files if file.exists()]
    if written and max(written) > now_ms / 1000 + FUTURE_S:
        yield Finding(
            "clock",
            "the database was written in the future: this clock has gone back, and"
            " tokens and messages would get wrong times",
            Weight.WARNING,
        )


def _files() -> Iterator[Finding]:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    shown = "any number of" if most == resource.RLIM_INFINITY else str(most)
    yield Finding("files", f"{shown} may be open, one for each connection")
    if most != resource.RLIM_INFINITY and most < FILES_MIN:
        yield Finding(
            "files",
            f"less than {FILES_MIN}: raise the limit (ulimit -n, or LimitNOFILE= of the"
            " systemd unit)",
            Weight.WARNING,
        )


def open_more_files() -> None:
    """Let this process open as many files as it may: 1,024 is a shell's default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there already."""
    found = folder.absolute()
    while not found.exists():
        found = found.parent
    return found


def _file_system(folder: Path) -> str:
    """The kind of file system that a folder is on, from the mounts of this process."""
    found, length = "unknown", -1
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return found
    for line in mounts:
        _, place, kind, *_ = line.split(" ")
        # Later mounts hide earlier ones.
        if folder.is_relative_to(place) and len(place) >= length:
            found, length = kind, len(place)
    return found


def _sync_ms(folder: Path, clock: Clock) -> float | None:
    """How long the disk takes to promise something; None where one may not write."""
    times = []
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            for _ in range(SYNCS):
                began_s = clock.monotonic()
                file.write(b"x")
                file.flush()
                os.fsync(file.fileno())
                times.append((clock.monotonic() - began_s) * 1000)
    except OSError:
        return None
    return statistics.median(times)


def _is_synchronised() -> bool:
    """Whether the kernel has been told lately how late it is (chrony, ntpd, the host).

    `struct timex` is some 208 bytes; with modes 0 the call only reads.
    """
    asked = ctypes.create_string_buffer(1024)
    try:
        state: int = ctypes.CDLL(None).adjtimex(asked)
    except (OSError, AttributeError):
        return False
    return 0 <= state < TIME_ERROR


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
