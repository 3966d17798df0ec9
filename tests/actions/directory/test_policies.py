"""If these fail, a school's rules are not its own, or not those that hold."""

import pytest

from chatd.actions import conversations
from chatd.actions.directory import policies
from chatd.domain.announcements import PersonalMoved
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd_protocol.chat.policy import CheckPolicy, GetPolicy, PutPolicy
from chatd_protocol.chat.requests import GetConversation
from tests.actions.deeds import refused, send, start, who
from tests.support.house import TENANT, House

ADMIN = Caller(TENANT, "lms", frozenset({"admin"}))


@pytest.fixture
def school(full_school: House) -> House:
    return full_school


async def change(school: House, **fields: object) -> None:
    request = PutPolicy(tenant_id=TENANT, **fields)  # type: ignore[arg-type]
    await policies.put(school.context, ADMIN, request)


async def test_the_rules_can_be_read(school: House) -> None:
    """An administrator could not see what holds, or would see it of others."""
    answer = await policies.get(school.context, ADMIN, GetPolicy(tenant_id=TENANT))
    assert answer.preset == "itslearning"
    assert answer.policy["recipientsMax"] == 300
    assert answer.changed is None
    for caller, asked in ((ADMIN, "x"), (Caller("x", "lms"), TENANT)):
        with pytest.raises(Refused, match="not_found"):
            await policies.get(school.context, caller, GetPolicy(tenant_id=asked))
        with pytest.raises(Refused, match="not_found"):
            await policies.put(school.context, caller, PutPolicy(tenant_id=asked))


async def test_a_change_holds_at_once_and_is_told(school: House) -> None:
    """A rule would hold after the next start only, or behind people's backs."""
    group = await start(school, "anna", "sue", "tom")
    sent = await send(school, "sue", group.id)
    school.announced.clear()
    request = PutPolicy(tenant_id=TENANT, policy={"rights": {}, "editWindowS": 60})
    answer = await policies.put(school.context, ADMIN, request)
    assert set(answer.changed or ()) == {"rights", "editWindowS"}
    await refused("forbidden", send(school, "sue", group.id))
    moved = {one.user_id for one in school.announced if isinstance(one, PersonalMoved)}
    assert moved == {"anna", "sue", "tom"}
    get = GetConversation(conversation_id=group.id)
    shown = await conversations.get(school.context, who("sue"), get)
    assert shown.denied["send"] == "forbidden"
    await change(school)
    assert (await send(school, "sue", group.id)).seq > sent.seq


async def test_only_those_concerned_are_told(school: House) -> None:
    """Every change of a colour would wake a whole school."""
    group = await start(school, "anna", "sue", "tom")
    school.announced.clear()
    await change(school, policy={"badge": "conversations_and_requests"})
    assert not any(isinstance(one, PersonalMoved) for one in school.announced)
    await change(school, policy={"staff": {"roles": []}})
    moved = {one.user_id for one in school.announced if isinstance(one, PersonalMoved)}
    assert moved == {"anna"}, group.id


async def test_nonsense_is_refused_by_name_and_changes_nothing(school: House) -> None:
    """A misspelt rule would be taken for one that holds."""
    with pytest.raises(Refused) as caught:
        await change(school, policy={"recipentsMax": 3})
    assert caught.value.facts["errors"] == [
        {"pointer": "/policy/recipentsMax", "code": "unknown_field"}
    ]
    answer = await policies.get(school.context, ADMIN, GetPolicy(tenant_id=TENANT))
    assert answer.changed is None


async def ask(school: House, asker: str, **fields: object) -> tuple[bool, str | None]:
    request = CheckPolicy(**fields)  # type: ignore[arg-type]
    answer = await policies.check(school.context, who(asker), request)
    return answer.allowed, answer.code


async def test_may_a_do_this_to_b(school: House) -> None:
    """A platform would show a link that leads nowhere, or hide one that would not."""
    group = await start(school, "anna", "sue", "tom")
    sent = await send(school, "sue", group.id)
    no = "no_relationship"
    assert await ask(school, "sue", action="initiate", user_id="anna") == (True, None)
    assert await ask(school, "sue", action="initiate", user_id="ben") == (False, no)
    assert await ask(school, "sue", action="initiate", user_id="ghost") == (False, no)
    assert await ask(school, "sue", action="start", kind="group", count=301) == (
        False,
        "too_many_recipients",
    )
    start_course = {"action": "start", "kind": "course", "roster_id": "math"}
    assert await ask(school, "sue", **start_course) == (True, None)
    assert await ask(school, "zed", **start_course) == (False, "not_enrolled")
    here = {"conversation_id": group.id}
    assert await ask(school, "sue", action="close", **here) == (False, "forbidden")
    assert await ask(school, "anna", action="close", **here) == (True, None)
    edit = {"action": "edit", "message_id": sent.id}
    assert await ask(school, "sue", **edit) == (True, None)
    assert await ask(school, "tom", **edit) == (False, "forbidden")
    await refused("not_found", ask(school, "zed", action="send", **here))
    await refused("not_found", ask(school, "zed", **edit))
    await refused("invalid_request", ask(school, "sue", action="send"))
    await refused("invalid_request", ask(school, "sue", action="initiate"))
