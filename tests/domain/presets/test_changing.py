"""If these fail, a school's own rules are lost, or nonsense becomes a rule."""

import json

import pytest

from chatd.domain.presets import PRESETS
from chatd.domain.presets.changing import as_json, differences, effective
from chatd.errors import Refused


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_read_can_be_written_back(preset: str) -> None:
    """An administrator who saves the page unchanged would change the rules."""
    assert differences(preset, as_json(PRESETS[preset])) == {}
    assert effective(preset, "{}") == PRESETS[preset]


def test_only_what_differs_is_kept() -> None:
    """A better preset would never reach a school that changed one key."""
    full = {**as_json(PRESETS["itslearning"]), "editWindowS": 60}
    kept = differences("itslearning", full)
    assert kept == {"editWindowS": 60}
    policy = effective("itslearning", json.dumps(kept))
    assert (policy.edit_window_s, policy.name) == (60, "itslearning")
    assert policy.rights == PRESETS["itslearning"].rights


@pytest.mark.parametrize(
    ("wrong", "pointer", "code"),
    [
        ({"nope": 1}, "/policy/nope", "unknown_field"),
        ({"name": "mine"}, "/policy/name", "unknown_field"),
        ({"block": {"modus": "one_way"}}, "/policy/block/modus", "unknown_field"),
        ({"initiate": [{"id": "a"}]}, "/policy/initiate/0/relation", "required"),
        ({"reply": "never"}, "/policy/reply", "not_allowed"),
        ({"rights": {"fly": {}}}, "/policy", "not_allowed"),
        ({"enabled": "yes"}, "/policy/enabled", "wrong_type"),
        (
            {"initiate": [{"id": "a", "relation": "anybody"}] * 2},
            "/policy/initiate",
            "duplicate_id",
        ),
    ],
)
def test_what_is_no_policy_is_refused_by_name(
    wrong: dict, pointer: str, code: str
) -> None:
    """A misspelt key would be ignored, and the school think itself safe."""
    with pytest.raises(Refused) as caught:
        differences("itslearning", wrong)
    assert caught.value.facts["errors"] == [{"pointer": pointer, "code": code}]
