"""If this fails, whoever is reported can tell that there is a report (ITS-86).

One school day is lived twice: with reports, a guest in the reported group and a report
that is taken back, and without. What a participant or a subscriber of the tenant's
events gets over the hub and HTTP has to be the same, byte for byte, but for ids and
times; positions in logs and of people are compared as they are.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chatd.store.engine.opening import SQLITE
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember
from tests.hub.peers import House, Peer, open_house
from tests.support.databases import TEMPLATE
from tests.support.postgres import PostgresServer
from tests.support.waiting import wait_until

STILL_S = 0.05
"""Without a byte for that long, everything has come: nothing else happens meanwhile."""

WATCHED = ("tom", "adam", "ben")
"""Who is reported, an administrator, and the teacher who began the group."""

_VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIME"),
    (re.compile(r'"(cursor|next|epoch|requestId)":"[^"]*"'), r'"\1":"…"'),
)
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_ANSWER = '{"type":3,'
_PERSONAL = '"personalSeq":'
_PING = '{"type":6}'


def plain(heard: list[str]) -> list[str]:
    """Without what no two days share; ids are numbered as they come."""
    # What is told of a conversation, of a person, and what is answered come by ways of
    # their own; each keeps its order.
    heard = sorted(heard, key=lambda one: (_ANSWER in one, _PERSONAL in one))
    known: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return known.setdefault(found[0], f"ID-{len(known)}")

    lines = []
    for text in heard:
        for varying, instead in _VARYING:
            text = varying.sub(instead, text)
        lines.append(_ID.sub(numbered, text))
    return lines


@dataclass
class Wire:
    """A connection that keeps every record as it came."""

    socket: ClientConnection
    heard: list[str] = field(default_factory=list)
    calls: int = 0

    async def read(self) -> None:
        try:
            async for frame in self.socket:
                records = str(frame).split("\x1e")[:-1]
                self.heard += [one for one in records if one != _PING]
        except ConnectionClosed:
            pass

    async def ask(self, method: str, argument: str, kind: int = 1) -> None:
        self.calls += 1
        await self.socket.send(
            f'{{"type":{kind},"invocationId":"{self.calls}","target":"{method}",'
            f'"arguments":[{argument}]}}\x1e'
        )

    async def answer(self, method: str, argument: str) -> None:
        await self.ask(method, argument)
        number = f'"invocationId":"{self.calls}"'
        await wait_until(lambda: any(number in one for one in self.heard))

    async def still(self) -> None:
        """Returns when nothing comes any more."""
        before = -1
        while len(self.heard) != before:
            before = len(self.heard)
            await asyncio.sleep(STILL_S)


@dataclass
class Day:
    """The house, those who are watched, and what they get over HTTP."""

    house: House
    wires: dict[str, Wire]
    fetched: dict[str, list[str]]
    http: httpx2.AsyncClient

    async def settle(self) -> None:
        for wire in self.wires.values():
            await wire.still()

    async def ask(self, method: str, argument: str = "{}") -> None:
        """Everybody who is watched asks this, one after the other."""
        for name in WATCHED:
            await self.wires[name].answer(method, argument)

    async def get(self, path: str) -> None:
        """The same over HTTP, and the events' subscriber too."""
        for name in (*WATCHED, "lms"):
            claims = {"scope": "events"} if name == "lms" else {}
            signed = {"Authorization": f"Bearer {self.house.token(name, **claims)}"}
            answer = await self.http.get(self.house.url + path, headers=signed)
            heads = sorted(
                f"{key}: {value}"
                for key, value in answer.headers.items()
                if key not in ("date", "content-length")
            )
            self.fetched[name] += [str(answer.status_code), *heads, answer.text]


@asynccontextmanager
async def day(folder: Path, database: str) -> AsyncIterator[Day]:
    async with (
        open_house(folder, {}, database_url=database) as house,
        httpx2.AsyncClient() as http,
        asyncio.TaskGroup() as reading,
    ):
        await house.write(
            *(PutPerson(id_, id_.title(), ("teacher",)) for id_ in ("anna", "ben")),
            *(
                PutPerson(id_, id_.title(), ("student",))
                for id_ in ("sue", "tom", "uma")
            ),
            PutPerson("adam", "Adam", ("admin",)),
            PutRoster("course", "math", "Math"),
            *(
                PutRosterMember("course", "math", id_, role)
                for id_, role in (
                    *(("anna", "teacher"), ("sue", "student")),
                    *(("tom", "student"), ("uma", "student")),
                )
            ),
        )
        await house.group("team", "ben", "adam", "sue", "tom", "uma")
        wires = {}
        for name in (*WATCHED, "lms"):
            claims = {"scope": "events"} if name == "lms" else {}
            address = f"{house.url.replace('http', 'ws')}/hub?access_token="
            socket = await connect(
                address + house.token(name, **claims), compression=None
            )
            await socket.send('{"protocol":"json","version":1}\x1e')
            wires[name] = Wire(socket)
            reading.create_task(wires[name].read())
        await wires["lms"].ask("WatchEvents", "{}", kind=4)
        made = Day(house, wires, {name: [] for name in wires}, http)
        await made.ask("GetMe")
        yield made
        await made.settle()
        for wire in wires.values():
            await wire.socket.close()


