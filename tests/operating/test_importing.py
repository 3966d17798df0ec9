"""If these fail, `chatd import` does not say what became of a file, or stops."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatd.cli import main
from chatd.operating.importing import ImportFailed, lines_in, send
from tests.support.server import serving
from tests.support.tokens import SECRET


def user(id_: str, role: str = "student") -> str:
    request = {"userId": id_, "name": id_, "roles": [role]}
    return json.dumps({"do": "putUser", "request": request})


def run(url: str, *files: Path) -> Result:
    names = (str(file) for file in files)
    given = ("import", "--tenant", "demo", "--url", url, *names)
    return CliRunner(env={"CHATD_SECRET": SECRET}).invoke(main, given)


async def test_a_result_for_each_line(tmp_path: Path) -> None:
    """An operator would not know which of ten thousand rows is missing."""
    file = tmp_path / "people.ndjson"
    file.write_text(f"{user('s900')}\n\n{user('s901', 'king')}\n{user('s902')}\n")
    assert lines_in(file) == 3
    async with serving(tmp_path / "data", "--demo") as server:
        result = await asyncio.to_thread(run, server.url, file)
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["line"], one["status"]) for one in told] == [
        (1, 200),
        (3, 400),
        (4, 200),
    ]
    assert result.exit_code == 1
    assert "people.ndjson: 2 done, 1 refused" in result.stderr


def test_no_server(tmp_path: Path) -> None:
    """The command would end with a traceback."""
    file = tmp_path / "people.ndjson"
    file.write_text(user("s900"))
    with pytest.raises(ImportFailed, match="Is the server running there"):
        list(send("http://127.0.0.1:1", "token", file))
    result = run("http://127.0.0.1:1", file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("Else say --url.\n")
