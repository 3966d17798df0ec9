"""If these fail, a requirement is neither kept nor known to be missing."""

from tests.requirements import coverage
from tests.requirements.coverage import (
    FILE,
    PLATFORMS,
    numbers_in,
    rows,
    statements,
    waiting,
)

WRITES = "python -m tests.requirements.coverage writes docs/requirements.md"


def test_every_requirement_is_tested_or_waits_for_something_named() -> None:
    """A statement of a platform would be forgotten."""
    known = statements().keys()
    carried, later = coverage.tested(), waiting()
    assert [one for one in known if one not in carried and one not in later] == []
    assert {one.partition("-")[0] for one in known} == PLATFORMS.keys()


def test_what_is_cited_exists() -> None:
    """A test would carry the number of something else."""
    known = statements().keys()
    assert sorted((coverage.tested().keys() | waiting().keys()) - known) == []


def test_the_published_table_is_true() -> None:
    """A reader would be sent to a test that is gone, or told to wait for what is there.

    Another test for what had one already leaves the table as it is.
    """
    text = FILE.read_text(encoding="utf-8")
    written = {
        cells[1].strip(): cells[-2].strip()
        for line in text.splitlines()
        if (cells := line.split("|")) and len(cells) > 4 and "-" in cells[1]
    }
    carried = coverage.tested()
    for number, row in rows():
        shown = written.get(number, "")
        assert shown.startswith("*") == row.startswith("*"), f"{number}: {WRITES}"
        if row.startswith("*"):
            assert shown == row, f"{number}: {WRITES}"
        for name in shown.split("`")[1::2]:
            assert f"tests/{name}" in carried[number], f"{number}: {WRITES}"


def test_how_numbers_are_written() -> None:
    """A range would count as its first number alone."""
    text = "(ITS-99 … 101, ITS-41, 80; ISP-24/25; MOO-1 and 2) in 30 days, UX-4"
    assert list(numbers_in(text)) == [
        "ITS-99",
        "ITS-100",
        "ITS-101",
        "ITS-41",
        "ITS-80",
        "ISP-24",
        "ISP-25",
        "MOO-1",
        "MOO-2",
    ]
