"""If these fail, an export does not arrive, or arrives as something else."""

import json

from tests.api.conftest import Api


async def test_lines(api: Api) -> None:
    """A person would get half an export and not know it."""
    await api.house.people("sue", "tom")
    await api.house.conversation("talk", "sue", "tom")
    answer = await api.ask("GET", "/v1/users/sue/export")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["kind"] for line in lines] == ["person", "conversation"]
    assert lines[0]["user"]["name"] == "Sue"


async def test_nobodys(api: Api) -> None:
    """A mistyped id would give an empty file that looks like an answer."""
    answer = await api.ask("GET", "/v1/users/nobody/export")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
