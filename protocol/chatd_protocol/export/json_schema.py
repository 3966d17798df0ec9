"""The JSON Schema bundle: every type of the contract under `$defs` of one document."""

from chatd_protocol.export.schemas import Schema, schemas

_DESCRIPTION = """\
Every object that travels between a client and chatd, by name. Requests refuse fields
that they do not know; everything else may gain optional fields, so read it leniently.
Absent optional fields are left out, and `null` in a request is read as absent."""


def json_schema() -> Schema:
    """The bundle; validate against `{"$ref": "<its $id>#/$defs/<name>"}`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:chatd:contract:1",
        "title": "The chat contract of chatd, version 1",
        "description": _DESCRIPTION,
        "$defs": schemas("#/$defs/{}".format),
    }
