"""From plain values to a request type, with a JSON pointer to whatever does not fit.

Both doors (hub and HTTP) bind here, so that the same mistake gets the same answer.
"""

import re
from typing import TypeVar

import msgspec

from chatd_protocol.chat.base import Request

T = TypeVar("T", bound=Request)

_PATH = re.compile(
    r"^(?P<what>.*?)(?: - at `(?:key in )?(?P<path>\$[^`]*)`)?$", re.DOTALL
)
_STEP = re.compile(r"\.(?P<field>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")
_NAMED = re.compile(r"^Object (?:contains unknown|missing required) field `(.*)`$")

_DEPTH_MAX = 8
"""Deepest nesting of a request; the deepest type of the contract needs four."""

# What msgspec's sentence begins with → the code a client can act on.
_CODES = (
    ("Object contains unknown field", "unknown_field"),
    ("Object missing required field", "required"),
    ("Invalid enum value", "not_allowed"),
    ("Expected `str` of length >=", "too_short"),
    ("Expected `str` of length <=", "too_long"),
    ("Expected `array` of length >=", "too_few"),
    ("Expected `array` of length <=", "too_many"),
    ("Expected `object` of length <=", "too_many"),
    ("Expected `int` >=", "too_small"),
    ("Expected `int` <=", "too_large"),
)


class InvalidRequestError(Exception):
    """A value that is no such request.

    Attributes:
        pointer: JSON pointer (RFC 6901) to the place.
        code: what is wrong there, such as `required` or `wrong_type`.
    """

    def __init__(self, pointer: str, code: str) -> None:
        super().__init__(f"{code} at {pointer or '/'}")
        self.pointer = pointer
        self.code = code


def bind(request_type: type[T], value: object, *, strict: bool = True) -> T:
    """The request that `value`, as parsed from JSON or MessagePack, stands for.

    `null` is read as absent. Without `strict`, numbers and truth values may come as
    text, as they do in a query. A NUL character is refused anywhere: no text needs one
    and PostgreSQL cannot store it.

    Raises:
        InvalidRequestError: with the place of the first thing that does not fit.
    """
    cleaned = _clean(value, "", _DEPTH_MAX)
    try:
        return msgspec.convert(cleaned, request_type, strict=strict)
    except msgspec.ValidationError as error:
        raise _located(str(error)) from None


def _clean(value: object, pointer: str, depth: int) -> object:
    if depth < 0:
        raise InvalidRequestError(pointer, "too_deep")
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidRequestError(pointer, "nul_character")
        return value
    if isinstance(value, dict):
        kept: dict[object, object] = {}
        for key, item in value.items():
            if not isinstance(key, str) or "\0" in key:
                raise InvalidRequestError(pointer, "wrong_type")
            if item is not None:
                kept[key] = _clean(item, f"{pointer}/{_escaped(key)}", depth - 1)
        return kept
    if isinstance(value, list):
        return [
            _clean(item, f"{pointer}/{at}", depth - 1) for at, item in enumerate(value)
        ]
    return value


def _located(sentence: str) -> InvalidRequestError:
    match = _PATH.match(sentence)
    what, path = (match["what"], match["path"] or "$") if match else (sentence, "$")
    found = (step["field"] or step["index"] for step in _STEP.finditer(path))
    steps = [step for step in found if step != "..."]
    if named := _NAMED.match(what):
        steps.append(named[1])
    pointer = "".join(f"/{_escaped(step)}" for step in steps)
    code = next((code for head, code in _CODES if what.startswith(head)), "wrong_type")
    return InvalidRequestError(pointer, code)


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
