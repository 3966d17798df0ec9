"""If these fail, a verdict rests on a wrong answer to a small question."""

import pytest

from chatd.domain.cases import Case, overrides
from chatd.domain.conversations import ConversationRecord, Kind
from chatd.domain.presets import PRESETS
from tests.domain.people import party


@pytest.mark.parametrize(
    ("kind", "role", "roster_role", "staff"),
    [
        ("group", "teacher", None, True),
        ("group", "student", None, False),
        ("course", "teacher", "student", False),
        ("course", "student", "teacher", True),
        ("course", "admin", None, True),
        ("courseGroup", "teacher", None, False),
    ],
)
def test_staff_of_a_roster_is_by_the_role_there(
    kind: Kind, role: str, roster_role: str | None, *, staff: bool
) -> None:
    """A teacher who learns elsewhere would moderate that course (ITS-80)."""
    conversation = ConversationRecord(id="x", kind=kind, state="open", title="")
    case = Case(
        PRESETS["itslearning"],
        party("u", role),
        conversation=conversation,
        roster_role=roster_role,
    )
    assert case.is_staff is staff


def test_a_teacher_overrides_in_own_courses_only() -> None:
    """A teacher would reach strangers, or not the own pupils (MOO-17)."""
    teacher = party("t", "teacher", on=(("course", "c", "teacher"),))
    pupil = party("p", on=(("course", "c", "student"),))
    policy = PRESETS["moodle"]
    assert overrides(Case(policy, teacher, pupil))
    assert not overrides(Case(policy, teacher, party("x")))
    assert not overrides(Case(policy, pupil, teacher))
    assert not overrides(Case(policy, teacher, None))
