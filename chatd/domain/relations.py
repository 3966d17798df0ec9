"""What connects two people of a tenant, told from their enrolments alone.

Every `Relation` that a policy row can name has its predicate here, (sender, recipient)
in that order. A person with two roles is seen per shared course: teacher of one,
student of another.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from chatd.domain.people import Enrolment, PersonRecord
from chatd.domain.policy import Relation

TEACHING: Final = frozenset({"teacher", "instructor"})
"""Roles in a course whose bearers teach it."""


@dataclass(frozen=True, slots=True)
class Party:
    """A person and all rosters that the person is on."""

    person: PersonRecord
    enrolments: tuple[Enrolment, ...] = ()

    def role_in(self, kind: str, roster_id: str) -> str | None:
        """The role on that roster, `None` when not on it."""
        return next(
            (
                enrolment.role
                for enrolment in self.enrolments
                if (enrolment.kind, enrolment.roster_id) == (kind, roster_id)
            ),
            None,
        )


def _shared(kind: str, one: Party, other: Party) -> Iterator[tuple[str, str, str]]:
    """The rosters of a kind that both are on: id, and the role of each."""
    roles = {e.roster_id: e.role for e in other.enrolments if e.kind == kind}
    for enrolment in one.enrolments:
        if enrolment.kind == kind and enrolment.roster_id in roles:
            yield enrolment.roster_id, enrolment.role, roles[enrolment.roster_id]


def _share(kind: str) -> Callable[[Party, Party], bool]:
    return lambda one, other: any(True for _ in _shared(kind, one, other))


def _anybody(_sender: Party, _recipient: Party) -> bool:
    return True


def _teaches(sender: Party, recipient: Party) -> bool:
    return any(role in TEACHING for _, role, _ in _shared("course", sender, recipient))


def _taught_by(sender: Party, recipient: Party) -> bool:
    return _teaches(recipient, sender)


PREDICATES: Final[Mapping[Relation, Callable[[Party, Party], bool]]] = {
    Relation.ANYBODY: _anybody,
    Relation.SAME_COURSE: _share("course"),
    Relation.SAME_PROJECT: _share("project"),
    Relation.SAME_UNIT: _share("unit"),
    Relation.TEACHES_IN_COURSE: _teaches,
    Relation.TAUGHT_BY: _taught_by,
}


def describe(viewer: Party, other: Party) -> tuple[str, ...]:
    """What links the viewer to somebody, as codes for the participants' list (ITS-27).

    `teacherOf:C` the viewer teaches the other in course C, `taughtBy:C` the reverse,
    `sameCourse:C` neither; `sameProject:P`.
    """
    codes = []
    for course, mine, theirs in _shared("course", viewer, other):
        if mine in TEACHING:
            word = "sameCourse" if theirs in TEACHING else "teacherOf"
        else:
            word = "taughtBy" if theirs in TEACHING else "sameCourse"
        codes.append(f"{word}:{course}")
    codes += [f"sameProject:{p}" for p, _, _ in _shared("project", viewer, other)]
    return tuple(sorted(codes))
