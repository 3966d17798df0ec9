"""If these fail, an orchestrator kills what works, or sends work to what does not."""

import asyncio
from pathlib import Path

import pytest

from chatd import metrics
from chatd.operating import health
from chatd.operating.health import Check, Health, LoopWatch, Report, has_room
from tests.support.house import HandClock
from tests.support.volumes import on_volume, seen_by
from tests.support.waiting import wait_until


def constant(name: str, *, good: bool, required: bool = True) -> Check:
    async def ask() -> bool:
        return good

    return Check(name, ask, required)


def started(*checks: Check, clock: HandClock | None = None) -> Health:
    made = Health(clock or HandClock(), checks)
    made.started = True
    return made


def test_a_late_loop_is_not_alive() -> None:
    """A process that answers nobody would never be restarted (1 s)."""
    clock = HandClock()
    made = Health(clock, ())
    clock.at_ms += 1000
    assert made.alive
    clock.at_ms += 100
    assert not made.alive


async def test_the_lag_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stalled loop would look like a slow network."""
    monkeypatch.setattr(health, "BEAT_S", 0.01)
    clock = HandClock()
    watch = LoopWatch(clock)
    count = "chatd_event_loop_lag_seconds_count"
    before = metrics.REGISTRY.get_sample_value(count) or 0
    watch.start()
    # One beat and no other, which would be punctual.
    monkeypatch.setattr(health, "BEAT_S", 3600.0)
    clock.at_ms += 310
    await wait_until(lambda: metrics.REGISTRY.get_sample_value(count) != before)
    watch.stop()
    assert watch.lag_s == pytest.approx(0.3)


async def test_every_required_check_counts() -> None:
    """Work would go to a process that cannot do it."""
    assert await started(constant("store", good=True)).report() == Report(
        ready=True, checks={"serving": True, "store": True}
    )
    made = started(constant("store", good=True), constant("disk", good=False))
    assert await made.report() == Report(
        ready=False, checks={"serving": True, "store": True, "disk": False}
    )
    assert metrics.REGISTRY.get_sample_value("chatd_ready", {"check": "disk"}) == 0


async def test_what_is_not_required_is_reported_only() -> None:
    """A dead bus would take every gateway out of service at once."""
    made = started(constant("bus", good=False, required=False))
    assert await made.report() == Report(
        ready=True, checks={"serving": True, "bus": False}
    )


async def test_before_the_start_and_while_draining_no_work_is_wanted() -> None:
    """A balancer would send clients to a process that goes away."""
    made = Health(HandClock(), (constant("store", good=True),))
    assert not (await made.report()).ready
    made.started = True
    assert (await made.report()).ready
    await made.drain(notice_s=60)
    # At once, although the checks' answers are kept for a second.
    assert (await made.report()).checks == {"serving": False, "store": True}
    assert metrics.REGISTRY.get_sample_value("chatd_drain_state") == 1
    metrics.DRAIN_STATE.set(0)


async def test_balancers_are_given_notice() -> None:
    """Clients would be sent to a listener that has just closed."""
    clock = HandClock()
    made = started(clock=clock)
    assert (await made.probe()).ready
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await made.drain(notice_s=60)
    # One that has not asked for a while does not come back.
    clock.at_ms += 30_000
    async with asyncio.timeout(0.05):
        await made.drain(notice_s=60)
    metrics.DRAIN_STATE.set(0)


async def test_a_check_that_hangs_or_breaks_says_no(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A probe would hang as long as the database does, and time out without a word."""
    monkeypatch.setattr(health, "CHECK_S", 0.05)

    async def hangs() -> bool:
        await asyncio.Event().wait()
        return True

    async def breaks() -> bool:
        raise ConnectionError("no route")

    made = started(Check("store", hangs), Check("disk", breaks))
    assert await made.report() == Report(
        ready=False, checks={"serving": True, "store": False, "disk": False}
    )


async def test_checks_are_asked_once_a_second_at_most() -> None:
    """Anybody could keep the disk busy by asking whether it is well."""
    asked = 0

    async def count() -> bool:
        nonlocal asked
        asked += 1
        return True

    clock = HandClock()
    made = started(Check("store", count), clock=clock)
    await asyncio.gather(*(made.report() for _ in range(20)))
    assert asked == 1
    clock.at_ms += 1000
    await made.report()
    assert asked == 2


async def test_the_room_on_a_volume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk would be noticed by the first message that is lost to it."""
    # Whatever the disk is like on which the tests run.
    monkeypatch.setattr(health, "DISK_FREE_MIN", 0.0)
    assert await has_room(tmp_path)
    monkeypatch.setattr(health, "DISK_FREE_MIN", 1.0)
    assert not await has_room(tmp_path)


async def test_a_volume_that_fills_up(tmp_path: Path) -> None:
    """The bound would be of another disk than the one that the database is on."""
    holder = await asyncio.create_subprocess_exec(
        *(*on_volume(tmp_path, "1m"), "sh", "-c", "echo mounted; exec cat"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"mounted\n"
    volume = seen_by(holder.pid, tmp_path)
    assert await has_room(volume)
    (volume / "filler").write_bytes(bytes(1000 * 1024))
    assert not await has_room(volume)
    await holder.communicate(b"")
