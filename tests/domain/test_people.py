"""If these fail, a client says that a tutor answers now who does not (TUT-30 … 32)."""

from datetime import datetime

import pytest

from chatd.domain.people import (
    Availability,
    OpenHours,
    Opening,
    minutes,
    opening,
    zone,
)

EVENINGS = Availability(
    "Asia/Kolkata",
    (OpenHours(1, "16:00", "20:30"), OpenHours(3, "16:00", "24:00")),
)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "now", "opens"),
    [
        # 2026-11-23 is a Monday.
        ("2026-11-23T15:59:59+05:30", False, "2026-11-23T16:00+05:30"),
        ("2026-11-23T16:00:00+05:30", True, None),
        ("2026-11-23T20:29:59+05:30", True, None),
        ("2026-11-23T20:30:00+05:30", False, "2026-11-25T16:00+05:30"),
        ("2026-11-25T23:59:59+05:30", True, None),
        ("2026-11-26T00:00:00+05:30", False, "2026-11-30T16:00+05:30"),
    ],
)
def test_hours_of_a_week(moment: str, now: bool, opens: str | None) -> None:
    """A student would be told a time at which nobody is there."""
    wanted = Opening(now, None if opens is None else ms(opens))
    assert opening(EVENINGS, ms(moment)) == wanted


def test_the_hours_are_those_on_the_wall() -> None:
    """After the change to summer time a tutor would be called an hour too late."""
    hours = Availability("Europe/Berlin", (OpenHours(7, "09:00", "10:00"),))
    # Summer time begins on 2026-03-29, a Sunday, at two o'clock.
    found = opening(hours, ms("2026-03-28T12:00+01:00"))
    assert found == Opening(False, ms("2026-03-29T09:00+02:00"))


def test_no_hours_and_no_such_zone() -> None:
    """Opening a conversation would fail for what cannot be known on this machine."""
    never = Availability("Europe/Berlin", ())
    assert opening(never, 0) == Opening(False, None)
    assert opening(Availability("Mars/Olympus", ()), 0) is None


@pytest.mark.parametrize("name", ["", "Europe", "../etc/passwd", "Europe/Nowhere"])
def test_names_that_are_no_zone(name: str) -> None:
    """A platform would be told that all is well with hours that are never shown."""
    assert zone(name) is None


def test_minutes_of_a_day() -> None:
    """A day's last hour would not count."""
    assert [minutes(one) for one in ("00:00", "09:05", "24:00")] == [0, 545, 1440]
