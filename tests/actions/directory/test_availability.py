"""If these fail, stated hours are not shown, or show where policy hides them."""

import msgspec
import pytest

from chatd.actions import conversations, members
from chatd.actions.directory import availability, people
from chatd.domain.announcements import Hinted, PersonalMoved
from chatd.errors import Refused
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.directory import Availability, OpenHours, PutUser
from chatd_protocol.chat.objects import Participant, StatedAvailability
from chatd_protocol.chat.requests import (
    GetConversation,
    ListConversations,
    ListParticipants,
)
from tests.actions.deeds import start, who
from tests.support.house import House

# The house begins on a Friday at 04:40 in the morning, UTC.
HOURS = Availability(
    time_zone="Europe/Oslo", hours=(OpenHours(day=5, start="06:00", end="08:00"),)
)
HOUR_MS = 3_600_000


def anna(hours: Availability | None = HOURS) -> PutUser:
    return PutUser(user_id="anna", name="Anna", roles=("teacher",), availability=hours)


@pytest.fixture
async def tutoring(school: House) -> House:
    await school.write(PutTenant("School", "tutoring"))
    await people.put(school.context, school.platform, anna())
    await school.people("sue")
    await school.course("maths", anna="teacher", sue="student")
    return school


async def opened(school: House, reader: str, id_: str) -> StatedAvailability | None:
    request = GetConversation(conversation_id=id_)
    shown = await conversations.get(school.context, who(reader), request)
    assert shown.participants is not None
    return shown.participants[0].availability


async def test_the_conversation_that_one_opens_tells_whether_it_is_open(
    tutoring: House,
) -> None:
    """A student would write at night and wait for an answer (TUT-30, TUT-32)."""
    id_ = (await start(tutoring, "sue", "anna")).id
    before = await opened(tutoring, "sue", id_)
    assert before is not None
    assert (before.time_zone, before.hours[0].start) == ("Europe/Oslo", "06:00")
    assert (before.available_now, before.next_opening) == (
        False,
        "2025-11-21T05:00:00.000Z",
    )
    tutoring.clock.at_ms += HOUR_MS
    within = await opened(tutoring, "sue", id_)
    assert within is not None
    assert (within.available_now, within.next_opening) == (True, None)
    # She herself is told nothing of her own.
    assert await opened(tutoring, "anna", id_) is None


async def test_lists_show_the_hours_without_a_hint(tutoring: House) -> None:
    """A list that is kept for hours would say what was true when it was read."""
    id_ = (await start(tutoring, "sue", "anna")).id
    page = await conversations.page(tutoring.context, who("sue"), ListConversations())
    people_of = await members.page(
        tutoring.context, who("sue"), ListParticipants(conversation_id=id_)
    )
    listed = (page.conversations[0].participants or ())[0]
    named = {one.id: one for one in people_of.participants}["anna"]
    for one in (listed, named):
        assert one.availability is not None
        assert one.availability.hours[0].end == "08:00"
        assert one.availability.available_now is None


async def test_other_platforms_show_nothing(tutoring: House) -> None:
    """A school that has no such rule would publish when its teachers work (TUT-31)."""
    id_ = (await start(tutoring, "sue", "anna")).id
    await tutoring.write(PutTenant("School", "itslearning"))
    assert await opened(tutoring, "sue", id_) is None


async def test_another_time_changes_looks_and_no_rights(tutoring: House) -> None:
    """Clients would show hours of last term, or all ask for their rights anew."""
    await start(tutoring, "sue", "anna")
    tutoring.announced.clear()
    later = msgspec.structs.replace(HOURS, time_zone="Europe/Helsinki")
    await people.put(tutoring.context, tutoring.platform, anna(later))
    (hint,) = [one for one in tutoring.announced if isinstance(one, Hinted)]
    told = hint.event.user.availability  # type: ignore[attr-defined]
    assert told.time_zone == "Europe/Helsinki"
    assert not [one for one in tutoring.announced if isinstance(one, PersonalMoved)]


@pytest.mark.parametrize(
    ("hours", "pointer"),
    [
        (Availability(time_zone="Europe/Nowhere", hours=()), "/availability/timeZone"),
        (
            Availability(
                time_zone="UTC", hours=(OpenHours(day=1, start="20:00", end="06:00"),)
            ),
            "/availability/hours/0/end",
        ),
    ],
)
async def test_hours_that_are_none(
    school: House, hours: Availability, pointer: str
) -> None:
    """A tutor would state hours that nobody ever sees."""
    with pytest.raises(Refused) as caught:
        await people.put(school.context, school.platform, anna(hours))
    assert caught.value.facts["errors"][0]["pointer"] == pointer  # type: ignore[index]


def test_who_states_nothing() -> None:
    """Everybody without hours would seem to be away."""
    shown = Participant(id="sue", name="Sue", role="member")
    assert availability.hinted(shown, 0) is shown
    assert availability.written(None) is None
