"""If these fail, a platform cannot bring its people and courses in one go."""

import json
from collections.abc import Iterable

import httpx2
import pytest

from chatd.api.bulk import LINE_BYTES_MAX
from tests.api.conftest import Api

NDJSON = {"Content-Type": "application/x-ndjson"}


def put(id_: str, **more: object) -> dict:
    return {
        "do": "putUser",
        "request": {"userId": id_, "name": id_.title(), "roles": ["student"], **more},
    }


def course(id_: str) -> dict:
    return {"do": "putCourse", "request": {"courseId": id_, "name": id_}}


def seat(course_id: str, user_id: str, role: str = "student") -> dict:
    return {
        "do": "putCourseMember",
        "request": {"courseId": course_id, "userId": user_id, "role": role},
    }


async def send(
    api: Api, lines: Iterable[dict | bytes], *scopes: str
) -> httpx2.Response:
    raw = b"".join(
        (one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n"
        for one in lines
    )
    headers = api.headers("lms", *(scopes or ("directory",))) | NDJSON
    return await api.http.post("/v1/directory", content=raw, headers=headers)


def results(answer: httpx2.Response) -> list[dict]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_people_courses_and_who_is_on_them(api: Api) -> None:
    """A school would begin with nothing, or with half of it."""
    people = [put(f"s{number}") for number in range(200)]
    seats = [seat("math", f"s{number}") for number in range(200)]
    done = results(await send(api, [*people, course("math"), *seats]))
    assert [one["line"] for one in done] == list(range(1, 402))
    assert {one["status"] for one in done} == {200}
    found = await api.ask("GET", "/v1/users/s199")
    assert found.json()["name"] == "S199"
    joined = await api.house.context.store.read(_on_course, "school", "math")
    assert joined == 200


async def _on_course(tx: object, tenant: str, course_id: str) -> int:
    row = await tx.one(  # type: ignore[attr-defined]
        "SELECT count(*) FROM roster_member WHERE tenant = $1 AND roster_id = $2",
        tenant,
        course_id,
    )
    return int(row[0])


async def test_a_line_may_build_on_the_one_before(api: Api) -> None:
    """A file that names things as they come would be refused in places."""
    lines = [put("ann"), course("art"), seat("art", "ann"), put("bob")]
    lines += [seat("art", "bob", "teacher"), {"do": "deleteCourseMember"}]
    lines[-1]["request"] = {"courseId": "art", "userId": "ann"}
    assert {one["status"] for one in results(await send(api, lines))} == {200, 204}
    assert await api.house.context.store.read(_on_course, "school", "art") == 1


async def test_the_last_word_about_the_same_thing_wins(api: Api) -> None:
    """Two lines about one person would be carried out in any order."""
    lines = [put("ann", title=f"No. {number}") for number in range(20)]
    results(await send(api, lines))
    assert (await api.ask("GET", "/v1/users/ann")).json()["title"] == "No. 19"


async def test_a_bad_line_harms_no_other(api: Api) -> None:
    """One wrong row would keep ten thousand others out."""
    lines: list[dict | bytes] = [
        put("ann"),
        b"{not json",
        {"do": "dropTables", "request": {}},
        put("ben", roles=["king"]),
        seat("nowhere", "ann"),
        b"x" * (LINE_BYTES_MAX + 10),
        b"",
        b"[]",
        put("zoe"),
    ]
    done = results(await send(api, lines))
    told = {
        one["line"]: (one["status"], one.get("code"), one.get("errors")) for one in done
    }
    bad = (400, "invalid_request")
    assert told == {
        1: (200, None, None),
        2: (*bad, [{"pointer": "", "code": "not_json"}]),
        3: (*bad, [{"pointer": "/do", "code": "not_allowed"}]),
        4: (*bad, [{"pointer": "/request/roles/0", "code": "not_allowed"}]),
        5: (404, "not_found", None),
        6: (*bad, [{"pointer": "", "code": "too_long"}]),
        8: (*bad, [{"pointer": "", "code": "wrong_type"}]),
        9: (200, None, None),
    }


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Content-Type": "application/json"}, 415), ({"Content-Encoding": "gzip"}, 415)],
)
async def test_another_kind_of_body(
    api: Api, headers: dict[str, str], status: int
) -> None:
    """A body that means something else would be read as lines."""
    sent = api.headers("lms", "directory") | NDJSON | headers
    answer = await api.http.post("/v1/directory", content=b"{}", headers=sent)
    assert answer.status_code == status


async def test_too_much(api: Api) -> None:
    """Anybody with the scope could fill the disk."""
    most = api.house.context.limits.directory_import_bytes
    answer = await send(api, [b"x" * 1000] * (most // 1000 + 1))
    assert (answer.status_code, answer.json()["limit"]) == (413, most)


async def test_for_the_platform_alone(api: Api) -> None:
    """A person, or another service, would write the directory."""
    await api.house.people("anna")
    assert (await send(api, [put("x")], "messages", "admin")).status_code == 403