async def say(peer: Peer, text: str) -> dict:
    words = {"conversationId": "team", "clientMessageId": text, "text": text}
    return await peer.call("SendMessage", **words)


async def report_it(sue: Peer, uma: Peer, anna: Peer, message: dict) -> None:
    """Two report the message, one takes it back, and the group as a whole; the teacher
    looks, enters, reads, and types."""
    about = {"messageId": message["id"], "teacherId": "anna", "reason": "bullying"}
    first = await sue.call("ReportMessage", clientRequestId="1", text="help", **about)
    await uma.call("ReportMessage", clientRequestId="2", **about)
    await anna.call("OpenReport", reportId=first["id"])
    await sue.call("WithdrawReport", reportId=first["id"])
    whole = await sue.call(
        "ReportConversation",
        conversationId="team",
        clientRequestId="3",
        teacherId="anna",
    )
    await anna.call("OpenReport", reportId=whole["id"], enter=True)
    page = await anna.call("ListMessages", conversationId="team")
    await anna.call("MarkRead", conversationId="team", seq=page["asOfSeq"])
    await anna.call("Typing", conversationId="team")
    await anna.call("ListParticipants", conversationId="team")
    await anna.call("Search", text="bad")
    assert len(page["messages"]) == 2
    resolved = await anna.call("ListReports", box="queue", state="open")
    for report in resolved["reports"]:
        if "messageId" in report:
            await anna.call("ResolveReport", reportId=report["id"], decision="noAction")


async def live(made: Day, *, reported: bool) -> None:
    house = made.house
    sue, uma, anna = [await house.join(one) for one in ("sue", "uma", "anna")]
    await made.settle()
    tom = await house.join("tom")
    bad = await say(tom, "a bad word")
    await say(uma, "oh")
    await made.settle()
    if reported:
        await report_it(sue, uma, anna, bad)
    await made.settle()
    await say(sue, "how are you?")
    await made.settle()
    await tom.call("EditMessage", messageId=bad["id"], text="a good word")
    await made.settle()
    await ask_everything(made)
    # Whoever removes or adds the teacher does what he would with anybody.
    add = '{"conversationId":"team","userIds":["anna"]}'
    gone = '{"conversationId":"team","userId":"anna"}'
    await made.wires["ben"].answer("RemoveParticipant", gone)
    await made.settle()
    await made.wires["ben"].answer("AddParticipants", add)
    await made.settle()
    await say(anna, "hello")
    await ask_everything(made)


async def ask_everything(made: Day) -> None:
    here = '{"conversationId":"team"}'
    for method in ("GetConversation", "ListMessages", "ListParticipants"):
        await made.ask(method, here)
    for method in ("ListConversations", "GetUnread", "ListReports"):
        await made.ask(method)
    await made.ask("ListReports", '{"box":"queue"}')
    await made.ask("OpenReport", '{"reportId":"unknown"}')
    await made.ask("RestoreConversation", here)
    await made.ask("Sync", '{"personalSeq":0,"cursors":{"team":0}}')
    await made.ask("Search", '{"text":"word"}')
    await made.ask("WatchPresence", '{"userIds":["anna","sue","uma","tom"]}')
    await made.ask("SearchRecipients", '{"text":"a"}')
    for path in (
        "conversations",
        "conversations/team",
        "conversations/team/messages",
        "conversations/team/participants",
        "unread",
        "reports",
        "reports?box=queue",
        "me",
        "events",
    ):
        await made.get(f"/v1/{path}")


@pytest.fixture
async def databases(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[list[str]]:
    """Two empty ones."""
    if engine == "sqlite":
        yield [f"{SQLITE}{tmp_path / name}.sqlite3" for name in ("a", "b")]
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    names = [await server.create(TEMPLATE) for _ in range(2)]
    yield [server.url(name) for name in names]
    for name in names:
        await server.drop(name)


async def test_nobody_can_tell_that_there_is_a_report(
    tmp_path: Path, databases: list[str]
) -> None:
    """Whoever is reported would know it, and guess by whom (ITS-68, ITS-86, 5.2)."""
    heard: list[dict[str, list[str]]] = []
    for reported, database in zip((False, True), databases, strict=True):
        async with day(tmp_path / str(reported), database) as made:
            await live(made, reported=reported)
        heard.append(
            {
                f"{name} {door}": plain(texts)
                for door, found in (
                    ("hub", {name: wire.heard for name, wire in made.wires.items()}),
                    ("HTTP", made.fetched),
                )
                for name, texts in found.items()
            }
        )
    without, with_ = heard
    assert without.keys() == with_.keys()
    for name, texts in without.items():
        assert with_[name] == texts, name
    told = "".join(without["tom hub"])
    assert '"a good word"' in told
    assert "participants.added" in told
    assert len(without["lms hub"]) > 5
