"""If these fail, an implementation in another language is told something untrue."""

import json
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from chatd_protocol.chat.errors import ERRORS, format_error, parse_error
from chatd_protocol.export.json_schema import json_schema
from tests.protocol.chat.values import CONTRACT, canonical

FOLDER = Path(__file__).resolve().parents[3] / "protocol" / "vectors" / "chat"


def rows(name: str) -> list[dict]:
    text = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


TYPES = rows("types")
ERROR_ROWS = rows("errors")
BUNDLE = json_schema()


@pytest.mark.parametrize("row", TYPES, ids=lambda row: f"{row['type']} {row['name']}")
def test_a_value_is_read_and_written_alike(row: dict) -> None:
    """A peer's value would come back changed, or be refused."""
    struct = CONTRACT[row["type"]]
    text = json.dumps(row["value"])
    assert canonical(msgspec.json.decode(text, type=struct)) == row["value"]
    assert canonical(msgspec.convert(row["value"], struct)) == row["value"]
    schema = {**BUNDLE, "$ref": f"#/$defs/{row['type']}"}
    Draft202012Validator(schema).validate(row["value"])


def test_every_type_has_a_row() -> None:
    """A type could change without anybody noticing."""
    assert {row["type"] for row in TYPES} == set(CONTRACT)


@pytest.mark.parametrize("row", ERROR_ROWS, ids=lambda row: row["text"][:40])
def test_an_error_text_is_understood(row: dict) -> None:
    """A client would not know why it was refused."""
    found = parse_error(row["text"])
    assert (found.code if found else None) == row["code"]
    assert (dict(found.facts) if found else {}) == row["facts"]


def test_every_code_has_a_row() -> None:
    """A refusal could be worded in a way that no vector shows."""
    texts = {row["text"] for row in ERROR_ROWS}
    assert {format_error(code, {}) for code in ERRORS} <= texts
