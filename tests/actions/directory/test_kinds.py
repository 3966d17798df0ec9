"""If these fail, one kind of roster is read or shown as another."""

import pytest

from chatd.actions.directory.kinds import ROSTERS
from chatd_protocol.chat import directory
from chatd_protocol.chat.base import Request, Shape
from tests.support.house import House


@pytest.mark.parametrize(
    ("request_", "shown"),
    [
        (
            directory.PutCourse(course_id="a/b", name="N", url="https://x.example"),
            directory.Course(
                id="a/b", name="N", member_count=0, url="https://x.example"
            ),
        ),
        (
            directory.PutProject(project_id="p", name="N"),
            directory.Project(id="p", name="N", member_count=0),
        ),
        (
            directory.PutGroup(
                group_id="g", course_id="c", name="N", kind="batch", messaging=False
            ),
            directory.Group(
                id="g",
                course_id="c",
                name="N",
                kind="batch",
                messaging=False,
                member_count=0,
            ),
        ),
        (
            directory.PutUnit(unit_id="u", name="N"),
            directory.Unit(id="u", name="N", member_count=0),
        ),
    ],
    ids=["course", "project", "group", "unit"],
)
async def test_each_kind(school: House, request_: Request, shown: Shape) -> None:
    """A field of one kind would be lost."""
    await school.course("c")
    kind = type(request_).__name__.removeprefix("Put").lower()
    deeds = ROSTERS[kind]  # type: ignore[index]
    assert await deeds.put(school.context, school.platform, request_) == shown
    assert await deeds.get(school.context, school.platform, request_) == shown
    await deeds.delete(school.context, school.platform, request_)
