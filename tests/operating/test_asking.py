"""If these fail, an operator cannot hand a person's data out, or take it away (MOO-91).

The commands ask a running server, as an operator would who was sent a letter.
"""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatd.cli import main
from chatd.operating.asking import AskFailed, erase, export
from tests.support.server import serving
from tests.support.tokens import SECRET

NOBODY = "http://127.0.0.1:1"


def run(command: str, url: str, user: str) -> Result:
    given = (command, "--tenant", "demo", "--user", user, "--url", url)
    return CliRunner(env={"CHATD_SECRET": SECRET}).invoke(main, given)


async def test_export_and_erase(tmp_path: Path) -> None:
    """A letter that asks for one's data, or to be forgotten, could not be answered."""
    async with serving(tmp_path, "--demo") as server:

        async def ask(command: str, user: str = "s001") -> Result:
            return await asyncio.to_thread(run, command, server.url, user)

        before = await ask("export")
        gone = await ask("erase")
        after = await ask("export")
        unknown = [await ask(one, "no/body") for one in ("export", "erase")]
    assert (before.exit_code, gone.exit_code) == (0, 0), before.output + gone.output
    assert json.loads(before.stdout.splitlines()[0])["user"]["name"] == "Student 001"
    assert gone.stdout == "erased: s001, 0 messages\n"
    assert json.loads(after.stdout.splitlines()[0])["user"]["name"] == ""
    for one in unknown:
        assert (one.exit_code, one.stdout) == (1, "")
        assert "not_found" in one.stderr


def test_no_server() -> None:
    """The command would end with a traceback, or as if it had done something."""
    with pytest.raises(AskFailed, match="Is the server running there"):
        list(export(NOBODY, "token", "s001"))
    with pytest.raises(AskFailed, match="Is the server running there"):
        erase(NOBODY, "token", "s001")
    for command in ("export", "erase"):
        result = run(command, NOBODY, "s001")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("error: ")
