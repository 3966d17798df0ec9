"""If these fail, people come into a conversation, or leave it, who should not."""

from chatd.actions import members
from chatd_protocol.chat.requests import (
    AddParticipants,
    ListParticipants,
    RemoveParticipant,
)
from tests.actions.deeds import refused, start, who
from tests.support.house import House


async def test_adding_people(school: House) -> None:
    """Somebody would be added against the rules, or silently not at all (ITS-69)."""
    group = await start(school, "sue", "tom", "anna")
    wanted = AddParticipants(conversation_id=group.id, user_ids=("uma", "zed", "tom"))
    added = await members.add(school.context, who("sue"), wanted)
    assert [(one.user_id, one.code) for one in added.refused] == [
        ("zed", "no_relationship")
    ]
    assert added.conversation.participant_count == 4
    again = await members.add(school.context, who("sue"), wanted)
    assert again.conversation.head_seq == added.conversation.head_seq
    await refused("not_found", members.add(school.context, who("zed"), wanted))
    direct = await start(school, "sue", "tom")
    wrong = AddParticipants(conversation_id=direct.id, user_ids=("uma",))
    await refused("forbidden", members.add(school.context, who("sue"), wrong))


async def test_removing_people(school: House) -> None:
    """A student would throw others out, or a teacher could not (ITS-64 … 67)."""
    group = await start(school, "sue", "tom", "anna")
    wanted = RemoveParticipant(conversation_id=group.id, user_id="tom")
    await refused("forbidden", members.remove(school.context, who("sue"), wanted))
    left = await members.remove(school.context, who("anna"), wanted)
    assert left.participant_count == 2
    again = await members.remove(school.context, who("anna"), wanted)
    assert again.head_seq == left.head_seq
    course = await start(school, "sue", course="math")
    wanted = RemoveParticipant(conversation_id=course.id, user_id="tom")
    await refused("forbidden", members.remove(school.context, who("anna"), wanted))


async def test_the_list_says_who_they_are_to_you(school: House) -> None:
    """A participant would be missing, or nobody known by role (ITS-26, ITS-27)."""
    course = await start(school, "sue", course="math")
    request = ListParticipants(conversation_id=course.id, limit=3)
    first = await members.page(school.context, who("anna"), request)
    assert (first.count, len(first.participants)) == (4, 3)
    assert first.next is not None
    request = ListParticipants(conversation_id=course.id, cursor=first.next)
    rest = await members.page(school.context, who("anna"), request)
    people = {one.id: one for one in (*first.participants, *rest.participants)}
    assert set(people) == {"anna", "sue", "tom", "uma"}
    assert (people["anna"].role, people["sue"].role) == ("teacher", "student")
    assert people["sue"].relations == ("teacherOf:math",)
    assert rest.next is None
    await refused("not_found", members.page(school.context, who("zed"), request))
