"""If these fail, staff read where a school does not want it (MOO-81)."""

import pytest

from chatd.domain.keeping.reading import READER, may_read
from chatd.domain.presets import PRESETS
from tests.domain.people import person

ABLE = person("m", "admin", privileges=(READER,))


@pytest.mark.parametrize("preset", PRESETS)
def test_only_where_the_policy_has_a_capability_for_it(preset: str) -> None:
    """A preset without that right would have it all the same."""
    assert may_read(PRESETS[preset], ABLE).allowed == (preset == "moodle")


def test_only_who_has_it() -> None:
    """A role would do, or somebody who was switched off."""
    moodle = PRESETS["moodle"]
    for other in (
        person("m", "admin"),
        person("m", "teacher", privileges=("messageanyuser",)),
        person("m", "admin", active=False, privileges=(READER,)),
    ):
        verdict = may_read(moodle, other)
        assert (verdict.allowed, verdict.code) == (False, "forbidden")
