"""The contract's types as JSON Schemas."""

import json
from collections.abc import Iterator

import msgspec
import pytest
from jsonschema import Draft202012Validator

from chatd_protocol.chat.base import Request, Shape
from chatd_protocol.chat.methods import METHODS
from chatd_protocol.chat.results import Empty
from chatd_protocol.export.schemas import as_object, schemas, summary

WHOLE = {"$defs": schemas("#/$defs/{}".format)}


def errors_of(name: str, value: object) -> list[str]:
    validator = Draft202012Validator(WHOLE | {"$ref": f"#/$defs/{name}"})
    return [error.message for error in validator.iter_errors(value)]


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_method_has_its_types() -> None:
    """A method could be called only by reading the server's code."""
    names = {kind.__name__ for row in METHODS for kind in (row.request, row.result)}
    assert names <= set(WHOLE["$defs"])


def test_references_lead_somewhere() -> None:
    """A generator of client code would stop at the first dangling name."""
    targets = {name.removeprefix("#/$defs/") for name in references(WHOLE)}
    assert targets <= set(WHOLE["$defs"])


def test_the_hub_alone_has_fewer_types() -> None:
    """The hub's document would be full of what only HTTP uses."""
    hub = set(schemas("{}".format, http=False))
    assert "SendMessage" in hub
    assert "Problem" not in hub
    assert hub < set(WHOLE["$defs"])


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ({"conversationId": "c", "clientMessageId": "1", "text": "Hello"}, True),
        ({"conversationId": "c", "clientMessageId": "1", "replyToId": None}, True),
        ({"conversationId": "c"}, False),
        ({"conversationId": "c", "clientMessageId": "1", "colour": "red"}, False),
    ],
)
def test_a_schema_says_what_the_type_says(value: object, fits: bool) -> None:
    """A client that validates would send what the server refuses."""
    (row,) = (row for row in METHODS if row.name == "SendMessage")
    assert (errors_of("SendMessage", value) == []) is fits
    try:
        msgspec.convert(value, row.request)
    except msgspec.ValidationError:
        assert not fits


def test_results_may_gain_fields() -> None:
    """An old validator would reject a newer server."""
    assert errors_of(Empty.__name__, {"later": 1}) == []


def test_a_summary_is_one_line_without_citations() -> None:
    """Readers of the document would meet numbers of a text they do not have."""

    class Lent(Shape):
        """A thing that is lent
        to somebody (ITS-12).

        More about it.
        """

    class Silent(Request):
        pass

    assert summary(Lent) == "A thing that is lent to somebody."
    assert "\n" not in summary(Silent)


def test_only_objects_are_objects() -> None:
    """A broken table would be found by its readers."""
    assert as_object({"type": "null"}) == {"type": "null"}
    with pytest.raises(AssertionError):
        as_object(json.loads("[]"))
