"""If these fail, a conversation starts twice, with the wrong people, or not at all."""

import pytest

from chatd.actions.starting import start as starting
from chatd.errors import Refused
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.requests import FirstMessage, Recipient, StartConversation
from tests.actions.deeds import fresh, refused, send, start, together, who
from tests.support.house import House


async def test_two_people_have_one_conversation(school: House) -> None:
    """A pair would talk past each other (ITS-45, MOO-31)."""
    first = await start(school, "sue", "tom")
    assert (first.kind, first.participant_count) == ("direct", 2)
    assert (await start(school, "tom", "sue")).id == first.id
    both = await together(start(school, "anna", "uma"), start(school, "uma", "anna"))
    assert len({one.id for one in both if not isinstance(one, BaseException)}) == 1


async def test_a_course_has_one_conversation_with_all_its_people(
    school: House,
) -> None:
    """A course would be split, or somebody left out (ITS-17)."""
    started = await start(school, "sue", course="math")
    assert (started.kind, started.participant_count) == ("course", 4)
    assert (started.title, started.course_id) == ("Math", "math")
    assert (await start(school, "anna", course="math")).id == started.id
    await refused("not_enrolled", start(school, "zed", course="math"))
    await refused("not_enrolled", start(school, "zed", course="no-such"))


async def test_a_group_is_of_those_who_may_be_written_to(school: House) -> None:
    """A student would be drawn into a stranger's group, or nobody told why (ITS-54)."""
    request = StartConversation(
        recipients=tuple(Recipient(kind="user", id=id_) for id_ in ("tom", "zed", "?")),
        client_request_id="r",
        title="Team",
    )
    started = await starting.start(school.context, who("sue"), request)
    codes = {one.user_id: one.code for one in started.refused}
    assert codes == {"zed": "no_relationship", "?": "no_relationship"}
    assert started.conversation is not None
    assert started.conversation.participant_count == 2
    assert started.conversation.kind == "group"
    await refused("no_relationship", start(school, "sue", "zed"))


async def test_a_repeated_request_starts_nothing(school: House) -> None:
    """A client that lost the answer would start it twice, and greet twice."""
    request = StartConversation(
        recipients=(Recipient(kind="user", id="tom"), Recipient(kind="user", id="uma")),
        client_request_id="r",
        message=FirstMessage(text="hello"),
    )
    answers = await together(
        *(starting.start(school.context, who("sue"), request) for _ in range(8))
    )
    started = [one for one in answers if not isinstance(one, BaseException)]
    assert len(started) == 8
    (known,) = {one.conversation.id for one in started if one.conversation}
    conversation = started[-1].conversation
    assert conversation is not None
    assert (conversation.id, conversation.head_seq) == (known, 2)
    assert conversation.last_message is not None
    assert conversation.last_message.text == "hello"
    other = StartConversation(
        recipients=(Recipient(kind="user", id="tom"),), client_request_id="r"
    )
    await refused(
        "idempotency_conflict", starting.start(school.context, who("sue"), other)
    )


@pytest.mark.parametrize(("count", "allowed"), [(300, True), (301, False)])
async def test_three_hundred_are_allowed_and_one_more_is_not(
    school: House, count: int, *, allowed: bool
) -> None:
    """The limit would be off by one, or count a person twice (ITS-49 … 52)."""
    names = [f"n{number}" for number in range(count)]
    await school.write(*(PutPerson(id_, id_, ("student",)) for id_ in names))
    recipients = [Recipient(kind="user", id=id_) for id_ in (*names[:300], names[0])]
    if not allowed:
        recipients[-1] = Recipient(kind="user", id=names[300])
    request = StartConversation(recipients=tuple(recipients), client_request_id=fresh())
    if allowed:
        started = await starting.start(school.context, who("adam"), request)
        assert started.conversation is not None
        assert started.conversation.participant_count == 301
    else:
        refusal = await refused(
            "too_many_recipients", starting.start(school.context, who("adam"), request)
        )
        assert refusal.facts == {"count": 301, "max": 300}


@pytest.mark.parametrize(
    ("recipients", "mode", "pointer"),
    [
        ([("user", "sue")], None, "/recipients"),
        ([("unit", "u")], None, "/recipients/0/kind"),
        ([("user", "tom"), ("user", "uma")], "individual", "/message"),
    ],
)
async def test_what_cannot_be_started_is_named(
    school: House, recipients: list[tuple[str, str]], mode: str | None, pointer: str
) -> None:
    """A client would not know what to change in its request."""
    request = StartConversation(
        recipients=tuple(Recipient(kind=k, id=i) for k, i in recipients),  # type: ignore[arg-type]
        client_request_id=fresh(),
        mode=mode,  # type: ignore[arg-type]
    )
    with pytest.raises(Refused) as caught:
        await starting.start(school.context, who("sue"), request)
    assert caught.value.code == "invalid_request"
    assert str(caught.value.facts["errors"]).find(pointer) > 0


async def test_one_personal_space_for_each(school: House) -> None:
    """Notes to oneself would be lost among several, or be there for others (MOO-32)."""
    await school.write(PutTenant("School", "moodle"))
    own = await start(school, "sue", "sue")
    assert (own.kind, own.participant_count, own.starred) == ("self", 1, True)
    assert (await start(school, "sue", "sue")).id == own.id
    assert (await start(school, "tom", "tom")).id != own.id
    await send(school, "sue", own.id, "note")
    await refused("not_found", send(school, "tom", own.id))


async def test_platforms_without_groups_start_none(school: House) -> None:
    """A tutoring platform would have group talks (TUT-1, MOO-49)."""
    for preset in ("tutoring", "moodle"):
        await school.write(PutTenant("School", preset))
        await refused("forbidden", start(school, "anna", "sue", "tom"))
    await school.write(PutTenant("School", "ispring-limited"))
    await refused("role_cannot_initiate", start(school, "sue", "tom", "uma"))
