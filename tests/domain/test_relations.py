"""If these fail, people are connected who are not, or the other way round."""

import pytest

from chatd.domain.policy import Relation
from chatd.domain.relations import PREDICATES, Between, Pair, Party, describe
from tests.domain.people import party

TEACHER = party("t", "teacher", on=(("course", "m", "teacher"),))
PUPIL = party("p", on=(("course", "m", "student"), ("project", "f", "student")))
MATE = party("q", on=(("course", "m", "student"),))
OTHER = party("o", on=(("course", "x", "student"), ("project", "f", "student")))
BOTH = party("b", on=(("course", "m", "student"), ("course", "x", "teacher")))


TUTOR = party("u", "teacher", on=(("group", "b", "teacher", "batch"),))
IN_BATCH = party("v", on=(("group", "b", "student", "batch"),))
BATCH_MATE = party("w", on=(("group", "b", "student", "batch"),))
IN_GROUP = party("x", on=(("group", "g", "student", "courseGroup"),))
GROUP_MATE = party("y", on=(("group", "g", "student", "courseGroup"),))
HEAD = party("h", "departmentAdmin", on=(("unit", "top", "manager"),))
BELOW = party("i", on=(("unit", "low", "student", "", ("mid", "top")),))
BESIDE = party("j", on=(("unit", "side", "student", "", ("top",)),))
ELSEWHERE = party("k", on=(("unit", "other", "student"),))
LEADER = party("l", "supervisor", supervises=("p",), guardian_of=("q",))


@pytest.mark.parametrize(
    ("relation", "sender", "recipient", "holds"),
    [
        (Relation.ANYBODY, PUPIL, OTHER, True),
        (Relation.SAME_COURSE, PUPIL, MATE, True),
        (Relation.SAME_COURSE, PUPIL, OTHER, False),
        (Relation.SAME_PROJECT, PUPIL, OTHER, True),
        (Relation.SAME_PROJECT, PUPIL, MATE, False),
        (Relation.SAME_DEPARTMENT, PUPIL, MATE, False),
        (Relation.TEACHES_IN_COURSE, TEACHER, PUPIL, True),
        (Relation.TEACHES_IN_COURSE, PUPIL, TEACHER, False),
        (Relation.TAUGHT_BY, PUPIL, TEACHER, True),
        (Relation.TAUGHT_BY, TEACHER, PUPIL, False),
        # Teacher of one course, student of another: each course by itself.
        (Relation.TEACHES_IN_COURSE, BOTH, OTHER, True),
        (Relation.TEACHES_IN_COURSE, BOTH, PUPIL, False),
        (Relation.INSTRUCTOR_OF_CONTENT_ITEM, PUPIL, TEACHER, True),
        (Relation.INSTRUCTOR_OF_CONTENT_ITEM, TEACHER, PUPIL, False),
        (Relation.SAME_BATCH, IN_BATCH, BATCH_MATE, True),
        (Relation.SAME_BATCH, IN_GROUP, GROUP_MATE, False),
        (Relation.BATCH_OF_MINE, TUTOR, IN_BATCH, True),
        (Relation.BATCH_OF_MINE, IN_BATCH, TUTOR, False),
        (Relation.SAME_INSTITUTION, BELOW, BESIDE, True),
        (Relation.SAME_INSTITUTION, BELOW, ELSEWHERE, False),
        (Relation.SAME_INSTITUTION, PUPIL, MATE, True),
        (Relation.MANAGES_DEPARTMENT_OF, HEAD, BELOW, True),
        (Relation.MANAGES_DEPARTMENT_OF, HEAD, ELSEWHERE, False),
        (Relation.MANAGES_DEPARTMENT_OF, BELOW, HEAD, False),
        (Relation.DEPARTMENT_MANAGED_BY, BELOW, HEAD, True),
        (Relation.IN_MY_HIERARCHY, HEAD, BESIDE, True),
        (Relation.IN_MY_HIERARCHY, BELOW, BESIDE, False),
        (Relation.SUPERVISES, LEADER, PUPIL, True),
        (Relation.SUPERVISES, LEADER, MATE, False),
        (Relation.SUPERVISED_BY, PUPIL, LEADER, True),
        (Relation.GUARDIAN_OF, LEADER, MATE, True),
    ],
)
def test_a_relation_holds_as_the_rosters_say(
    relation: Relation, sender: Party, recipient: Party, *, holds: bool
) -> None:
    """Somebody could write to a stranger, or not to the own teacher."""
    assert PREDICATES[relation](Pair(sender, recipient)) is holds


def test_the_list_of_participants_says_what_links_you() -> None:
    """The viewer would not know who these people are (ITS-27)."""
    assert describe(TEACHER, PUPIL) == ("teacherOf:m",)
    assert describe(PUPIL, TEACHER) == ("taughtBy:m",)
    assert describe(PUPIL, OTHER) == ("sameProject:f",)
    assert describe(PUPIL, MATE) == ("sameCourse:m",)


def test_what_two_people_did_is_turned_with_them() -> None:
    """A block would count for the one who made it."""
    pair = Pair(PUPIL, MATE, Between(contact=True, blocked=True))
    turned = pair.turned()
    assert (turned.sender, turned.between.blocked_by) == (MATE, True)
    assert not turned.between.blocked
    assert PREDICATES[Relation.CONTACT](turned)
    assert not PREDICATES[Relation.EXISTING_CONVERSATION](pair)


def test_every_relation_has_its_predicate() -> None:
    """A row of a school's policy would fail when it is first asked."""
    assert set(PREDICATES) == set(Relation)
