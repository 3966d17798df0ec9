"""The commands of the checkout, as far as they install and start nothing."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def dev(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "dev", *arguments],
        cwd=ROOT.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_the_two_commands() -> None:
    """A newcomer who types ./dev would learn nothing."""
    told = dev("help")
    assert told.returncode == 0
    assert "./dev serve" in told.stdout
    assert "./dev test" in told.stdout
    assert told.stderr == ""


@pytest.mark.parametrize("arguments", [["tets"], ["bench"]])
def test_a_wrong_command_fails(arguments: list[str]) -> None:
    """A misspelt command in a pipeline would look like success."""
    assert dev(*arguments).returncode != 0


def test_continuous_integration_runs_what_developers_run() -> None:
    """The two would drift apart."""
    run = ROOT / ".ci" / "run"
    assert "./dev test" in run.read_text(encoding="utf-8")
    assert run.stat().st_mode & 0o111
