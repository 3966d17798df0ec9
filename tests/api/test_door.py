"""If these fail, somebody does over HTTP what they may not, or learns what is there."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from chatd.api.door import answered
from chatd.clock import SystemClock
from chatd_protocol.chat.http.rows import RouteRow
from chatd_protocol.chat.routes import ROUTES
from tests.api.conftest import Api
from tests.support.house import TENANT

DIRECTORY = [row for row in ROUTES if row.scope in ("directory", "admin")]
PERSONAL = [row for row in ROUTES if row.scope is None]
USER = {"name": "Anna", "roles": ["student"]}


@pytest.fixture
async def people(api: Api) -> Api:
    await api.house.people("anna", "ben")
    return api


def path_of(row: RouteRow) -> str:
    return row.path.replace("{", "").replace("}", "")


def without_id(answer: httpx2.Response) -> dict:
    return {**answer.json(), "requestId": ""}


@pytest.mark.parametrize("row", DIRECTORY, ids=lambda row: row.name)
async def test_scopes(people: Api, row: RouteRow) -> None:
    """A student, or a service with another scope, would write the directory."""
    for headers in (
        people.headers("anna"),
        people.headers("lms", "messages", "events"),
        people.headers("anna", "moderation"),
        {**people.headers("lms", "messages", "admin"), "Chatd-Act-As": "anna"},
    ):
        answer = await people.http.request(row.method, path_of(row), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("row", PERSONAL, ids=lambda row: row.name)
async def test_a_service_is_no_person(people: Api, row: RouteRow) -> None:
    """A service would read messages without saying for whom."""
    headers = people.headers("lms", "directory", "messages", "admin")
    answer = await people.http.request(row.method, path_of(row), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_the_token_is_read_from_the_one_header(people: Api) -> None:
    """A token in an address would end up in logs, or two headers confuse a proxy."""
    token = people.token("lms", "directory")
    await people.ask("PUT", "/v1/users/anna", json=USER)
    path = "/v1/users/anna"
    for answer in (
        await people.http.get(f"{path}?access_token={token}"),
        await people.http.get(path, headers={"Authorization": token}),
        await people.http.get(path, headers={"Authorization": f"Basic {token}"}),
        await people.http.get(path, headers=[("Authorization", f"Bearer {token}")] * 2),
    ):
        assert answer.status_code == 401
        assert token not in answer.text
    good = {"Authorization": f"bearer {token}"}
    assert (await people.http.get(path, headers=good)).status_code == 200


async def test_others_tenants_and_random_ids_are_alike(people: Api) -> None:
    """Asking would tell which ids exist elsewhere."""
    await people.http.put(
        "/v1/tenants/other",
        headers=people.headers("ops", "admin"),
        json={"name": "Other"},
    )
    other = people.headers("lms", "directory", "admin", tenant="other")
    for id_ in ("anna", "nobody"):
        got = await people.http.get(f"/v1/users/{id_}", headers=other)
        ended = await people.http.delete(f"/v1/users/{id_}/sessions", headers=other)
        for answer in (got, ended):
            assert answer.status_code == 404
            assert without_id(answer) == without_id(got)
    policies = [
        await people.http.get(f"/v1/tenants/{tenant}/policy", headers=other)
        for tenant in (TENANT, "none")
    ]
    assert without_id(policies[0]) == without_id(policies[1])
    assert policies[0].status_code == 404


async def test_ended_sessions_are_refused_at_once(people: Api) -> None:
    """A stolen token would go on working here."""
    headers = people.headers("anna", "directory")
    path = "/v1/users/ben"
    assert (await people.http.get(path, headers=headers)).status_code == 200
    ended = await people.ask("DELETE", "/v1/users/anna/sessions")
    assert ended.json()["userId"] == "anna"
    assert (await people.http.get(path, headers=headers)).status_code == 401
    people.house.clock.at_ms += 1
    headers = people.headers("anna", "directory")
    assert (await people.http.get(path, headers=headers)).status_code == 200


async def test_the_directory_over_http(people: Api) -> None:
    """A platform could not keep its people, courses and enrolments."""
    full = {**USER, "title": "Dr", "active": True, "messagingDisabled": False}
    put = await people.ask("PUT", "/v1/users/anna", json=full)
    assert put.json() == {"id": "anna", **full}
    assert (await people.ask("GET", "/v1/users/anna")).json() == put.json()
    await people.ask("PUT", "/v1/courses/math", json={"name": "Math"})
    enrolled = await people.ask(
        "PUT", "/v1/courses/math/members/anna", json={"role": "teacher"}
    )
    assert enrolled.json() == {"userId": "anna", "role": "teacher"}
    course = await people.ask("GET", "/v1/courses/math")
    assert course.json() == {"id": "math", "name": "Math", "memberCount": 1}
    gone = await people.ask("DELETE", "/v1/courses/math/members/anna")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await people.ask("DELETE", "/v1/users/anna")).status_code == 204
    assert (await people.ask("GET", "/v1/users/anna")).status_code == 404


async def test_too_many_requests(people: Api) -> None:
    """One client could keep the server busy."""
    codes = [
        (await people.ask("GET", "/v1/conversations/x", "anna")).status_code
        for _ in range(6)
    ]
    assert codes == [404] * 5 + [429]
    refused = await people.ask("GET", "/v1/conversations/x", "anna")
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["retryAfter"] == 1
    other = await people.ask("GET", "/v1/conversations/x", "ben")
    assert other.status_code == 404


async def test_a_bug_tells_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """An error of ours would show its insides to whoever caused it."""

    async def broken(_http: HttpRequest) -> Response:
        raise RuntimeError("the canary sings")

    http = HttpRequest({"type": "http", "headers": [], "method": "GET"})
    answer = await answered(SystemClock(), broken, "someRoute")(http)
    assert answer.status_code == 500
    body = bytes(answer.body).decode()
    assert "canary" not in body
    assert '"code":"internal"' in body
    logged = "".join(capfd.readouterr())
    assert "someRoute" in logged
    assert "canary" in logged


async def test_tokens_and_queries_are_in_no_log(
    people: Api, capfd: pytest.CaptureFixture[str]
) -> None:
    """A log reader could sign in as somebody."""
    token = people.token("nobody")
    await people.http.get(
        "/v1/users/anna?canary=1", headers={"Authorization": f"Bearer {token}"}
    )
    logged = "".join(capfd.readouterr())
    assert token not in logged
    assert "canary" not in logged


async def test_a_broken_store_opens_no_door(people: Api) -> None:
    """Without its database the server would let everybody in, or say too much."""
    await people.house.context.store.close()
    answer = await people.ask("GET", "/v1/users/anna")
    assert answer.status_code in (500, 503)
    assert answer.json()["code"] in ("internal", "storage_unavailable")


async def test_a_body_that_never_ends_its_client_gone() -> None:
    """A client that goes away in the middle would be logged as a bug."""

    async def parts() -> AsyncIterator[dict]:
        yield {"type": "http.disconnect"}

    stream = parts()

    async def work(http: HttpRequest) -> Response:
        return Response(await http.body())

    http = HttpRequest(
        {"type": "http", "headers": [], "method": "POST"}, stream.__anext__
    )
    assert (await answered(SystemClock(), work, "x")(http)).status_code == 400


async def test_acting_for_a_name_of_any_script(people: Api) -> None:
    """A platform whose ids are not ASCII could not act for its users."""
    await people.house.people("zoë")
    service = people.headers("lms", "messages")
    path = "/v1/conversations/x"
    for name, status in (
        ("zoë".encode(), 404),
        (b"nobody", 404),
        (b"\xff", 404),
        (b"", 404),
    ):
        headers = [*service.items(), (b"Chatd-Act-As", name)]
        answer = await people.http.get(path, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == status
    headers = [*service.items(), (b"Chatd-Act-As", "zoë".encode())]
    me = await people.http.get("/v1/me", headers=headers)  # type: ignore[arg-type]
    assert me.json()["person"]["id"] == "zoë"


async def test_one_story_over_http(people: Api) -> None:
    """The two doors would not lead to the same deeds."""
    me = await people.ask("GET", "/v1/me", "anna")
    assert me.json()["person"]["id"] == "anna"
    await people.house.course("math", anna="teacher", ben="student")

    async def post(path: str, key: str, **body: object) -> httpx2.Response:
        headers = {"Idempotency-Key": key}
        return await people.ask("POST", path, "anna", json=body, headers=headers)

    with_ben = [{"kind": "user", "id": "ben"}]
    started = await post("/v1/conversations", "k1", recipients=with_ben)
    assert started.status_code == 200, started.text
    again = await post("/v1/conversations", "k1", recipients=with_ben)
    conversation = started.json()["conversation"]
    assert again.json()["conversation"]["id"] == conversation["id"]
    messages = f"/v1/conversations/{conversation['id']}/messages"
    sent = await post(messages, "m1", text="hello")
    assert sent.status_code == 200, sent.text
    assert (await post(messages, "m1", text="hello")).json() == sent.json()
    other = await post(messages, "m1", text="other")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    page = await people.ask("GET", f"{messages}?limit=10", "ben")
    assert [one["text"] for one in page.json()["messages"]] == ["hello"]
    marked = await people.ask(
        "PUT",
        f"/v1/conversations/{conversation['id']}/read",
        "ben",
        json={"seq": sent.json()["seq"]},
    )
    assert marked.json()["unread"]["count"] == 0


async def test_slow_bodies_of_one_person_are_bounded(people: Api) -> None:
    """Bodies that never end would fill the memory, a megabyte each."""
    may_end = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'{"seq":'
        await may_end.wait()
        yield b"1}"

    async def ask(user: str) -> int:
        headers = people.headers(user) | {"Content-Type": "application/json"}
        answer = await people.http.put(
            "/v1/conversations/none/read", content=body(), headers=headers
        )
        return answer.status_code

    asking = [asyncio.ensure_future(ask("anna")) for _ in range(4)]
    done, waiting = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in done] == [429]
    other = asyncio.ensure_future(ask("ben"))
    may_end.set()
    assert await other == 404
    assert {await task for task in waiting} == {404}
