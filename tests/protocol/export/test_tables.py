"""If these fail, the tables of the specification say what was once true."""

import re
from pathlib import Path

import pytest

from chatd.limits import Limits, describe
from chatd_protocol.chat.errors import ERRORS
from chatd_protocol.chat.methods import METHODS
from chatd_protocol.chat.routes import OPEN_ROUTES, ROUTES
from chatd_protocol.export.tables import TABLES, filled

SPEC = Path(__file__).resolve().parents[3] / "protocol" / "SPEC.md"


def test_only_marked_places_are_filled() -> None:
    """The exporter would write over what somebody wrote by hand."""
    text = "before\n<!-- table: errors -->\nstale\n<!-- end -->\nafter\n"
    made = filled(text)
    assert made.startswith("before\n<!-- table: errors -->\n| code |")
    assert made.endswith(" |\n<!-- end -->\nafter\n")
    assert "stale" not in made
    assert filled(made) == made


def test_a_marker_without_a_table_is_a_mistake() -> None:
    """A misspelt marker would keep an empty table for ever."""
    with pytest.raises(KeyError):
        filled("<!-- table: nothing -->\n<!-- end -->")


def test_tables_are_whole() -> None:
    """A row would be missing."""
    sizes = {name: make().count("\n") - 2 for name, make in TABLES.items()}
    assert sizes["methods"] == len(METHODS)
    assert sizes["errors"] == len(ERRORS)
    assert sizes["routes"] == len(ROUTES) + len(OPEN_ROUTES)
    text = SPEC.read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- table: (\w+) -->", text)) == set(TABLES)


def test_the_limits_are_those_of_the_server() -> None:
    """A client would plan with other limits than it meets."""
    text = SPEC.read_text(encoding="utf-8").partition("## The chat contract")[2]
    table = text.partition("### Limits")[2].partition("### HTTP API")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", table, re.MULTILINE)
    told = {name: int(value.replace(",", "")) for name, value in rows}
    assert told == describe(Limits())
