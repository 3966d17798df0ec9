"""If these fail, a platform's own rules about who may write first do not hold.

Each row is one statement of the platform's description, with its number.
"""

from dataclasses import replace

import pytest

from chatd.domain.cases import Case
from chatd.domain.conversations import ConversationRecord
from chatd.domain.presets import PRESETS
from chatd.domain.relations import NOTHING, Between, Party
from chatd.domain.verdicts import decide
from tests.domain.people import party

LEARNER = party(
    "l", on=(("course", "c", "student"), ("unit", "sales", "student", "", ("all",)))
)
COLLEAGUE = party("m", on=(("course", "c", "student"),))
INSTRUCTOR = party("i", "teacher", on=(("course", "c", "instructor"),))
OWNER, ADMIN = party("o", "owner"), party("a", "admin")
MANAGER = party("d", "departmentAdmin", on=(("unit", "all", "manager"),))
BELOW = party("e", "departmentAdmin", on=(("unit", "other", "manager", "", ("all",)),))
LEADER = party("s", "supervisor", supervises=("l",))

# TUT: student S in course c and batch b1; tutor T of b1; tutor U of the course, b2.
STUDENT = party(
    "s", on=(("course", "c", "student"), ("group", "b1", "student", "batch"))
)
MATE = party("m", on=(("course", "c", "student"), ("group", "b1", "student", "batch")))
OTHER = party("o", on=(("course", "c", "student"), ("group", "b2", "student", "batch")))
TUTOR = party(
    "t", "teacher", on=(("course", "c", "teacher"), ("group", "b1", "teacher", "batch"))
)
TUTOR_OF_COURSE = party(
    "u", "teacher", on=(("course", "c", "teacher"), ("group", "b2", "teacher", "batch"))
)
STRANGER = party("x")
NORTH_ADMIN = party("n", "admin", on=(("unit", "n1", "observer", "", ("north",)),))
NORTH_TUTOR = party("p", "teacher", on=(("unit", "n2", "teacher", "", ("north",)),))
SOUTH_TUTOR = party("q", "teacher", on=(("unit", "south", "teacher"),))
SOUTH_STUDENT = party("r", on=(("unit", "south", "student"),))

PUPIL = party("p", on=(("course", "c", "student"),))
FRIEND = Between(contact=True)


def code(
    preset: str,
    sender: Party,
    recipient: Party | None,
    between: Between = NOTHING,
) -> str:
    case = Case(PRESETS[preset], sender, recipient, between)
    return decide("initiate", case).code


@pytest.mark.parametrize(
    ("sender", "recipient", "expected", "number"),
    [
        (OWNER, LEARNER, "", "ISP-1"),
        (ADMIN, LEARNER, "", "ISP-2"),
        (MANAGER, LEARNER, "", "ISP-3"),
        (BELOW, LEARNER, "no_relationship", "ISP-3"),
        (LEARNER, COLLEAGUE, "no_relationship", "ISP-5"),
        (LEARNER, ADMIN, "no_relationship", "ISP-5"),
        (party("g", "guest"), ADMIN, "role_cannot_initiate", "ISP-5"),
        (LEARNER, INSTRUCTOR, "", "ISP-6"),
        (STRANGER, INSTRUCTOR, "no_relationship", "ISP-8"),
        (LEARNER, party("i", "teacher"), "no_relationship", "ISP-8"),
        (INSTRUCTOR, LEARNER, "", "ISP-30"),
        (LEADER, LEARNER, "", "ISP-31"),
        (LEADER, COLLEAGUE, "no_relationship", "ISP-30"),
    ],
)
def test_limited_messaging(
    sender: Party, recipient: Party, expected: str, number: str
) -> None:
    """A learner would start with whom the portal forbids, or not with a teacher."""
    assert code("ispring-limited", sender, recipient) == expected, number


def test_open_messaging() -> None:
    """ISP-32: a learner of an open portal could not write to a colleague."""
    assert code("ispring-open", LEARNER, STRANGER) == ""
    assert code("ispring-open", LEARNER, None) == "recipient_unknown"
    assert code("ispring-open", party("g", "guest"), LEARNER) == "role_cannot_initiate"


