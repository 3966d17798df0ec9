"""If these fail, an embedding application without SignalR misses what happens."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from chatd.store.people import EndSessions
from tests.api.conftest import Api
from tests.hub.peers import House, Peer

STREAM = {"Accept": "text/event-stream"}
WAIT_S = 60.0


async def say(peer: Peer, room: str, text: str) -> None:
    await peer.call("SendMessage", conversationId=room, clientMessageId=text, text=text)


@asynccontextmanager
async def streaming(
    school: House, query: str = "", **headers: str
) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
    """The records of the stream, each as its fields by name."""
    token = school.token("lms", scope="events")
    sent = {"Authorization": f"Bearer {token}", **STREAM, **headers}
    async with (
        httpx2.AsyncClient(base_url=school.url, timeout=WAIT_S) as http,
        http.stream("GET", f"/v1/events{query}", headers=sent) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _records(answer)


async def _records(answer: httpx2.Response) -> AsyncIterator[dict[str, str]]:
    record: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line and not line.startswith(":"):
            record[name] = value
        elif record:
            yield record
            record = {}


async def test_the_past_and_what_happens(school: House) -> None:
    """An application would have to ask again and again."""
    await school.group("physics", "anna", "ben")
    anna = await school.join("anna")
    async with streaming(school) as records:
        made = await anext(records)
        assert (made["event"], json.loads(made["data"])["seq"]) == (
            "conversation.created",
            1,
        )
        await say(anna, "physics", "one\ntwo")
        said = await anext(records)
        assert json.loads(said["data"])["message"]["text"] == "one\ntwo"
    await say(anna, "physics", "later")
    resumed = {"Last-Event-ID": said["id"]}
    async with streaming(school, f"?cursor={made['id']}", **resumed) as records:
        assert json.loads((await anext(records))["data"])["seq"] == 3


async def test_it_shows_that_it_is_there(school: House) -> None:
    """A proxy would close the stream of a quiet school."""
    token = school.token("lms", scope="events")
    sent = {"Authorization": f"Bearer {token}", **STREAM}
    async with (
        httpx2.AsyncClient(base_url=school.url, timeout=WAIT_S) as http,
        http.stream("GET", "/v1/events", headers=sent) as answer,
    ):
        pieces = answer.aiter_bytes()
        assert await anext(pieces) == await anext(pieces) == b":\n\n"


async def test_it_ends_when_the_server_goes(school: House) -> None:
    """A server that is to stop would wait for its streams until it is killed."""
    async with streaming(school) as records:
        school.installation.chat.drain()
        async with asyncio.timeout(WAIT_S):
            assert [record async for record in records] == []


async def test_it_ends_with_the_sessions_of_its_reader(school: House) -> None:
    """Who was sent away would go on reading a school's messages."""
    token = school.token("anna", scope="events")
    sent = {"Authorization": f"Bearer {token}", **STREAM}
    async with (
        httpx2.AsyncClient(base_url=school.url, timeout=WAIT_S) as http,
        http.stream("GET", "/v1/events", headers=sent) as answer,
    ):
        pieces = answer.aiter_bytes()
        assert await anext(pieces) == b":\n\n"
        now_ms = school.installation.clock.now_ms()
        await school.write(EndSessions("anna", now_ms + 1))
        async with asyncio.timeout(WAIT_S):
            assert {piece async for piece in pieces} <= {b":\n\n"}


async def test_so_many_streams_and_no_more(school: House) -> None:
    """One application with a mistake would take every socket there is."""
    most = school.installation.context.limits.connections_per_user
    token = school.token("lms", scope="events")
    sent = {"Authorization": f"Bearer {token}", **STREAM}
    async with httpx2.AsyncClient(base_url=school.url, timeout=WAIT_S) as http:
        opened, flowing = [], []
        for _ in range(most):
            request = http.build_request("GET", "/v1/events", headers=sent)
            opened.append(await http.send(request, stream=True))
            flowing.append(opened[-1].aiter_bytes())
            await anext(flowing[-1])
        one_more = await http.get("/v1/events", headers=sent)
        assert one_more.status_code == 429
        assert one_more.json()["connections"] == most
        for answer in opened:
            await answer.aclose()


@pytest.mark.parametrize(
    ("user", "scopes", "query", "status"),
    [
        ("anna", (), "", 403),
        ("lms", ("directory",), "", 403),
        ("lms", ("events",), "?cursor=nonsense", 400),
        ("lms", ("events",), "?since=1", 400),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_who_may_not_or_asks_wrongly(
    api: Api, user: str, scopes: tuple[str, ...], query: str, status: int, accept: str
) -> None:
    """Anybody could read everything, or a stream would break off without a reason."""
    await api.house.people("anna")
    sent = api.headers(user, *scopes) | {"Accept": accept}
    answer = await api.http.get(f"/v1/events{query}", headers=sent)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_page_by_page(api: Api) -> None:
    """A page would be told twice, or one left out."""
    await api.house.people("anna", "ben")
    for number in range(5):
        await api.house.conversation(f"room-{number}", "anna", "ben")
    sent = api.headers("lms", "events")
    seen: list[str] = []
    query = "?limit=2"
    for _ in range(4):
        page = (await api.http.get(f"/v1/events{query}", headers=sent)).json()
        seen += [one["event"]["conversationId"] for one in page["events"]]
        query = f"?limit=2&cursor={page['next']}"
    assert seen == [f"room-{number}" for number in range(5)]
