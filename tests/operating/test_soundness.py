"""If these fail, an unsafe server starts without a word, or a safe one is refused."""

import asyncio
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from chatd.clock import Clock, SystemClock
from chatd.config import Config
from chatd.operating import soundness
from chatd.operating.soundness import Finding, Weight, findings, open_more_files
from chatd.operating.soundness import _file_system as file_system
from chatd.store.engine.migrating import load
from chatd.store.engine.sqlite import open_store
from tests.support.databases import TEMPLATE
from tests.support.house import HandClock
from tests.support.postgres import PostgresServer


@pytest.fixture(autouse=True)
def a_good_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found is the test's doing: some have /tmp in memory, or nearly full."""
    monkeypatch.setattr(soundness, "_file_system", lambda _: "ext4")
    monkeypatch.setattr(soundness, "DISK_FREE_MIN", 0.0)


def of(folder: Path, clock: Clock | None = None, **settings: object) -> list[Finding]:
    config = Config(data_dir=folder, **settings)  # type: ignore[arg-type]
    return findings(config, clock or SystemClock())


def weighty(found: list[Finding]) -> list[tuple[str, Weight]]:
    return [(one.about, one.weight) for one in found if one.weight is not Weight.FACT]


async def make_database(folder: Path) -> Path:
    path = folder / "chatd.sqlite3"
    await open_store(path, clock=SystemClock(), on_committed=lambda _: None).close()
    return path


async def test_a_sound_machine(tmp_path: Path) -> None:
    """Every start would be refused, or complained of."""
    await make_database(tmp_path)
    found = of(tmp_path)
    assert weighty(found) == []
    assert {one.about for one in found} == {
        *("disk", "sync", "database", "clock", "files")
    }


def test_nothing_is_made(tmp_path: Path) -> None:
    """Looking would leave files behind, or wake a database that is not there."""
    of(tmp_path / "not" / "there")
    assert list(tmp_path.iterdir()) == []


def test_settings_are_findings_too(tmp_path: Path) -> None:
    """What the settings alone tell would be said by one command only."""
    found = of(tmp_path, unsafe_durability=True)
    assert weighty(found) == [("unsafe_durability", Weight.WARNING)]
    assert any("lost with the power" in one.sentence for one in found)


@pytest.mark.parametrize(
    ("kind", "weight"), [("nfs4", Weight.ERROR), ("tmpfs", Weight.WARNING)]
)
def test_where_a_database_does_not_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, weight: Weight
) -> None:
    """A database on a network drive would be damaged one day, by its design."""
    monkeypatch.setattr(soundness, "_file_system", lambda _: kind)
    assert weighty(of(tmp_path)) == [("disk", weight)]


def test_the_kind_of_file_system() -> None:
    """A network drive would be taken for a disk."""
    assert file_system(Path("/proc/self")) == "proc"


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server would start and be unready for ever, nobody knowing why."""
    monkeypatch.setattr(soundness, "DISK_FREE_MIN", 1.0)
    assert weighty(of(tmp_path)) == [("disk", Weight.WARNING)]


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_secret_that_others_can_read(tmp_path: Path, mode: int) -> None:
    """Anybody with an account on the machine could sign in as anybody."""
    secret = tmp_path / "secret"
    secret.write_text("x" * 40)
    secret.chmod(mode)
    assert weighty(of(tmp_path)) == [("secret", Weight.ERROR)]
    # Not in use, so of no interest.
    assert weighty(of(tmp_path, secret="y" * 40)) == []
    secret.chmod(0o600)
    assert weighty(of(tmp_path)) == []


async def test_a_database_that_others_can_read(tmp_path: Path) -> None:
    """Anybody with an account on the machine could read all messages."""
    path = await make_database(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    assert weighty(of(tmp_path)) == [("database", Weight.WARNING)]


async def test_a_clock_that_went_back(tmp_path: Path) -> None:
    """After a dead battery every token would be good for ever, or for nothing."""
    path = await make_database(tmp_path)
    clock = HandClock()
    later_s = clock.now_ms() / 1000 + 3600
    os.utime(path, (later_s, later_s))
    assert weighty(of(tmp_path, clock)) == [("clock", Weight.WARNING)]


def test_what_is_no_database(tmp_path: Path) -> None:
    """A server would be pointed at somebody's spreadsheet, and say nothing useful."""
    (tmp_path / "chatd.sqlite3").write_text("name;class;\n" * 1000)
    found = of(tmp_path)
    assert weighty(found) == [("database", Weight.ERROR)]
    assert any("is no database of chatd" in one.sentence for one in found)


async def asked(folder: Path, url: str) -> list[Finding]:
    """Not on the loop: it runs one of its own."""
    return await asyncio.to_thread(of, folder, database_url=url)


async def test_postgresql(tmp_path: Path, postgres: PostgresServer) -> None:
    """A deployment would be told nothing of the database that it rests on."""
    name = await postgres.create(TEMPLATE)
    url = postgres.url(name)
    found = await asked(tmp_path, url)
    assert weighty(found) == []
    said = " | ".join(map(str, found))
    assert "sync: fsync on, full_page_writes on, synchronous_commit on" in said
    assert "database: PostgreSQL 1" in said
    assert f"schema {len(load('postgres'))} of {len(load('postgres'))}" in said
    await postgres.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    forgetful = await asked(tmp_path, url)
    assert weighty(forgetful) == [("sync", Weight.ERROR)]
    await postgres.drop(name)


async def test_postgresql_that_is_new_or_gone(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """A first start would be refused, or a wrong address not be noticed."""
    name = await postgres.create()
    found = await asked(tmp_path, postgres.url(name))
    assert weighty(found) == []
    assert any("tables will be made" in one.sentence for one in found)
    await postgres.drop(name)
    gone = await asked(tmp_path, postgres.url(name))
    assert weighty(gone) == [("database", Weight.ERROR)]
    assert any("cannot be reached" in one.sentence for one in gone)


FILES = """
import resource
from chatd.operating.soundness import _files, open_more_files
resource.setrlimit(resource.RLIMIT_NOFILE, (300, 700))
open_more_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE), [one.weight.name for one in _files()])
"""


def test_few_files_are_said_and_all_are_taken() -> None:
    """The 1,001st person of a school could not connect, for a shell's default."""
    said = subprocess.run(
        [sys.executable, "-c", FILES], check=True, capture_output=True, text=True
    )
    assert said.stdout == "(700, 700) ['FACT', 'WARNING']\n"


def test_taking_all_files_twice_is_harmless() -> None:
    """The second server of a process would fail to start."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        open_more_files()
        open_more_files()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_database_elsewhere_is_not_looked_for_here(tmp_path: Path) -> None:
    """An installation on PostgreSQL would be judged by a disk that it does not use."""
    config = Config(data_dir=tmp_path / "none", database_url="postgresql://db/chat")
    about = [one.about for one in findings(config, SystemClock())]
    assert "database" in about
    assert "disk" not in about
