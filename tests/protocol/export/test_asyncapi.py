"""The hub's document."""

import json
from pathlib import Path

from jsonschema import Draft7Validator

from chatd_protocol.chat.methods import METHODS
from chatd_protocol.export.asyncapi import asyncapi
from chatd_protocol.export.schemas import as_object

SPECS = Path(__file__).resolve().parents[3] / "node_modules" / "@asyncapi" / "specs"


def test_it_is_asyncapi_3() -> None:
    """No tool would read the document."""
    specification = json.loads((SPECS / "schemas" / "3.0.0.json").read_text("utf-8"))
    errors = Draft7Validator(specification).iter_errors(asyncapi())
    assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []


def test_every_method_and_event_is_an_operation() -> None:
    """A method would exist that the document does not tell of."""
    operations = as_object(asyncapi()["operations"])
    assert {row.name for row in METHODS} <= set(operations)
    assert "on.MessageCreated" in operations
