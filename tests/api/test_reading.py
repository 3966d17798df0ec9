"""If these fail, a request means something else than it says, or fills the memory."""

from collections.abc import AsyncIterator

import pytest

from tests.api.conftest import Api

USER = {"name": "Anna", "roles": ["student"]}
PATH = "/v1/users/anna"


def told(answer: object) -> tuple[int, str, str]:
    body = answer.json()  # type: ignore[attr-defined]
    (error,) = body.get("errors", [{"pointer": "", "code": ""}])
    return body["status"], error["pointer"], error["code"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (USER | {"isAdmin": True}, "/isAdmin", "unknown_field"),
        (USER | {"tenant": "x"}, "/tenant", "unknown_field"),
        (USER | {"userId": "ben"}, "/userId", "unknown_field"),
        (USER | {"roles": ["king"]}, "/roles/0", "not_allowed"),
        (USER | {"name": "a\0b"}, "/name", "nul_character"),
        ({"roles": ["student"]}, "/name", "required"),
        ([1], "", "wrong_type"),
    ],
)
async def test_wrong_bodies(api: Api, body: object, pointer: str, code: str) -> None:
    """A wrong field would be let in, or refused without its name."""
    assert told(await api.ask("PUT", PATH, json=body)) == (400, pointer, code)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"\xff", {}, 400),
        (b'{"name": NaN}', {}, 400),
        (b'{"name": "\\ud800", "roles": ["student"]}', {}, 400),
        (b"[" * 3000, {}, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"Content-Encoding": "gzip"}, 415),
        (b"x" * 4097, {}, 413),
    ],
)
async def test_what_is_no_json(
    api: Api, body: bytes, headers: dict[str, str], status: int
) -> None:
    """Garbage would end as an error of ours."""
    sent = {"Content-Type": "application/json"} | headers
    sent |= api.headers("lms", "directory")
    answer = await api.http.put(PATH, content=body, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (status, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("PUT", PATH, "application/json"),
        ("POST", "/v1/directory", "application/x-ndjson"),
    ],
)
async def test_the_right_kind_is_named(
    api: Api, method: str, path: str, expected: str
) -> None:
    """Newcomers would not find out that a header is all that is missing."""
    sent = api.headers("lms", "directory") | {"Content-Type": "text/plain"}
    answer = await api.http.request(method, path, content=b"{}", headers=sent)
    assert (answer.status_code, answer.json()["expected"]) == (415, expected)


async def test_a_body_is_cut_while_it_comes(api: Api) -> None:
    """An endless body would be held in memory."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100:
            sent += 1
            yield b"x" * 1024

    headers = api.headers("lms", "directory") | {"Content-Type": "application/json"}
    answer = await api.http.put(PATH, content=endless(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["limit"] == 4096


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("limit=0", "/limit", "too_small"),
        ("limit=201", "/limit", "too_large"),
        ("limit=many", "/limit", "wrong_type"),
        ("limit=1&limit=2", "/limit", "repeated"),
        ("filter=mine", "/filter", "not_allowed"),
        ("offset=3", "/offset", "unknown_field"),
        ("cursor=", "/cursor", "too_short"),
        ("cursor=" + "x" * 513, "/cursor", "too_long"),
    ],
)
async def test_wrong_queries(api: Api, query: str, pointer: str, code: str) -> None:
    """A page would be another than asked for."""
    await api.house.people("anna")
    answer = await api.ask("GET", f"/v1/conversations?{query}", "anna")
    assert told(answer) == (400, pointer, code)


async def test_a_query_cannot_be_a_flood_or_speak_for_the_path(api: Api) -> None:
    """A query of thousands of fields would be parsed, or name another conversation."""
    await api.house.people("anna")
    many = "&".join(f"a{n}=1" for n in range(1000))
    assert (await api.ask("GET", f"/v1/unread?{many}", "anna")).status_code == 400
    answer = await api.ask(
        "GET", "/v1/conversations/x/messages?conversationId=y", "anna"
    )
    assert told(answer) == (400, "/conversationId", "unknown_field")


async def test_the_key_comes_by_header_or_body_but_not_two(api: Api) -> None:
    """A retry would not be recognised as one."""
    await api.house.people("anna")
    path = "/v1/conversations/x/messages"

    async def send(body: dict, **headers: str) -> tuple[int, str, str]:
        answer = await api.ask("POST", path, "anna", json=body, headers=headers)
        return told(answer)

    assert await send({"text": "x"}) == (400, "/clientMessageId", "required")
    both = {"text": "x", "clientMessageId": "a"}
    key = {"Idempotency-Key": "b"}
    assert await send(both, **key) == (400, "/clientMessageId", "differs_from_key")
    assert (await send({"text": "x"}, **key))[0] == 404
