"""If these fail, the published description of the hub is wrong or unreadable."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from chatd_protocol.chat.events import Event, target_of
from chatd_protocol.chat.methods import METHODS
from chatd_protocol.export.asyncapi import asyncapi

DOCUMENT: dict = asyncapi()
SPECS = Path(__file__).parents[3] / "node_modules" / "@asyncapi" / "specs"


@pytest.fixture(scope="module")
def official() -> Draft7Validator:
    text = (SPECS / "schemas" / "3.0.0-without-$id.json").read_text(encoding="utf-8")
    return Draft7Validator(json.loads(text))


def test_it_is_asyncapi(official: Draft7Validator) -> None:
    """No tool would read the document."""
    official.validate(DOCUMENT)
    broken = {**DOCUMENT, "channels": {"hub": {"messages": 7}}}
    assert not official.is_valid(broken)


@pytest.mark.parametrize("row", METHODS, ids=lambda row: row.name)
def test_every_method_is_an_operation_with_a_reply(row: object) -> None:
    """A method would be hidden from readers."""
    name = getattr(row, "name")  # noqa: B009
    operation = DOCUMENT["operations"][name]
    assert operation["action"] == "receive"
    channel = "#/channels/hub/messages/"
    assert operation["messages"] == [{"$ref": f"{channel}{name}.request"}]
    assert operation["reply"]["messages"] == [
        {"$ref": f"{channel}{name}.result"},
        {"$ref": f"{channel}refusal"},
    ]


def test_every_event_is_sent() -> None:
    """An event would be hidden from readers."""
    targets = {target_of(str(e.__struct_config__.tag)) for e in Event.__args__}
    sent = {
        name.removeprefix("on.")
        for name, operation in DOCUMENT["operations"].items()
        if operation["action"] == "send"
    }
    assert sent == targets


def test_references_lead_somewhere() -> None:
    """A reader would follow a reference into nothing."""
    for reference in references(DOCUMENT):
        found: object = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            assert isinstance(found, dict)
            found = found[step]


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        here = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return here.union(*map(references, value.values()))
    if isinstance(value, list):
        return set().union(*map(references, value))
    return set()
