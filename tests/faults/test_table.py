"""The table of faults names tests that there are, and leaves no row out."""

import re
from pathlib import Path

from tests.support.server import ROOT

TABLE = Path(__file__).with_name("README.md")
ROW = re.compile(r"^\| (\w+) \|.*\| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
NUMBERS = [*map(str, range(1, 8)), "7b", *map(str, range(8, 34))]

WAITING = {"32"}
"""Rows whose tests come with what they are about."""


def rows() -> dict[str, str]:
    return dict(ROW.findall(TABLE.read_text(encoding="utf-8"))[1:])


def test_no_row_lacks_its_test() -> None:
    """A fault that was thought of would never be tried."""
    assert list(rows()) == NUMBERS
    assert {row for row, tests in rows().items() if not TEST.search(tests)} == WAITING


def test_every_test_is_there() -> None:
    """A row would be called proved by a test that is gone."""
    gone = [
        f"{file}::{name}"
        for tests in rows().values()
        for file, name in TEST.findall(tests)
        if not re.search(
            rf"^(async )?def {name}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE
        )
    ]
    assert gone == []
