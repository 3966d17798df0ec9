"""Logs, and tasks that somebody owns."""

import asyncio
import json
import logging
from pathlib import Path

import pytest

from chatd.telemetry import about, configure, labels, log, spawn

KEYS = ("request", "connection", "trace")


@pytest.fixture(autouse=True)
def as_configured() -> None:
    configure()


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


async def endless() -> None:
    await asyncio.Event().wait()


async def test_a_cancelled_task_is_not_a_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every orderly end would look like an error in the log."""
    configure()
    owned: set[asyncio.Task[None]] = set()
    task = spawn(owned, endless(), "waiting")
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
    """A full disk behind the log would answer a send with an error (fault row 16)."""
    with (tmp_path / "log").open("w") as closed:
        monkeypatch.setattr("sys.stderr", closed)
    log.error("commit failed")


async def test_ids_are_on_every_line_of_a_call(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What one request did could not be found in the log of thousands."""
    owned: set[asyncio.Task[None]] = set()

    async def work() -> None:
        log.info("in a task of its own")

    with about(None, request="r1", connection=None):
        log.info("outside")
        with about(connection="c1"):
            await spawn(owned, work(), "work")
    log.info("afterwards")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    ids = [{k: v for k, v in one.items() if k in KEYS} for one in lines]
    assert ids == [{"request": "r1"}, {"request": "r1", "connection": "c1"}, {}]


def test_the_trace_of_a_caller_is_on_every_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What an embedding application did could not be followed into the server."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    with about(f"00-{trace}-b7ad6b7169203331-01", request="r1"):
        log.info("inside")
        assert labels() == {"trace": trace, "request": "r1"}
    record = json.loads(capsys.readouterr().err)
    assert (record["trace"], record["request"]) == (trace, "r1")


def test_what_stands_in_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Of several workers nobody would know which one is in trouble."""
    configure(pid=7)
    log.info("here", code="ok")
    configure()
    log.info("there")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first["pid"] == 7
    assert "pid" not in second


def test_libraries_speak_our_language(capsys: pytest.CaptureFixture[str]) -> None:
    """Half of the log could not be searched, or would hold what libraries carry."""
    library = logging.getLogger("uvicorn.error")
    library.debug("frame: a secret")
    library.warning("Invalid %s", "request")
    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert (said["library"], said["said"]) == ("uvicorn.error", "Invalid request")
    assert said["level"] == "warning"


def test_on_a_terminal_it_is_for_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever tries the server out would have to read JSON."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    configure()
    with about(request="r1"):
        log.warning("commit failed", code="storage\x1bfull", count=3)
    said = capsys.readouterr().err
    assert said[8:] == (
        ' warning commit failed code="storage\\u001bfull" count=3 request="r1"\n'
    )


def test_nobody_forges_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """An id with a line break could write anything into the log (CVE-2020-7694)."""
    log.info("call", method='x\n{"event":"forged"}\x1b[2J\u2028')
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\x1b" not in said
    assert json.loads(said)["method"].startswith("x\n")
