"""A school's own changes on top of a preset: only what differs is kept.

So a preset that gets better reaches every school that did not choose otherwise.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from chatd.domain.policy import Policy
from chatd.domain.presets import PRESETS
from chatd.errors import invalid

_FIXED: Final = frozenset({"name"})
"""A policy is called like its preset, whatever was changed."""

# What msgspec says: `Object contains unknown field `x` - at `$.a[0]``.
_SENTENCE: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$")
_FIELD: Final = re.compile(r"field `(.*)`$")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_CODES: Final = (
    ("Object contains unknown field", "unknown_field"),
    ("Object missing required field", "required"),
    ("Invalid enum value", "not_allowed"),
)


def as_json(policy: Policy) -> dict[str, Any]:
    """A policy as plain values, without its name."""
    shown: dict[str, Any] = msgspec.to_builtins(policy)
    return {key: value for key, value in shown.items() if key not in _FIXED}


def differences(preset: str, wanted: Mapping[str, object]) -> dict[str, object]:
    """Of a policy written in full or in part, the keys that are not the preset's own.

    Raises:
        Refused: `invalid_request` with a pointer to what is no policy, by name.
    """
    base = as_json(PRESETS[preset])
    full = as_json(_read(preset, {**base, **wanted}))
    return {key: full[key] for key in full if full[key] != base[key]}


@lru_cache(maxsize=4096)
def effective(preset: str, changes_json: str) -> Policy:
    """The rules of a tenant: its preset with its own changes (JSON of `differences`).

    Raises:
        Refused: `invalid_request`, for changes that no longer fit the schema.
    """
    changes = msgspec.json.decode(changes_json, type=dict[str, Any])
    if not changes:
        return PRESETS[preset]
    return _read(preset, {**as_json(PRESETS[preset]), **changes})


def _read(preset: str, full: dict[str, Any]) -> Policy:
    if _FIXED & full.keys():
        raise invalid("/policy/name", "unknown_field")
    try:
        policy = msgspec.convert({**full, "name": preset}, Policy)
    except msgspec.ValidationError as error:
        raise _located(str(error)) from None
    ids = [rule.id for rule in policy.initiate]
    if len(set(ids)) != len(ids):
        raise invalid("/policy/initiate", "duplicate_id")
    return policy


def _located(sentence: str) -> Exception:
    found = _SENTENCE.match(sentence)
    what = found["what"] if found else sentence
    path = (found["path"] if found else None) or ""
    steps = [name or place for name, place in _STEP.findall(path)]
    steps = [step for step in steps if step != "..."]
    if named := _FIELD.search(what):
        steps.append(named[1])
    pointer = "".join(f"/{step}" for step in ("policy", *steps))
    code = next((code for head, code in _CODES if what.startswith(head)), "wrong_type")
    return invalid(pointer, code)
