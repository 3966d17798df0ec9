"""If these fail, a restored school has messages whose files are gone."""

import os
from pathlib import Path

import pytest

from chatd.operating.blobs import mirror


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(params=["one disk", "two disks"])
def disks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    if request.param == "two disks":
        monkeypatch.setattr(os, "link", fail)


@pytest.mark.usefixtures("disks")
def test_what_is_lacking_comes(tmp_path: Path) -> None:
    """A file would be missing, or one that was there be replaced."""
    source, target = tmp_path / "source", tmp_path / "target"
    put(source, "ab/one", b"1")
    put(source, "cd/two", b"2")
    put(source, "cd/three#7", b"half of it")
    put(target, "ab/one", b"the same anyway")
    assert mirror(source, target) == 1
    assert content(target) == {"ab/one": b"the same anyway", "cd/two": b"2"}
    assert mirror(source, target) == 0


@pytest.mark.usefixtures("disks")
def test_a_removal_leaves_the_backup_alone(tmp_path: Path) -> None:
    """Deleting a file would take it out of every backup."""
    source, target = tmp_path / "source", tmp_path / "target"
    file = put(source, "ab/one", b"1")
    mirror(source, target)
    file.unlink()
    assert content(target) == {"ab/one": b"1"}


def test_links_cost_nothing(tmp_path: Path) -> None:
    """A backup every hour would fill the disk."""
    file = put(tmp_path / "source", "ab/one", b"1")
    mirror(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "target" / "ab" / "one").samefile(file)


def test_nothing_there_is_nothing_to_do(tmp_path: Path) -> None:
    """A school without files could not be backed up."""
    assert mirror(tmp_path / "no", tmp_path / "target") == 0
    assert not (tmp_path / "target").exists()
