"""Logs, and tasks that somebody owns."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from chatd.telemetry import configure, log, spawn


@pytest.fixture(autouse=True)
def as_configured() -> Iterator[None]:
    configure()
    yield
    structlog.reset_defaults()


async def test_a_failed_task_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """Work in the background could die without a word."""
    configure()
    owned: set[asyncio.Task[None]] = set()

    async def fail() -> None:
        raise OSError("no more room")

    task = spawn(owned, fail(), "writing")
    assert owned == {task}
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert owned == set()
    said = capsys.readouterr()
    assert said.out == ""
    record = json.loads(said.err)
    assert (record["event"], record["task"]) == ("task failed", "writing")
    assert "no more room" in record["exception"]


async def test_a_cancelled_task_is_not_a_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every orderly end would look like an error in the log."""
    configure()
    owned: set[asyncio.Task[None]] = set()
    task = spawn(owned, asyncio.sleep(60), "waiting")
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert owned == set()
    assert capsys.readouterr().err == ""


def test_the_level_is_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    """A quiet installation would not be quiet."""
    configure("warning")
    log.info("chatter")
    log.warning("worth knowing")
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["worth knowing"]


def test_a_log_that_cannot_be_written_fails_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A full disk behind the log would answer a send with an error (faults 16)."""
    with (tmp_path / "log").open("w") as closed:
        monkeypatch.setattr("sys.stderr", closed)
    log.error("commit failed")
