"""If these fail, people are connected who are not, or the other way round."""

import pytest

from chatd.domain.policy import Relation
from chatd.domain.relations import PREDICATES, describe
from tests.domain.people import party

TEACHER = party("t", "teacher", on=(("course", "m", "teacher"),))
PUPIL = party("p", on=(("course", "m", "student"), ("project", "f", "student")))
MATE = party("q", on=(("course", "m", "student"),))
OTHER = party("o", on=(("course", "x", "student"), ("project", "f", "student")))
BOTH = party("b", on=(("course", "m", "student"), ("course", "x", "teacher")))


@pytest.mark.parametrize(
    ("relation", "sender", "recipient", "holds"),
    [
        (Relation.ANYBODY, PUPIL, OTHER, True),
        (Relation.SAME_COURSE, PUPIL, MATE, True),
        (Relation.SAME_COURSE, PUPIL, OTHER, False),
        (Relation.SAME_PROJECT, PUPIL, OTHER, True),
        (Relation.SAME_PROJECT, PUPIL, MATE, False),
        (Relation.SAME_UNIT, PUPIL, MATE, False),
        (Relation.TEACHES_IN_COURSE, TEACHER, PUPIL, True),
        (Relation.TEACHES_IN_COURSE, PUPIL, TEACHER, False),
        (Relation.TAUGHT_BY, PUPIL, TEACHER, True),
        (Relation.TAUGHT_BY, TEACHER, PUPIL, False),
        # Teacher of one course, student of another: each course by itself.
        (Relation.TEACHES_IN_COURSE, BOTH, OTHER, True),
        (Relation.TEACHES_IN_COURSE, BOTH, PUPIL, False),
    ],
)
def test_a_relation_holds_as_the_rosters_say(
    relation: Relation, sender: object, recipient: object, *, holds: bool
) -> None:
    """Somebody could write to a stranger, or not to the own teacher."""
    assert PREDICATES[relation](sender, recipient) is holds  # type: ignore[arg-type]


def test_the_list_of_participants_says_what_links_you() -> None:
    """The viewer would not know who these people are (ITS-27)."""
    assert describe(TEACHER, PUPIL) == ("teacherOf:m",)
    assert describe(PUPIL, TEACHER) == ("taughtBy:m",)
    assert describe(PUPIL, OTHER) == ("sameProject:f",)
    assert describe(PUPIL, MATE) == ("sameCourse:m",)
