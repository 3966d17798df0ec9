"""What connects two people of a tenant, told from facts of the directory and of theirs.

Every `Relation` that a policy row can name has its predicate here, over a `Pair`. A
person with two roles is seen per shared course: teacher of one, student of another.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from chatd.domain.people import Enrolment, PersonRecord
from chatd.domain.policy import Relation

TEACHING: Final = frozenset({"teacher", "instructor"})
"""Roles in a course whose bearers teach it."""

MANAGING: Final = frozenset({"manager", "departmentAdmin"})
"""Roles in a unit whose bearers manage it and what is below (ISP-3)."""


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


@dataclass(frozen=True, slots=True)
class Between:
    """What two people have done about each other, seen from the sender.

    `blocked`: the sender has blocked the recipient; `blocked_by`: the reverse.
    """

    contact: bool = False
    blocked: bool = False
    blocked_by: bool = False
    conversation: bool = False


NOTHING: Final = Between()


@dataclass(frozen=True, slots=True)
class Pair:
    """A sender, a recipient, and what is between them."""

    sender: Party
    recipient: Party
    between: Between = NOTHING

    def turned(self) -> "Pair":
        """The same two, seen from the other one."""
        between = Between(
            contact=self.between.contact,
            blocked=self.between.blocked_by,
            blocked_by=self.between.blocked,
            conversation=self.between.conversation,
        )
        return Pair(self.recipient, self.sender, between)


Predicate = Callable[[Pair], bool]


def shared(
    kind: str, pair: Pair, variety: str | None = None
) -> Iterator[tuple[str, str, str]]:
    """The rosters of a kind that both are on: id, the sender's role, the other's."""
    roles = {e.roster_id: e.role for e in pair.recipient.enrolments if e.kind == kind}
    for enrolment in pair.sender.enrolments:
        if enrolment.kind != kind or enrolment.roster_id not in roles:
            continue
        if variety is None or enrolment.variety == variety:
            yield enrolment.roster_id, enrolment.role, roles[enrolment.roster_id]


def _share(kind: str, variety: str | None = None) -> Predicate:
    return lambda pair: any(True for _ in shared(kind, pair, variety))


def _teaches(kind: str, variety: str | None = None) -> Predicate:
    return lambda pair: any(
        mine in TEACHING for _, mine, _ in shared(kind, pair, variety)
    )


def _instructed(pair: Pair) -> bool:
    """The recipient teaches what the sender learns (ISP-6): no colleagues."""
    return any(
        theirs in TEACHING and mine not in TEACHING
        for _, mine, theirs in shared("course", pair)
    )


def _turned(predicate: Predicate) -> Predicate:
    return lambda pair: predicate(pair.turned())


def _units(party: Party) -> Iterator[Enrolment]:
    return (one for one in party.enrolments if one.kind == "unit")


def _over(party: Party) -> frozenset[str]:
    """A person's units and every unit above them."""
    return frozenset(
        id_ for unit in _units(party) for id_ in (unit.roster_id, *unit.above)
    )


def _manages(pair: Pair) -> bool:
    over = _over(pair.recipient)
    return any(
        unit.role in MANAGING and unit.roster_id in over for unit in _units(pair.sender)
    )


def _hierarchy(pair: Pair) -> bool:
    over = _over(pair.recipient)
    return any(unit.roster_id in over for unit in _units(pair.sender))


def institutions(party: Party) -> frozenset[str]:
    """The topmost units of a person; a tenant without units is one institution."""
    tops = frozenset(
        unit.above[-1] if unit.above else unit.roster_id for unit in _units(party)
    )
    return tops or frozenset({""})


def _same_institution(pair: Pair) -> bool:
    return bool(institutions(pair.sender) & institutions(pair.recipient))


def _supervises(pair: Pair) -> bool:
    return pair.recipient.person.id in pair.sender.person.details.supervises


def _guards(pair: Pair) -> bool:
    return pair.recipient.person.id in pair.sender.person.details.guardian_of


PREDICATES: Final[Mapping[Relation, Predicate]] = {
    Relation.ANYBODY: lambda _pair: True,
    Relation.SAME_COURSE: _share("course"),
    Relation.TEACHES_IN_COURSE: _teaches("course"),
    Relation.TAUGHT_BY: _turned(_teaches("course")),
    Relation.INSTRUCTOR_OF_CONTENT_ITEM: _instructed,
    Relation.SAME_BATCH: _share("group", "batch"),
    Relation.BATCH_OF_MINE: _teaches("group", "batch"),
    Relation.SAME_PROJECT: _share("project"),
    Relation.SAME_DEPARTMENT: _share("unit"),
    Relation.SAME_INSTITUTION: _same_institution,
    Relation.MANAGES_DEPARTMENT_OF: _manages,
    Relation.DEPARTMENT_MANAGED_BY: _turned(_manages),
    Relation.IN_MY_HIERARCHY: _hierarchy,
    Relation.SUPERVISES: _supervises,
    Relation.SUPERVISED_BY: _turned(_supervises),
    Relation.GUARDIAN_OF: _guards,
    Relation.CONTACT: lambda pair: pair.between.contact,
    Relation.EXISTING_CONVERSATION: lambda pair: pair.between.conversation,
}


def describe(viewer: Party, other: Party) -> tuple[str, ...]:
    """What links the viewer to somebody, as codes for the participants' list (ITS-27).

    `teacherOf:C` the viewer teaches the other in course C, `taughtBy:C` the reverse,
    `sameCourse:C` neither; `sameProject:P`.
    """
    codes = []
    pair = Pair(viewer, other)
    for course, mine, theirs in shared("course", pair):
        if mine in TEACHING:
            word = "sameCourse" if theirs in TEACHING else "teacherOf"
        else:
            word = "taughtBy" if theirs in TEACHING else "sameCourse"
        codes.append(f"{word}:{course}")
    codes += [f"sameProject:{p}" for p, _, _ in shared("project", pair)]
    return tuple(sorted(codes))
