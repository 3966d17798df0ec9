"""The JSON Schema bundle."""

from jsonschema import Draft202012Validator

from chatd_protocol.export.json_schema import json_schema


def test_the_bundle_is_a_schema() -> None:
    """No validator would accept the document."""
    bundle = json_schema()
    Draft202012Validator.check_schema(bundle)
    validator = Draft202012Validator(
        bundle | {"$ref": "urn:chatd:contract:1#/$defs/Recipient"}
    )
    assert validator.is_valid({"kind": "course", "id": "math-7a"})
    assert not validator.is_valid({"kind": "planet", "id": "math-7a"})
