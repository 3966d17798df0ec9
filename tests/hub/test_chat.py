"""The hub over real WebSockets: what people see of each other, and who is refused."""

import asyncio
import json
from contextlib import AsyncExitStack

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from chatd.errors import Refused
from chatd.hub.rooms import Presence
from chatd.identity.claims import Identity
from chatd.signalr.crowds import gate as crowds_gate
from chatd.signalr.crowds.gate import AT_ONCE
from chatd.signalr.requests import Handshake
from chatd.store.members import Join, NewMember
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant
from tests.hub.conftest import OpenHouse
from tests.hub.peers import TENANT, CallError, House, Peer
from tests.support.waiting import wait_until


async def say(peer: Peer, text: str, room: str = "physics") -> dict:
    return await peer.call(
        "SendMessage", conversationId=room, clientMessageId=text, text=text
    )


def texts(peer: Peer) -> list[tuple[int, str]]:
    found = peer.events("message.created")
    return [(event["seq"], event["message"]["text"]) for event in found]


async def test_all_devices_in_step(school: House) -> None:
    """Somebody's second device, or the author's own, would miss messages."""
    await school.group("physics", "anna", "ben")
    devices = [await school.join(user) for user in ("anna", "ben", "ben", "anna")]
    stranger = await school.join("carl")
    for number in range(5):
        await say(devices[number % 4], f"text {number}")
    for device in devices:
        await device.event("message.created", 5)
        assert texts(device) == [(n + 2, f"text {n}") for n in range(5)]
        assert {target for target, _ in device.told} == {"MessageCreated"}
    assert stranger.told == []


async def test_one_target_for_all(school: House) -> None:
    """`?events=single` would have to be known to be ignored by every client."""
    await school.group("physics", "anna", "ben")
    single = await school.join("ben", {"events": "single"})
    other = await school.join("ben")
    anna = await school.join("anna")
    await say(anna, "hello")
    await anna.call("RenameConversation", conversationId="physics", title="Optics")
    for device in (single, other):
        await device.event("conversation.renamed")
    assert [target for target, _ in single.told] == ["Event", "Event"]
    assert [target for target, _ in other.told] == [
        "MessageCreated",
        "ConversationRenamed",
    ]
    assert single.events() == other.events()


async def test_personal_events_reach_all_devices_of_one(school: House) -> None:
    """A message read on the phone would stay unread on the desk."""
    await school.group("physics", "anna", "ben")
    phone, desk = await school.join("ben"), await school.join("ben")
    anna = await school.join("anna")
    await say(anna, "hello")
    await phone.call("MarkRead", conversationId="physics", seq=2)
    moved = await desk.event("read.moved")
    assert (moved["conversationId"], moved["readSeq"]) == ("physics", 2)
    assert moved == await phone.event("read.moved")
    await phone.call("SetConversationPreferences", conversationId="physics", muted=True)
    changed = await desk.event("preferences.changed")
    assert changed["muted"] is True
    assert changed["personalSeq"] > moved["personalSeq"]
    assert anna.events("read.moved", "preferences.changed") == []


async def test_a_new_member_hears_at_once(school: House) -> None:
    """Who is added would hear nothing before the next connection."""
    await school.group("physics", "anna", "ben")
    anna, carl = await school.join("anna"), await school.join("carl")
    await say(anna, "before")
    await school.write(Join("physics", (NewMember("carl"),), "anna"))
    joined = await carl.event("conversation.joined")
    assert joined["conversation"]["id"] == "physics"
    await say(anna, "after")
    await carl.event("message.created")
    log = [event["seq"] for event in carl.events() if "seq" in event]
    assert log == [3, 4]


async def test_typing_is_told_to_others_only(school: House) -> None:
    """People would see themselves typing, or nobody would."""
    await school.group("physics", "anna", "ben")
    anna, ben = await school.join("anna"), await school.join("ben")
    second, carl = await school.join("anna"), await school.join("carl")
    assert await anna.call("Typing", conversationId="physics") == {}
    hint = await ben.event("typing")
    assert hint["actor"] == {"id": "anna", "name": "Anna"}
    assert "seq" not in hint
    await say(ben, "stop")
    await second.event("message.created")
    assert anna.events("typing") == second.events("typing") == []
    assert (await carl.refusal("Typing", {"conversationId": "physics"})).code == (
        "not_found"
    )


async def talk_on(peer: Peer) -> None:
    for number in range(100):
        await say(peer, f"more {number}")


async def test_rates_are_bounded(opening: OpenHouse) -> None:
    """One person could send without end, by a second device at the latest."""
    school = await opening(sendsBurst=2, sendsPerSecond=1)
    await school.group("physics", "anna", "ben")
    anna, again = await school.join("anna"), await school.join("anna")
    ben = await school.join("ben")
    await say(anna, "one")
    await say(again, "two")
    # One a second comes back: of many in a row one is too many, on any machine.
    with pytest.raises(CallError) as refused:
        await talk_on(anna)
    assert refused.value.code == "rate_limited"
    assert refused.value.facts == {"retryAfter": 1}
    await say(ben, "mine are not spent")


