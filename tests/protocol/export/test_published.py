"""If these fail, what is published is not what the code does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chatd_protocol.export.published import (
    DOCUMENTS,
    generated,
    published,
    stale,
    write,
)


def test_nothing_is_stale() -> None:
    """The committed contract would be that of an older version."""
    assert stale(generated()) == []


def test_what_changed_is_written_and_named(tmp_path: Path) -> None:
    """The exporter would touch fresh files, or leave stale ones."""
    fresh, old, new = (tmp_path / name for name in ("fresh", "old", "folder/new"))
    fresh.write_text("same", encoding="utf-8")
    old.write_text("before", encoding="utf-8")
    texts = {fresh: "same", old: "after", new: "new"}
    assert stale(texts) == [old, new]
    assert write(texts) == [old, new]
    assert stale(texts) == []
    assert new.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_travel_in_the_package(name: str) -> None:
    """An installed server could not serve its own description."""
    text = published(name).decode()
    assert name.endswith(".ts") or json.loads(text)


def test_the_command_checks() -> None:
    """The check of the build would always say yes or always no."""
    command = [sys.executable, "-m", "chatd_protocol.export", "--check"]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3] / "protocol",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
