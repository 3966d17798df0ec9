"""One story, lived through at once by every SignalR client there is.

What each device recorded live is compared with what its person was entitled to see,
and with the log that `Sync` reads from the store: the same events, in order, once.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx2
import pytest

from tests.end_to_end.cast import on_stage
from tests.support.browser import page_origin
from tests.support.deployments import TOPOLOGIES, Deployment, Shared, deployed
from tests.support.devices import Device
from tests.support.lines import DriverError
from tests.support.tokens import token
from tests.support.waiting import wait_until

request_ids = count(1)


@dataclass
class Stage:
    """The running server and the devices on it."""

    server: Deployment
    devices: dict[str, Device]

    @property
    def spread(self) -> bool:
        """Whether people are at different gateways."""
        return len(self.server.gateways) > 1

    def __getitem__(self, name: str) -> Device:
        return self.devices[name]

    def of(self, users: Iterable[str]) -> list[Device]:
        wanted = set(users)
        return [each for each in self.devices.values() if each.place.user in wanted]

    async def put_into_course(self, user: str, *, inside: bool) -> None:
        """What the platform's directory says: enrolled in math-7a, or no longer."""
        headers = {"Authorization": f"Bearer {token('admin', scope='directory')}"}
        url = f"{self.server.url}/v1/courses/math-7a/members/{user}"
        async with httpx2.AsyncClient(headers=headers) as http:
            if inside:
                answer = await http.put(url, json={"role": "student"})
            else:
                answer = await http.delete(url)
        assert answer.is_success, answer.text