async def test_rates_can_be_raised(opening: OpenHouse) -> None:
    """A load test would measure the limits."""
    school = await opening(sends_burst=200)
    await school.group("physics", "anna", "ben")
    anna = await school.join("anna")
    for number in range(60):
        await say(anna, str(number))


@pytest.mark.parametrize(
    ("argument", "pointer", "code"),
    [
        ({"filter": "all", "colour": "red"}, "/colour", "unknown_field"),
        ({"limit": 0}, "/limit", "too_small"),
        ({"limit": "ten"}, "/limit", "wrong_type"),
        ([], "", "wrong_type"),
        ("all", "", "wrong_type"),
        (None, "", "wrong_type"),
    ],
)
async def test_wrong_requests_are_named(
    school: House, argument: object, pointer: str, code: str
) -> None:
    """A client's author would have to guess which field is wrong."""
    anna = await school.join("anna")
    refused = await anna.refusal("ListConversations", argument)
    assert refused.code == "invalid_request"
    assert refused.facts == {"errors": [{"pointer": pointer, "code": code}]}


async def test_no_argument_is_signalrs_own_error(school: House) -> None:
    """A call that does not bind would be answered as if it were about chat."""
    anna = await school.join("anna")
    refused = await anna.refusal("ListConversations")
    assert str(refused).startswith("Failed to invoke 'ListConversations'")
    assert (await anna.refusal("NoSuchMethod", {})).facts == {}
    assert (await anna.call("GETME"))["person"]["id"] == "anna"


@pytest.mark.parametrize(
    "claims",
    [
        {"tenant": "another"},
        {"tenant": "unknown"},
        {"sub": "nobody"},
        {"exp": 1},
    ],
)
async def test_strangers_stay_outside(school: House, claims: dict) -> None:
    """A token of another tenant, or of nobody, would open the door."""
    await school.write(PutTenant("Another", "itslearning"), tenant="another")
    with pytest.raises(InvalidStatus) as refused:
        await school.join("anna", **claims)
    assert refused.value.response.status_code == 401


async def test_the_same_name_in_another_tenant(school: House) -> None:
    """Namesakes of two schools would hear each other."""
    another = PutPerson("anna", "Anna", ("student",))
    await school.write(PutTenant("Another", "itslearning"), another, tenant="another")
    await school.group("physics", "anna", "ben")
    anna, ben = await school.join("anna"), await school.join("ben")
    namesake = await school.join("anna", tenant="another")
    await say(ben, "hello")
    await anna.event("message.created")
    refused = await namesake.refusal("GetConversation", {"conversationId": "physics"})
    assert refused.code == "not_found"
    assert namesake.told == []


async def test_one_connection_too_many_is_told_why(opening: OpenHouse) -> None:
    """A user with too many windows would see a connection fail without a reason."""
    school = await opening(connectionsPerUser=2)
    await school.group("physics", "anna", "ben")
    first, second = await school.join("anna"), await school.join("anna")
    third = await school.join("anna")
    closing = await third.end()
    assert closing["error"].startswith("rate_limited: ")
    assert closing["error"].endswith('\n{"connections":2}')
    assert "allowReconnect" not in closing
    await school.join("ben")
    await say(first, "still here")
    await second.event("message.created")
    await second.leave()
    await wait_until(
        lambda: len(_connections(school)) == 1, what="the connection to be forgotten"
    )
    fourth = await school.join("anna")
    assert not fourth.ended.is_set()


async def test_long_polling_is_told_why_too(opening: OpenHouse) -> None:
    """Behind a proxy without WebSockets nobody would learn the reason."""
    school = await opening(connectionsPerUser=1)
    await school.join("anna")
    headers = {"Authorization": f"Bearer {school.token('anna')}"}
    async with httpx2.AsyncClient(base_url=school.url, headers=headers) as http:
        answer = await http.post("/hub/negotiate?negotiateVersion=1")
        place = f"/hub?id={answer.json()['connectionToken']}"
        assert (await http.get(place)).status_code == 200
        await http.post(place, content=b'{"protocol":"json","version":1}\x1e')
        said = ""
        while (poll := await http.get(place)).status_code == 200:
            said += poll.text
    handshake, closing, rest = said.split("\x1e")
    assert (handshake, rest) == ("{}", "")
    assert json.loads(closing)["error"].startswith("rate_limited: ")


def _connections(school: House) -> tuple[object, ...]:
    people = school.installation.chat._rooms.people
    return people["school", "anna"].connections.connections()


