"""If these fail, a course's conversation holds other people than the course."""

import asyncio

import pytest

from chatd.actions.directory import people, rosters
from chatd.domain.announcements import Logged
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store import conversations, members
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember, RemoveRosterMember
from chatd_protocol.chat.directory import DeleteUser
from tests.support.house import TENANT, House


def place(user_id: str, role: str = "student", course: str = "math") -> PutRosterMember:
    return PutRosterMember("course", course, user_id, role)


async def enrol(school: House, wanted: PutRosterMember) -> None:
    await rosters.put_member(school.context, school.platform, wanted)


async def inside(school: House, conversation: str = "c") -> set[str]:
    read = school.context.store.read
    return set(await read(members.current_ids, TENANT, conversation))


@pytest.fixture
async def math(school: House) -> House:
    """A course of two with its conversation, and one who is not on it."""
    await school.people("anna", "ben", "carl")
    await school.course("math", anna="teacher", ben="student")
    await school.conversation(
        "c",
        "anna",
        "ben",
        kind="course",
        title="Math",
        roster_kind="course",
        roster_id="math",
    )
    school.announced.clear()
    return school


def logged(school: House) -> list[str]:
    found = [a.kind for a in school.announced if isinstance(a, Logged)]
    school.announced.clear()
    return found


async def test_who_joins_the_course_joins_its_conversation(math: House) -> None:
    """A new student would not see the course's messages (ITS-18)."""
    await enrol(math, place("carl"))
    assert await inside(math) == {"anna", "ben", "carl"}
    assert logged(math) == ["participants.added"]
    await enrol(math, place("carl"))
    assert math.announced == []


async def test_who_leaves_the_course_leaves_its_conversation(math: House) -> None:
    """A former student would read on (ITS-19)."""
    gone = RemoveRosterMember("course", "math", "ben")
    await rosters.delete_member(math.context, math.platform, gone)
    assert await inside(math) == {"anna"}
    assert logged(math) == ["participants.removed"]
    await rosters.delete_member(math.context, math.platform, gone)
    assert math.announced == []


async def test_another_role_is_told_and_nobody_joins_twice(math: House) -> None:
    """A student made teacher would not be offered what teachers may do."""
    await enrol(math, place("ben", "teacher"))
    assert logged(math) == []
    found = await rosters.get(math.context, math.platform, "course", "math")
    assert found.size == 2


async def test_inactive_people_join_and_deleted_ones_do_not(math: House) -> None:
    """Somebody switched on again would miss a course, or a deleted person be in it."""
    await math.write(PutPerson("carl", "Carl", ("student",), active=False))
    await enrol(math, place("carl"))
    assert await inside(math) == {"anna", "ben", "carl"}
    await people.delete(math.context, math.platform, DeleteUser(user_id="carl"))
    assert await inside(math) == {"anna", "ben"}
    with pytest.raises(Refused, match="not_found"):
        await enrol(math, place("carl"))


async def test_strangers(math: House) -> None:
    """A wrong id would be taken, or tell what another tenant has."""
    for wanted in (place("nobody"), place("carl", course="none")):
        with pytest.raises(Refused, match="not_found"):
            await enrol(math, wanted)
    other = Caller("other", "lms", frozenset({"directory"}))
    for deed in (
        rosters.put_member(math.context, other, place("carl")),
        rosters.get(math.context, other, "course", "math"),
        rosters.put(math.context, other, PutRoster("course", "x", "X")),
    ):
        with pytest.raises(Refused, match="not_found"):
            await deed
    await rosters.delete(math.context, other, "course", "math")
    assert await inside(math) == {"anna", "ben"}


async def test_the_conversation_is_called_like_its_course(math: House) -> None:
    """A renamed course would keep its old name in the list."""
    renamed = PutRoster("course", "math", "Algebra")
    await rosters.put(math.context, math.platform, renamed)
    assert logged(math) == ["conversation.renamed"]
    record = await math.context.store.read(conversations.record, TENANT, "c")
    assert record is not None
    assert record.title == "Algebra"


async def test_a_deleted_course_can_be_read_only(math: House) -> None:
    """People would write into a course that is over."""
    await rosters.delete(math.context, math.platform, "course", "math")
    record = await math.context.store.read(conversations.record, TENANT, "c")
    assert record is not None
    assert record.state == "deleted"
    with pytest.raises(Refused, match="not_found"):
        await rosters.get(math.context, math.platform, "course", "math")


async def test_many_at_once(math: House) -> None:
    """Parallel imports would lose an enrolment, or a participant."""
    names = [f"s{n}" for n in range(8)]
    await math.people(*names)
    async with asyncio.timeout(60):
        for name in names:
            await enrol(math, place(name))
    assert await inside(math) == {"anna", "ben", *names}
    found = await rosters.get(math.context, math.platform, "course", "math")
    assert found.size == 10


async def test_what_is_above_must_exist(school: House) -> None:
    """A tree of units would have a hole or a ring."""

    async def put(kind: str, id_: str, **above: str) -> None:
        wanted = PutRoster(kind, id_, id_, **above)
        await rosters.put(school.context, school.platform, wanted)

    await put("unit", "top")
    await put("unit", "below", parent_id="top")
    for kind, id_, above, code in (
        ("unit", "x", {"parent_id": "none"}, "unknown"),
        ("unit", "top", {"parent_id": "below"}, "below_itself"),
        ("unit", "top", {"parent_id": "top"}, "below_itself"),
        ("group", "g", {"course_id": "none"}, "unknown"),
    ):
        with pytest.raises(Refused) as caught:
            await put(kind, id_, **above)
        pointer = "/courseId" if kind == "group" else "/parentId"
        expected = [{"pointer": pointer, "code": code}]
        assert caught.value.facts["errors"] == expected
