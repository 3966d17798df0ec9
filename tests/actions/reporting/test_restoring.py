"""If these fail, what was deleted too soon is lost, or comes back for no reason."""

import pytest

from chatd.actions import conversations, recovery
from chatd.actions.directory import kinds
from chatd.actions.reporting import restoring
from chatd_protocol.chat import directory, requests
from chatd_protocol.chat.objects import ConversationFacts
from chatd_protocol.chat.reporting.reports import RestoreConversation
from tests.actions.deeds import look, refused, report, report_whole, send, start, who
from tests.actions.reporting.test_reviewing import resolve
from tests.support.house import House


async def restore(school: House, person: str, id_: str) -> ConversationFacts:
    request = RestoreConversation(conversation_id=id_)
    return await restoring.restore(school.context, who(person), request)


async def delete(school: House, person: str, id_: str) -> None:
    request = requests.DeleteConversation(conversation_id=id_)
    await conversations.delete(school.context, who(person), request)


async def test_a_course_conversation_comes_back(school: House) -> None:
    """A teacher who deleted it in haste would have ended it for all (ITS-92, 104)."""
    course = await start(school, "anna", course="math")
    bad = await send(school, "tom", course.id)
    made = await report(school, "sue", bad.id)
    await delete(school, "anna", course.id)
    await refused("conversation_deleted", send(school, "sue", course.id))
    seat = directory.PutCourseMember(course_id="math", user_id="zed", role="student")
    await kinds.ROSTERS["course"].put_member(school.context, school.platform, seat)
    out = directory.DeleteCourseMember(course_id="math", user_id="uma")
    await kinds.ROSTERS["course"].delete_member(school.context, school.platform, out)
    await resolve(school, "anna", made.id)
    assert (await restore(school, "anna", course.id)).state == "open"
    for person in ("sue", "zed"):
        await send(school, person, course.id)
    await refused("not_enrolled", send(school, "uma", course.id))
    synced = await recovery.sync(
        school.context, who("tom"), requests.Sync(cursors={course.id: 0})
    )
    told = [type(one).__name__ for one in synced.conversations[0].events]
    assert told.index("ConversationDeleted") < told.index("ConversationRestored")
    assert (await restore(school, "anna", course.id)).state == "open", "twice is once"


async def test_a_group_comes_back_for_its_guest(school: House) -> None:
    """The guest who deleted it could not undo that (ITS-91, ITS-92)."""
    group = await start(school, "sue", "tom", "uma")
    made = await report_whole(school, "sue", group.id)
    opened = await look(school, "anna", made.id, enter=True)
    assert opened.conversation is not None
    await delete(school, "anna", group.id)
    assert "restore" not in (await look(school, "anna", made.id)).denied
    assert (await restore(school, "anna", group.id)).state == "open"
    await send(school, "tom", group.id)


@pytest.mark.parametrize("person", ["tom", "ben", "adam", "zed"])
async def test_only_through_the_report(school: House, person: str) -> None:
    """Anybody could undo a deletion, or learn that there was a report."""
    await school.people("ada", role="admin")
    course = await start(school, "anna", course="math")
    bad = await send(school, "tom", course.id)
    await delete(school, "anna", course.id)
    code = "forbidden" if person == "tom" else "not_found"
    for _ in range(2):
        await refused("forbidden", restore(school, "anna", course.id))
        await refused(code, restore(school, person, course.id))
        await report(school, "sue", bad.id, "adam" if person != "adam" else "ada")


async def test_not_beside_a_new_one(school: House) -> None:
    """A course would have two conversations, and nobody know which (section 1.7)."""
    course = await start(school, "anna", course="math")
    bad = await send(school, "tom", course.id)
    await report(school, "sue", bad.id)
    await delete(school, "anna", course.id)
    new = await start(school, "anna", course="math")
    assert new.id != course.id
    await refused("conversation_deleted", restore(school, "anna", course.id))
