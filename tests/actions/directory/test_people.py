"""If these fail, the platform's people are not those who use the chat."""

import pytest

from chatd.actions.directory import people
from chatd.domain.announcements import Hinted, PersonalMoved, SessionsEnded
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store import members, rosters
from chatd.store import people as stored
from chatd_protocol.chat.directory import (
    Availability,
    DeleteUser,
    GetUser,
    OpenHours,
    PutUser,
)
from chatd_protocol.chat.events import UserUpdated
from tests.support.house import TENANT, House


def anna(**changes: object) -> PutUser:
    values: dict = {"user_id": "anna", "name": "Anna", "roles": ("teacher",)}
    return PutUser(**values | changes)


async def get(school: House, user_id: str = "anna") -> object:
    return await people.get(school.context, school.platform, GetUser(user_id=user_id))


async def moved(school: House) -> set[str]:
    """Who was told something since the last look."""
    told = {a.user_id for a in school.announced if isinstance(a, PersonalMoved)}
    school.announced.clear()
    return told


async def test_what_was_put_is_got(school: House) -> None:
    """A field would be lost on the way, or kept when it was taken back."""
    hours = OpenHours(day=1, start="08:00", end="16:30")
    full = anna(
        title="Dr",
        email="a@b.example",
        avatar_url="https://b.example/a.png",
        messaging_disabled=True,
        privileges=("mass",),
        availability=Availability(time_zone="Europe/Oslo", hours=(hours,)),
        guardian_of=("kid",),
        supervises=("ben",),
    )
    answer = await people.put(school.context, school.platform, full)
    assert answer == await get(school)
    assert answer.availability == full.availability
    assert answer.guardian_of == ("kid",)
    bare = await people.put(school.context, school.platform, anna())
    assert bare == await get(school)
    assert (bare.title, bare.privileges, bare.messaging_disabled) == (None, None, False)


async def test_the_same_again_writes_nothing(school: House) -> None:
    """A nightly import of everybody would wake every client."""
    await people.put(school.context, school.platform, anna())
    school.announced.clear()
    await people.put(school.context, school.platform, anna())
    assert school.announced == []


async def test_strangers_are_not_found(school: House) -> None:
    """A platform would see another's people, or write into nowhere."""
    await people.put(school.context, school.platform, anna())
    other = Caller("other", "lms", frozenset({"directory"}))
    with pytest.raises(Refused, match="not_found"):
        await people.get(school.context, other, GetUser(user_id="anna"))
    with pytest.raises(Refused, match="not_found"):
        await people.put(school.context, other, anna())
    with pytest.raises(Refused, match="not_found"):
        await get(school, "nobody")


async def test_switching_off_ends_sessions(school: House) -> None:
    """A person who left the school would stay connected."""
    await people.put(school.context, school.platform, anna())
    await people.put(school.context, school.platform, anna(active=False))
    ended = [a for a in school.announced if isinstance(a, SessionsEnded)]
    assert [(a.tenant, a.user_id) for a in ended] == [(TENANT, "anna")]
    record = await school.context.store.read(stored.get, TENANT, "anna")
    assert record is not None
    assert record.tokens_valid_from_ms == school.clock.at_ms + 1


async def test_changed_rights_are_told(school: House) -> None:
    """A client would offer what is refused, until somebody reloads it."""
    await school.people("anna", "ben", "carl", role="teacher")
    await school.conversation("direct", "anna", "ben", kind="direct", direct_key="k")
    await school.conversation("group", "anna", "carl")
    await moved(school)
    await people.put(school.context, school.platform, anna(name="Anna B"))
    assert await moved(school) == set()
    disabled = anna(name="Anna B", messaging_disabled=True)
    await people.put(school.context, school.platform, disabled)
    assert await moved(school) == {"anna", "ben"}


async def test_a_new_name_is_hinted(school: House) -> None:
    """Others would see the old name and face until they load anew."""
    await school.people("anna", "ben", role="teacher")
    await school.conversation("g", "anna", "ben")
    await people.put(school.context, school.platform, anna())
    school.announced.clear()
    await people.put(school.context, school.platform, anna(name="Anna Berg"))
    (hint,) = [a for a in school.announced if isinstance(a, Hinted)]
    assert (hint.conversation_id, hint.actor_id) == ("g", "anna")
    assert isinstance(hint.event, UserUpdated)
    assert hint.event.user.name == "Anna Berg"


async def test_deleting(school: House) -> None:
    """A deleted person would still be in courses and groups, or be found."""
    await school.people("anna", "ben")
    await school.course("math", anna="student", ben="student")
    await school.conversation(
        "c", "anna", "ben", kind="course", roster_kind="course", roster_id="math"
    )
    await school.conversation("d", "anna", "ben", kind="direct", direct_key="k")
    gone = DeleteUser(user_id="anna")
    await people.delete(school.context, school.platform, gone)
    with pytest.raises(Refused, match="not_found"):
        await get(school)
    read = school.context.store.read
    assert tuple(await read(members.current_ids, TENANT, "c")) == ("ben",)
    assert set(await read(members.current_ids, TENANT, "d")) == {"anna", "ben"}
    assert await read(rosters.member_ids, TENANT, "course", "math") == ("ben",)
    assert any(isinstance(a, SessionsEnded) for a in school.announced)
    school.announced.clear()
    await people.delete(school.context, school.platform, gone)
    await people.delete(school.context, school.platform, DeleteUser(user_id="x"))
    assert school.announced == []
    await people.put(school.context, school.platform, anna())
    await get(school)
