"""If these fail, people ask or block whom they cannot know, or a block helps nobody."""

from dataclasses import replace

import pytest

from chatd.domain.acquaintance import may_ask, may_block, powerless
from chatd.domain.cases import Case
from chatd.domain.people import Enrolment, PersonRecord
from chatd.domain.presets import PRESETS
from chatd.domain.relations import Party

MATH = (Enrolment("course", "math", "student"),)
SUE = Party(PersonRecord("sue", "Sue", ("student",)), MATH)
TOM = Party(PersonRecord("tom", "Tom", ("student",)), MATH)
ANNA = Party(
    PersonRecord("anna", "Anna", ("teacher",)),
    (Enrolment("course", "math", "teacher"),),
)
ZED = Party(PersonRecord("zed", "Zed", ("student",)))


def case(preset: str, recipient: Party | None = TOM) -> Case:
    return Case(PRESETS[preset], SUE, recipient)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (case("moodle"), ""),
        (case("moodle", ZED), "recipient_unknown"),
        (case("moodle", None), "recipient_unknown"),
        (case("itslearning"), "forbidden"),
        (
            case("moodle", replace(TOM, person=replace(TOM.person, active=False))),
            "recipient_unknown",
        ),
        (
            replace(
                case("moodle"),
                sender=replace(
                    SUE, person=replace(SUE.person, messaging_disabled=True)
                ),
            ),
            "messaging_disabled_sender",
        ),
    ],
)
def test_who_may_ask_whom(asked: Case, code: str) -> None:
    """A request would reach somebody who shares nothing (MOO-8, MOO-23)."""
    assert may_ask(asked).code == code


@pytest.mark.parametrize(
    ("preset", "recipient", "acquainted", "code"),
    [
        ("itslearning", TOM, True, ""),
        ("itslearning", TOM, False, "recipient_unknown"),
        ("itslearning", None, False, "recipient_unknown"),
        ("ispring-open", TOM, True, "forbidden"),
        ("tutoring", TOM, True, "forbidden"),
        ("moodle", TOM, True, ""),
    ],
)
def test_who_may_block_whom(
    preset: str, recipient: Party | None, acquainted: bool, code: str
) -> None:
    """A platform without blocks would have them (ITS-94, MOO-29)."""
    verdict = may_block(case(preset, recipient), acquainted=acquainted)
    assert verdict.code == code


@pytest.mark.parametrize(
    ("preset", "recipient", "none"),
    [
        ("itslearning", ANNA, True),
        ("itslearning", TOM, False),
        ("moodle", ANNA, True),
        ("moodle", TOM, False),
    ],
)
def test_who_cannot_be_silenced(preset: str, recipient: Party, none: bool) -> None:
    """A student would keep a teacher out (ITS-98, MOO-28)."""
    assert powerless(case(preset, recipient)) is none