@pytest.fixture(params=TOPOLOGIES)
def topology(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def rests_on(topology: str, request: pytest.FixtureRequest) -> Shared | None:
    if topology == "sqlite":
        return None
    shared = request.getfixturevalue("shared")
    assert isinstance(shared, Shared)
    return shared


@pytest.fixture
async def stage(
    topology: str, rests_on: Shared | None, tmp_path: Path
) -> AsyncIterator[Stage]:
    with page_origin() as origin:
        allowed = ("--allowed-origin", origin)
        async with (
            deployed(topology, tmp_path, rests_on, allowed) as server,
            on_stage(origin, server.hub_url) as devices,
        ):
            yield Stage(server, devices)


def fresh() -> str:
    return f"story-{next(request_ids)}"


async def start(device: Device, *recipients: tuple[str, str], **more: object) -> dict:
    """Starts a conversation and returns it."""
    started = await device.call(
        "StartConversation",
        recipients=[{"kind": kind, "id": name} for kind, name in recipients],
        clientRequestId=fresh(),
        **more,
    )
    assert started["refused"] == []
    return started["conversation"]


async def send(device: Device, conversation: dict, text: str) -> dict:
    return await device.call(
        "SendMessage",
        conversationId=conversation["id"],
        clientMessageId=fresh(),
        text=text,
    )


async def refused(code: str, device: Device, method: str, **argument: object) -> None:
    """The call must be refused with exactly this code."""
    with pytest.raises(DriverError, match=rf"^{code}: "):
        await device.call(method, **argument)


def own_log(events: list[dict]) -> list[tuple[int, str]]:
    return [(event["seq"], event["type"]) for event in events]


def gist(event: dict) -> dict:
    """What of an event cannot change between its delivery and its replay.

    A replayed event shows its message or conversation as it is now.
    """
    kept = ("conversationId", "seq", "type", "at", "actor", "userIds", "count")
    return {name: event.get(name) for name in kept} | {
        "message": event.get("message", {}).get("id"),
        "people": [person["id"] for person in event.get("participants", [])],
    }


def entitled(log: list[dict], members: set[str]) -> dict[str, list[int]]:
    """Who may see which seq: `members` from the first on, others as the log says.

    Whoever joins at M sees M; whoever is removed at N sees N and nothing after.
    """
    seen: dict[str, list[int]] = defaultdict(list)
    inside = set(members)
    for event in log:
        leaving: set[str] = set()
        if event["type"] == "participants.added":
            inside |= {person["id"] for person in event["participants"]}
        if event["type"] == "participants.removed":
            leaving = set(event["userIds"])
        for user in inside:
            seen[user].append(event["seq"])
        inside -= leaving
    return seen


async def stored(device: Device, conversation_id: str) -> list[dict]:
    """The conversation's log as this person may read it, through `Sync`."""
    events: list[dict] = []
    while True:
        after = events[-1]["seq"] if events else 0
        answer = await device.call("Sync", cursors={conversation_id: after})
        found = [
            each
            for each in answer["conversations"]
            if each["conversationId"] == conversation_id
        ]
        fresh_events = [event for each in found for event in each["events"]]
        events += fresh_events
        if not answer["more"] or not fresh_events:
            return events


async def compare(stage: Stage, conversation: dict, members: set[str]) -> list[dict]:
    """Every device saw what its person may see, once, in order, the same for all."""
    log = await stored(stage["anna"], conversation["id"])
    assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
    may_see = entitled(log, members)
    truth = {event["seq"]: gist(event) for event in log}
    told: dict[int, dict] = {}
    for device in stage.devices.values():
        expected = may_see.get(device.place.user, [])

        def whole(device: Device = device, expected: list[int] = expected) -> bool:
            seen = device.log_of(conversation["id"])
            return not expected or bool(seen and seen[-1]["seq"] == expected[-1])

        await wait_until(whole, 90, f"{device.name} of {conversation['kind']}")
        got = device.log_of(conversation["id"])
        if device.from_snapshot and expected:
            (joined,) = personal(device, "conversation.joined", conversation)
            after_snapshot = joined["conversation"]["headSeq"] + 1
            assert got[0]["seq"] <= after_snapshot, device.name
            expected = expected[-len(got) :]
        elif stage.spread:
            expected = sorted(set(expected) - told_by_snapshots(device, conversation))
        assert [event["seq"] for event in got] == expected, device.name
        for event in got:
            assert gist(event) == truth[event["seq"]], device.name
            # Gateways that read it from the log, at different times, may show more.
            if not stage.spread:
                assert told.setdefault(event["seq"], event) == event, device.name
        if device.place.user in may_see:
            replay = await stored(device, conversation["id"])
            assert [gist(event) for event in replay] == [
                truth[event["seq"]] for event in replay
            ]
            assert {event["seq"] for event in replay} >= set(expected)
        else:
            await refused(
                "not_found",
                device,
                "GetConversation",
                conversationId=conversation["id"],
            )
    return log


def told_by_snapshots(device: Device, conversation: dict) -> set[int]:
    """What a device may lack because the snapshot that it was given holds it.

    Another gateway begins to listen for a conversation when a member that is connected
    there joins it; its events begin behind the snapshot of `conversation.joined`.
    """
    held: set[int] = set()
    got: set[int] = set()
    for event in device.events:
        if event.get("conversationId") != conversation["id"]:
            continue
        if "seq" in event:
            got.add(event["seq"])
        elif event["type"] == "conversation.joined":
            last = max(got, default=0)
            held |= set(range(last + 1, event["conversation"]["headSeq"] + 1))
    return held - got


def personal(device: Device, kind: str, conversation: dict) -> list[dict]:
    return [
        event
        for event in device.events
        if event["type"] == kind and event.get("conversationId") == conversation["id"]
    ]


async def hears(
    device: Device, kind: str, conversation: dict, after: int = 0
) -> list[dict]:
    """Waits for a personal event; all of the kind beyond the first `after`."""

    def look() -> list[dict]:
        return personal(device, kind, conversation)[after:]

    return await wait_until(look, what=f"{device.name} hears of {kind}")


STUDENTS = [f"s{number:03}" for number in range(1, 19)]


async def group_story(stage: Stage) -> None:
    anna, late = stage["anna"], stage["late"]
    group = await start(
        anna,
        *(("user", student) for student in STUDENTS),
        mode="group",
        title="Trip to the harbour",
        message={"text": "Who comes along?"},
    )
    where = {"conversationId": group["id"]}
    members = {"anna", *STUDENTS}
    devices = stage.of(members)
    for device in devices:
        await hears(device, "conversation.joined", group)
    # All at once, three each: the order is decided by the server, for everybody.
    await asyncio.gather(
        *(
            send(device, group, f"{turn}: {device.name} comes along")
            for device in devices
            for turn in range(3)
        )
    )
    # One deed after the other, each library's devices in turn.
    said = {device.name: await send(device, group, "I do") for device in devices}
    for name in ("node-sse-json", "page-lp-json", "pysignalr-json", "chatd-json"):
        mine = said[name]["id"]
        await stage[name].call("EditMessage", messageId=mine, text="I do, of course")
    for name in ("node-lp-messagepack", "signalrcore-sse-json", "chatd-messagepack"):
        await stage[name].call("DeleteMessage", messageId=said[name]["id"])
    await anna.call("DeleteMessage", messageId=said["page-ws-json"]["id"])
    await refused(
        "forbidden|role_[a-z_]+",
        stage["node-ws-json"],
        "DeleteMessage",
        messageId=said["page-sse-json"]["id"],
    )
    await anna.call("AddParticipants", **where, userIds=["s031"])
    await send(late, group, "Here I am")
    await anna.call("RemoveParticipant", **where, userId="s031")
    await refused(
        "not_found|not_participant",
        late,
        "SendMessage",
        **where,
        clientMessageId=fresh(),
        text="Still here?",
    )
    await send(stage["signalrcore-lp-json"], group, "Nobody tells the one who left")
    await stage["page-ws-messagepack"].call(
        "AddParticipants", **where, userIds=["s031"]
    )
    await send(late, group, "Back again")
    await anna.call("RenameConversation", **where, title="Trip to the lighthouse")
    await anna.call("CloseConversation", **where)
    await refused(
        "conversation_closed",
        stage["pysignalr-messagepack"],
        "SendMessage",
        **where,
        clientMessageId=fresh(),
        text="Too late",
    )
    await anna.call("ReopenConversation", **where)
    await stage["signalrcore-ws-messagepack"].call("LeaveConversation", **where)
    last = await send(stage["signalrcore-ws-json"], group, "The last word")
    await compare(stage, group, members)
    await reading(stage, group, last["seq"])


async def reading(stage: Stage, group: dict, seq: int) -> None:
    """A read mark moves on all devices of its person, and on nobody else's."""
    where = {"conversationId": group["id"]}
    before = {
        name: len(personal(each, "read.moved", group))
        for name, each in stage.devices.items()
    }
    await stage["node-ws-json"].call("MarkRead", **where, seq=seq)
    for name in ("node-ws-json", "s001-second"):
        moved = await hears(stage[name], "read.moved", group, after=before[name])
        assert moved[-1]["readSeq"] == seq
        assert moved[-1]["unread"]["count"] == 0
    for name, device in stage.devices.items():
        if device.place.user != "s001":
            assert len(personal(device, "read.moved", group)) == before[name], name


async def course_story(stage: Stage) -> None:
    anna, late = stage["anna"], stage["late"]
    course = await start(anna, ("course", "math-7a"), mode="group")
    where = {"conversationId": course["id"]}
    assert course["kind"] == "course"
    members = {"anna", *(f"s{number:03}" for number in range(1, 31))}
    await send(anna, course, "Page 12, please")
    await send(stage["page-lp-messagepack"], course, "All of it?")
    await stage.put_into_course("s031", inside=True)
    await hears(late, "conversation.joined", course)
    await send(late, course, "Which book?")
    await stage.put_into_course("s031", inside=False)
    await hears(late, "conversation.left", course)
    await send(stage["node-lp-json"], course, "The blue one")
    await anna.call("CloseConversation", **where)
    await anna.call("ReopenConversation", **where)
    await anna.call("DeleteConversation", **where)
    await refused(
        "conversation_deleted",
        stage["chatd-json"],
        "SendMessage",
        **where,
        clientMessageId=fresh(),
        text="Anybody?",
    )
    await compare(stage, course, members)


async def direct_story(stage: Stage) -> None:
    anna, student = stage["anna"], stage["pysignalr-messagepack"]
    direct = await start(anna, ("user", "s012"), message={"text": "A word with you"})
    assert direct["kind"] == "direct"
    await hears(student, "conversation.joined", direct)
    answer = await send(student, direct, "Yes?")
    await student.call("EditMessage", messageId=answer["id"], text="Yes, gladly")
    again = await start(anna, ("user", "s012"))
    assert again["id"] == direct["id"]
    await compare(stage, direct, {"anna", "s012"})


@pytest.mark.timeout(900)
async def test_the_story(stage: Stage) -> None:
    """Some client, transport or protocol would miss an event, or get it twice."""
    await asyncio.gather(group_story(stage), course_story(stage), direct_story(stage))
    for device in stage.devices.values():
        numbers = [
            (event["personalSeq"], event["type"], event.get("conversationId"))
            for event in device.events
            if "personalSeq" in event
        ]
        assert len(set(numbers)) == len(numbers), device.name
        assert [number for number, *_ in numbers] == sorted(
            number for number, *_ in numbers
        ), device.name
