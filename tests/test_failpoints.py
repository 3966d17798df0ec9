"""If these fail, the proofs that rest on fail points prove something else."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd import failpoints
from chatd.config import ConfigError, load, warnings
from chatd.failpoints import FailpointReached, reach, reach_async

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm(None)


def passes(name: str, times: int) -> list[bool]:
    """Whether each of so many passes went through."""
    through = []
    for _ in range(times):
        try:
            reach(name)
            through.append(True)
        except FailpointReached:
            through.append(False)
    return through


def test_nothing_happens_unless_asked_for() -> None:
    """A server in production could stumble over its own tests."""
    assert passes("before_commit", 3) == [True, True, True]
    failpoints.arm("after_publish=raise")
    assert passes("before_commit", 3) == [True, True, True]


def test_a_point_fails_every_time_or_once() -> None:
    """A fault could not be placed at one exact moment."""
    failpoints.arm("before_commit=raise, after_publish=once(2):raise")
    assert passes("before_commit", 2) == [False, False]
    assert passes("after_publish", 3) == [True, False, True]


async def test_a_point_waits_in_order() -> None:
    """A fault could not be preceded by the moment that makes it matter."""
    failpoints.arm("after_publish=sleep(0.05)+raise")
    began_s = time.monotonic()
    with pytest.raises(FailpointReached):
        await reach_async("after_publish")
    assert time.monotonic() - began_s >= 0.05
    with pytest.raises(FailpointReached):
        await asyncio.to_thread(reach, "after_publish")


def test_a_point_kills_with_nothing_flushed() -> None:
    """A kill would leave time for what a power cut leaves no time for."""
    died = subprocess.run(
        [
            sys.executable,
            "-c",
            "from chatd import failpoints as f; f.arm('during_drain=kill9');"
            "import atexit; atexit.register(print, 'never seen');"
            "f.reach('during_drain')",
        ],
        check=False,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert died.returncode == -signal.SIGKILL
    assert b"never seen" not in died.stdout


def test_a_file_is_read_at_each_pass_and_emptied_once(tmp_path: Path) -> None:
    """A killed server would be killed again by its next life's first message."""
    file = tmp_path / "faults"
    failpoints.arm(f"@{file}")
    assert passes("before_commit", 1) == [True]
    file.write_text("before_commit=once(2):raise\n")
    assert passes("before_commit", 2) == [True, False]
    assert not file.exists()
    file.write_text("before_commit=raise\n")
    assert passes("before_commit", 2) == [False, False]


@pytest.mark.parametrize(
    "wrong",
    [
        "before_lunch=raise",
        "before_commit",
        "before_commit=once(0):raise",
        "before_commit=sleep",
        "before_commit=sleep(1)+",
        "before_commit=explode",
    ],
)
def test_a_setting_with_a_slip_is_named(wrong: str) -> None:
    """A test with a typing error would pass for want of its fault."""
    with pytest.raises(ConfigError, match="failpoints: "):
        load({}, {"CHATD_FAILPOINTS": wrong})


def test_a_server_that_others_reach_refuses_them() -> None:
    """A production server could be told to die by one variable."""
    armed = {"CHATD_FAILPOINTS": "before_commit=kill9"}
    assert any("failpoints" in text for text in warnings(load({}, armed)))
    for public in ({"host": "0.0.0.0"}, {"public_url": "https://chat.example"}):
        with pytest.raises(ConfigError, match=r"failpoints: .* in production"):
            load(public, armed)


def test_arming_is_loud(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody reading the log would know why a server keeps dying."""
    failpoints.arm("before_commit=raise")
    said = capsys.readouterr()
    assert "FAIL POINTS ARE ARMED" in said.out + said.err
