"""If these fail, a request ends up at another route, or a page of anybody gets in."""

import pytest

from chatd.limits import Limits, describe
from chatd_protocol.chat.errors import sentence
from chatd_protocol.chat.http.rows import RouteRow
from chatd_protocol.chat.routes import ROUTES
from tests.api.conftest import ORIGIN, Api


async def test_probes_and_descriptions_are_open(api: Api) -> None:
    """An orchestrator would need a token, or a newcomer find no description."""
    open_paths = ("/livez", "/startupz", "/readyz", "/v1/limits", "/v1/openapi.json")
    for path in open_paths:
        answer = await api.http.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "no-store, private"
    assert (await api.http.get("/v1/openapi.json")).json()["openapi"] == "3.1.0"
    assert (await api.http.get("/v1/asyncapi.json")).json()["asyncapi"][0] == "3"
    limits = (await api.http.get("/v1/limits")).json()
    assert limits.keys() == describe(Limits()).keys()


async def test_no_such_path_or_method_is_a_problem_too(api: Api) -> None:
    """A client would have to read two kinds of error."""
    missing = await api.http.get("/v1/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = await api.http.request("PATCH", "/v1/unread")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "invalid_request")
    assert "GET" in wrong.headers["allow"]
    for answer in (missing, wrong):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["requestId"]


@pytest.mark.parametrize("path", ["/v1/me", "/v1/nothing"])
async def test_refusals_are_said_in_the_readers_language(api: Api, path: str) -> None:
    """Some doors would speak English to everybody."""
    answer = await api.http.get(path, headers={"Accept-Language": "nl-BE, en;q=0.7"})
    assert answer.headers["content-language"] == "nl"
    assert answer.json()["detail"] == sentence(answer.json()["code"], {}, "nl")
    assert "accept-language" in answer.headers["vary"].lower()


async def test_ids_may_hold_anything(api: Api) -> None:
    """A platform whose ids have slashes, spaces or accents could not be used."""
    for quoted, name in (("a%2Fb", "a/b"), ("%C3%A9%20%25", "é %"), ("x%3Fy", "x?y")):
        put = await api.ask("PUT", f"/v1/courses/{quoted}", json={"name": "N"})
        assert put.status_code == 200, put.text
        assert put.json()["id"] == name
    answer = await api.ask("GET", "/v1/courses/%FF")
    assert answer.status_code == 404


async def test_only_allowed_origins_are_answered(api: Api) -> None:
    """A page of anybody could call with a token it got hold of."""
    asked = {"Access-Control-Request-Method": "PUT"}
    good = await api.http.options("/v1/me", headers={**asked, "Origin": ORIGIN})
    assert good.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in good.headers
    for origin in ("null", "https://lms.example.evil", "http://lms.example"):
        bad = await api.http.options("/v1/me", headers={**asked, "Origin": origin})
        assert "access-control-allow-origin" not in bad.headers


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.name)
async def test_every_row_of_the_table_is_there_and_closed(
    api: Api, row: RouteRow
) -> None:
    """A described route would be missing, or open to everybody."""
    path = row.path.replace("{", "").replace("}", "")
    method = row.method
    answer = await api.http.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthenticated"
