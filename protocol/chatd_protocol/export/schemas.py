"""The contract's types as named JSON Schemas 2020-12, for every document alike.

msgspec describes the types; here its description is brought to the form that readers
of the contract expect: unions and enumerations have names, an absent field is optional
and not null, a tag is a constant. Where the names lead is each document's business.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from chatd_protocol.chat import directory, events, objects, results
from chatd_protocol.chat.base import Request
from chatd_protocol.chat.errors import ERRORS, Problem
from chatd_protocol.chat.methods import METHODS
from chatd_protocol.chat.routes import ROUTES

Schema = dict[str, object]
"""A JSON Schema, or any other JSON object of a generated document."""

_CITATION = re.compile(r"\s*\((?:[A-Z]{2,3}-\d[^)]*)\)")
"""The requirement that a rule comes from: said to those who read the code."""

NULL: Schema = {"type": "null"}

# What a type alias is called and means; a schema equal to it is referred to by name.
_HUB_ALIASES: dict[str, tuple[object, str]] = {
    "ConversationKind": (objects.ConversationKind, "What a conversation is for."),
    "ConversationState": (
        objects.ConversationState,
        "`closed`: no new messages until reopened; `deleted`: read-only for all.",
    ),
    "MessageKind": (objects.MessageKind, "Said by a person, or noted by the server."),
    "ParticipantRole": (objects.ParticipantRole, "Somebody's part in a conversation."),
    "Action": (objects.Action, "What a person may do; the keys of `denied`."),
    "PersonalRow": (results.PersonalRow, "One changed row of the caller's own state."),
    "LogEvent": (
        events.LogEvent,
        "An event of a conversation's log, the same for every member.",
    ),
    "PersonalEvent": (
        events.PersonalEvent,
        "An event that concerns one person, on all that person's devices.",
    ),
    "Hint": (events.Hint, "An event without a position; it may be lost."),
    "ErrorCode": (
        Literal[tuple(ERRORS)],
        "Every expected error; `protocol/errors.json` has their meaning.",
    ),
}
_HTTP_ALIASES: dict[str, tuple[object, str]] = {
    "Role": (directory.Role, "What a person is on the platform."),
    "MemberRole": (directory.MemberRole, "What a person is in a course or project."),
    "UnitRole": (directory.UnitRole, "What a person is in a unit."),
}
_EVENT = "Anything that the server tells a client; `type` says what."


def schemas(reference: Callable[[str], str], *, http: bool = True) -> dict[str, Schema]:
    """Every type of the contract by name, in the order in which the tables need them.

    Args:
        reference: where a name is found in the document, as the text of a `$ref`.
        http: whether the types that only the HTTP door uses are among them.
    """
    aliases = _HUB_ALIASES | (_HTTP_ALIASES if http else {})
    roots = [*_types(http), *(alias for alias, _ in aliases.values())]
    described, made = msgspec.json.schema_components(
        roots, schema_hook=_anything, ref_template=reference("{name}")
    )
    named = dict(zip(aliases, map(_tidy, described[-len(aliases) :]), strict=True))
    requests = {struct.__name__ for struct in _descendants(Request)}
    found = {
        name: _named(_lenient(_tidy(schema), name in requests), named, reference)
        for name, schema in made.items()
    }
    for name, (_, meaning) in aliases.items():
        found[name] = {"description": meaning, **as_object(named[name])}
    parts = ("LogEvent", "PersonalEvent", "Hint")
    any_of = [{"$ref": reference(name)} for name in parts]
    found["Event"] = {"description": _EVENT, "anyOf": any_of}
    return found


def _anything(_custom: type) -> Schema:
    """`object`, the one type that msgspec does not describe."""
    return {"description": "Any JSON value."}


def _types(http: bool) -> Iterator[type]:
    yield from (row.request for row in METHODS)
    yield from (row.result for row in METHODS)
    yield from events.Event.__args__
    if http:
        yield from (row.request for row in ROUTES)
        yield from (row.result for row in ROUTES)
        yield Problem


def summary(struct: type) -> str:
    """The first paragraph of a type's docstring, in one line."""
    paragraph, _, _ = _plain(struct.__doc__ or "").partition("\n\n")
    return " ".join(paragraph.split())


def _plain(docstring: str) -> str:
    return _CITATION.sub("", inspect.cleandoc(docstring))


def _descendants(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for child in struct.__subclasses__():
        yield child
        yield from _descendants(child)


def as_object(value: object) -> Schema:
    """The value, which is an object of JSON."""
    assert isinstance(value, dict)
    return value


def _tidy(value: Any) -> object:
    """Constants for tags, descriptions without indentation, absent instead of null."""
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    # A title repeats the name; a property that is named so is an object, no text.
    kept = {
        key: _tidy(item)
        for key, item in value.items()
        if key != "title" or not isinstance(item, str)
    }
    match kept:
        case {"description": str(text)}:
            kept["description"] = _plain(text)
    match kept:
        case {"enum": [only]}:
            kept = {**kept, "const": only}
            del kept["enum"]
        case {"anyOf": [*members]} if NULL in members:
            kept.pop("default")
            rest = [member for member in members if member != NULL]
            kept = {**as_object(rest[0])} if len(rest) == 1 else {**kept, "anyOf": rest}
        case {"required": []}:
            del kept["required"]
    return kept


def _lenient(schema: object, is_request: bool) -> Schema:
    """The schema; in what clients send, `null` stands for any absent field."""
    whole = as_object(schema)
    if not is_request or "properties" not in whole:
        return whole
    required = whole.get("required", [])
    assert isinstance(required, list)
    properties = {
        name: field if name in required else _or_null(as_object(field))
        for name, field in as_object(whole["properties"]).items()
    }
    return {**whole, "properties": properties}


def _or_null(schema: Schema) -> Schema:
    default = {"default": schema["default"]} if "default" in schema else {}
    bare = {key: value for key, value in schema.items() if key != "default"}
    return {"anyOf": [bare, NULL], **default}


def _named(
    schema: Schema, named: dict[str, object], reference: Callable[[str], str]
) -> Schema:
    """The schema with a reference in place of whatever equals a named one."""

    def replaced(value: object) -> object:
        for name, meaning in named.items():
            if value == meaning:
                return {"$ref": reference(name)}
        if isinstance(value, dict):
            return {key: replaced(item) for key, item in value.items()}
        if isinstance(value, list):
            return [replaced(item) for item in value]
        return value

    return as_object(replaced(schema))