async def test_a_store_that_is_away_asks_to_come_back(school: House) -> None:
    """Clients would give up for good because the store did not answer for a moment."""
    chat = school.installation.chat

    async def away(tenant: str, user_id: str) -> tuple:
        raise Refused("storage_unavailable")

    chat._presences._read = away
    anna = await school.join("anna")
    closing = await anna.end()
    assert closing["error"].startswith("storage_unavailable: ")
    assert closing["allowReconnect"] is True
    assert not chat._rooms.people


async def test_a_bug_in_coming_in_leaves_nobody_behind(school: House) -> None:
    """Who was never let in would look present, and use up the person's connections."""
    chat = school.installation.chat

    async def broken(people: object) -> dict:
        raise RuntimeError("a bug")

    school.installation.bus.leases.elsewhere = broken  # type: ignore[method-assign]
    anna = await school.join("anna")
    assert await anna.end() == {"type": 7, "error": "Connection closed with an error."}
    await wait_until(lambda: not chat._rooms.people)


async def test_a_store_that_is_away_is_no_refusal(school: House) -> None:
    """Clients would take a store that hangs for a token that is no good."""
    chat = school.installation.chat

    async def away(handshake: Handshake) -> Identity:
        raise Refused("storage_unavailable")

    chat._authenticate = away
    with pytest.raises(InvalidStatus) as refused:
        await school.join("anna")
    assert refused.value.response.status_code == 503


async def test_sessions_that_end_while_somebody_comes_in(school: House) -> None:
    """Who is sent away in the moment of connecting would stay for the token's life."""
    chat = school.installation.chat
    reading = chat._presences._read

    async def slowly(tenant: str, user_id: str) -> tuple:
        chat._presences._read = reading
        await school.write(PutPerson("anna", "Anna", ("student",), active=False))
        return await reading(tenant, user_id)

    chat._presences._read = slowly
    anna = await school.join("anna")
    closing = await anna.end()
    assert closing["error"].startswith("unauthenticated: ")


async def test_nobody_is_looked_at_again_for_what_is_no_right(school: House) -> None:
    """A message to everybody would keep the search for losses busy for seconds."""
    heads, looked = school.installation.chat._heads, []
    recheck = heads._recheck

    async def noted(presence: Presence) -> None:
        looked.append(presence.key)
        await recheck(presence)

    heads._recheck = noted
    await school.group("physics", "anna", "ben")
    anna = await school.join("anna")
    await wait_until(lambda: heads._mark)
    await anna.call("SetConversationPreferences", conversationId="physics", muted=True)
    await heads.check()
    assert looked == []
    await school.write(PutPerson("anna", "Ann", ("student",)))
    await wait_until(lambda: looked)
    assert set(looked) == {(TENANT, "anna")}


async def test_a_service_may_only_watch(school: House) -> None:
    """A service without a person would act as if it were one."""
    service = await school.join("lms", scope="events")
    refused = await service.refusal("GetMe", {})
    assert refused.code == "forbidden"
    assert (await service.refusal("ListConversations", {})).code == "forbidden"


async def test_a_service_acts_for_a_person(school: House) -> None:
    """An embedding application could not show a user's own conversations."""
    await school.group("physics", "anna", "ben")
    anna = await school.join("anna")
    proxy = await school.join("lms", headers={"Chatd-Act-As": "ben"}, scope="messages")
    await say(proxy, "from ben")
    event = await anna.event("message.created")
    assert event["message"]["author"]["id"] == "ben"
    await proxy.event("message.created")


async def test_an_unexpected_failure_names_only_its_request(
    school: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug would show its insides to a client, or nobody could find it in the log."""
    anna = await school.join("anna")
    await school.group("physics", "anna", "ben")
    await school.write(PutTenant("School", "no-such-preset"))
    refused = await anna.refusal("GetConversation", {"conversationId": "physics"})
    assert refused.code == "internal"
    assert list(refused.facts) == ["requestId"]
    assert "preset" not in str(refused)
    # Nothing has said to which of the two the log goes.
    assert refused.facts["requestId"] in "".join(capsys.readouterr())


async def test_catching_up_takes_turns(
    school: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody's `Sync` after a restart would be begun at once, and end late."""
    # However slow the machine is: nobody's place is given on.
    monkeypatch.setattr(crowds_gate, "SLOW_S", 60.0)
    anna, ben = await school.join("anna"), await school.join("ben")
    gate = school.installation.signalr._gate
    async with AsyncExitStack() as storm:
        for _ in range(AT_ONCE):
            await storm.enter_async_context(gate.go_on())
        calling = asyncio.ensure_future(anna.call("Sync"))
        await wait_until(lambda: gate.waiting == 1)
        assert school.installation.signalr.waiting == 1
        gate._waiting_max = 1
        with pytest.raises(CallError) as refusal:
            await ben.call("Sync")
        assert refusal.value.code == "overloaded"
        assert refusal.value.facts["retryAfter"] >= 1
    assert (await calling)["more"] is False