@pytest.mark.parametrize(
    ("sender", "recipient", "expected", "number"),
    [
        (STUDENT, TUTOR, "", "TUT-12"),
        (STUDENT, MATE, "", "TUT-13"),
        (STUDENT, OTHER, "no_relationship", "TUT-14"),
        (STUDENT, STRANGER, "no_relationship", "TUT-14"),
        (STUDENT, NORTH_ADMIN, "no_relationship", "TUT-20"),
        (TUTOR, STUDENT, "", "TUT-15"),
        (TUTOR, TUTOR_OF_COURSE, "", "TUT-16"),
        (NORTH_TUTOR, SOUTH_TUTOR, "no_relationship", "TUT-16"),
        (TUTOR, OTHER, "no_relationship", "TUT-17"),
        (NORTH_ADMIN, NORTH_TUTOR, "", "TUT-18"),
        (NORTH_ADMIN, SOUTH_STUDENT, "no_relationship", "TUT-36"),
        (STRANGER, TUTOR, "no_relationship", "TUT-19"),
        # The asymmetry of course and batch.
        (STUDENT, TUTOR_OF_COURSE, "", "TUT-21"),
        (TUTOR_OF_COURSE, STUDENT, "no_relationship", "TUT-21"),
        (STUDENT, None, "no_relationship", "TUT-22"),
    ],
)
def test_tutoring(
    sender: Party, recipient: Party | None, expected: str, number: str
) -> None:
    """A child could be written to by who has nothing to do with it."""
    assert code("tutoring", sender, recipient) == expected, number


def accepting(who: str) -> Party:
    mate = party("m", on=(("course", "c", "student"),))
    return replace(mate, person=replace(mate.person, accepts=who))  # type: ignore[arg-type]


TEACHER = party("t", "teacher", on=(("course", "c", "teacher"),))


@pytest.mark.parametrize(
    ("sender", "recipient", "between", "expected", "number"),
    [
        (PUPIL, accepting("courses"), Between(), "", "MOO-13"),
        (STRANGER, accepting("courses"), Between(), "no_relationship", "MOO-15"),
        (STRANGER, accepting("courses"), FRIEND, "", "MOO-17"),
        (PUPIL, accepting("contacts"), Between(), "contact_request_required", "MOO-20"),
        (PUPIL, accepting("contacts"), FRIEND, "", "MOO-17"),
        (STRANGER, accepting("anyone"), Between(), "no_relationship", "MOO-16"),
        (STRANGER, None, Between(), "no_relationship", "MOO-22"),
        (TEACHER, accepting("contacts"), Between(), "", "MOO-17"),
        (TEACHER, accepting("contacts"), Between(blocked_by=True), "", "MOO-28"),
        (ADMIN, accepting("contacts"), Between(blocked_by=True), "", "MOO-83"),
        (
            party("w", privileges=("messageAnyUser",)),
            accepting("contacts"),
            Between(),
            "",
            "MOO-83",
        ),
        (
            PUPIL,
            accepting("courses"),
            Between(blocked_by=True),
            "recipient_unavailable",
            "MOO-27",
        ),
        (PUPIL, accepting("courses"), Between(blocked=True), "", "MOO-27"),
        (party("g", "guest"), PUPIL, Between(), "role_cannot_initiate", "MOO-12"),
        (PUPIL, party("g", "guest"), Between(), "no_relationship", "MOO-23"),
    ],
)
def test_moodle(
    sender: Party,
    recipient: Party | None,
    between: Between,
    expected: str,
    number: str,
) -> None:
    """The recipient's own choice would not count, or a teacher not be heard."""
    assert code("moodle", sender, recipient, between) == expected, number


def direct(preset: str, sender: Party, recipient: Party, deed: str = "send") -> str:
    conversation = ConversationRecord(id="x", kind="direct", state="open", title="")
    case = Case(
        PRESETS[preset], sender, recipient, conversation=conversation, member=True
    )
    return decide(deed, case).code  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("preset", "sender", "recipient", "expected", "number"),
    [
        ("ispring-limited", LEARNER, ADMIN, "", "ISP-4"),
        ("ispring-limited", INSTRUCTOR, LEARNER, "", "ISP-7"),
        ("ispring-limited", LEARNER, INSTRUCTOR, "", "ISP-7"),
        (
            "ispring-limited",
            LEARNER,
            party("i", "teacher"),
            "relationship_ended",
            "ISP-25",
        ),
        (
            "ispring-limited",
            LEARNER,
            party("i", "teacher", active=False),
            "relationship_ended",
            "ISP-24",
        ),
        ("tutoring", NORTH_TUTOR, NORTH_ADMIN, "", "TUT-20"),
        ("tutoring", STUDENT, OTHER, "relationship_ended", "TUT-34"),
        ("itslearning", PUPIL, STRANGER, "", "ITS-97"),
        ("moodle", PUPIL, STRANGER, "no_relationship", "MOO-17"),
    ],
)
def test_going_on(
    preset: str, sender: Party, recipient: Party, expected: str, number: str
) -> None:
    """Who was written to could not answer, or would go on when it has ended."""
    assert direct(preset, sender, recipient) == expected, number
