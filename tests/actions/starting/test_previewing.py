"""If these fail, a choice is offered that there is not, or refused without a word.

The choice of ITS-44, and the table of ITS-45 … ITS-52 (ITS-135), row by row.
"""

import pytest

from chatd.actions.starting import previewing
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.requests import PreviewRecipients, Recipient
from chatd_protocol.chat.results import RecipientsPreview
from tests.actions.deeds import refused, start, who
from tests.support.databases import execute
from tests.support.house import House

BOTH = ("group", "individual")


@pytest.fixture
async def crowded(school: House) -> House:
    """Anna teaches c300 and c301, of that many people, and half, which is in both."""
    everybody = [f"n{number}" for number in range(400)]
    await school.write(*(PutPerson(id_, id_, ("student",)) for id_ in everybody))
    for name, people in (
        ("c300", everybody[:299]),
        ("c301", everybody[:300]),
        ("half", everybody[200:300]),
        ("rest", everybody[200:400]),
    ):
        await school.write(
            PutRoster("course", name, name),
            PutRosterMember("course", name, "anna", "teacher"),
            *(PutRosterMember("course", name, id_, "student") for id_ in people),
        )
    return school


async def preview(
    school: House, asker: str, *recipients: tuple[str, str]
) -> RecipientsPreview:
    request = PreviewRecipients(
        recipients=tuple(Recipient(kind=k, id=i) for k, i in recipients)  # type: ignore[arg-type]
    )
    return await previewing.preview(school.context, who(asker), request)


USERS = (("user", "n1"), ("user", "n2"))
CASES = {
    "ITS-45 one person": ((USERS[0],), 1, "direct", (), None),
    "ITS-46 several people": (USERS, 2, "group", BOTH, None),
    "ITS-47 a course of 300": ((("course", "c300"),), 299, "course", BOTH, None),
    "ITS-48 a course of 301": ((("course", "c301"),), 300, "course", BOTH, None),
    "ITS-49 a large course and more": (
        (("course", "c301"), ("user", "n399")),
        301,
        "group",
        (),
        "too_many_recipients",
    ),
    "ITS-50 a union that is too large": (
        (("course", "c300"), ("course", "rest")),
        400,
        "group",
        BOTH,
        None,
    ),
    "ITS-50 people in both are counted once": (
        (("course", "c300"), ("course", "half")),
        300,
        "group",
        BOTH,
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_the_table(crowded: House, name: str) -> None:
    """A row of the table would not be what is offered."""
    recipients, count, kind, modes, code = CASES[name]
    found = await preview(crowded, "anna", *recipients)
    assert (found.count, found.kind, found.modes, found.code) == (
        count,
        kind,
        modes,
        code,
    )
    assert found.max == 300


async def test_a_course_beyond_the_limit_has_its_conversation_only(
    crowded: House,
) -> None:
    """A large course could not talk, or be written to one by one (ITS-48, 51)."""
    await crowded.write(PutRosterMember("course", "c301", "n399", "student"))
    found = await preview(crowded, "anna", ("course", "c301"))
    assert (found.count, found.kind, found.modes) == (301, "course", ())
    started = await start(crowded, "anna", course="c301")
    assert started.participant_count == 302


async def test_who_may_not_be_written_to_is_told_before(school: House) -> None:
    """The sender would learn it after the fact (ITS-119)."""
    found = await preview(school, "sue", ("user", "tom"), ("user", "zed"))
    assert [(one.user_id, one.code) for one in found.refused] == [
        ("zed", "no_relationship")
    ]
    await refused("not_enrolled", preview(school, "zed", ("course", "math")))


async def test_where_there_are_no_groups_there_is_no_choice(school: House) -> None:
    """A tutoring platform would offer group talks (TUT-1)."""
    await school.write(PutTenant("School", "tutoring"))
    found = await preview(school, "sue", ("user", "anna"), ("user", "tom"))
    assert found.modes == ()


async def test_more_people_than_a_statement_takes(school: House, database: str) -> None:
    """Whoever teaches very large courses would be told of an error of ours."""
    for name in ("huge", "vast"):
        await school.course(name, anna="teacher")
        seat = f"'{name}', '{name}-' || n, 'student'"
        await execute(
            database,
            "WITH RECURSIVE seat (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seat"
            " WHERE n < 20000) INSERT INTO roster_member"
            f" SELECT 'school', 'course', {seat} FROM seat",
        )
    found = await preview(school, "anna", ("course", "huge"), ("course", "vast"))
    assert (found.count, found.code) == (40_000, "too_many_recipients")
