"""People as the rules see them, and when they answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

Role = Literal[
    "owner",
    "admin",
    "departmentAdmin",
    "supervisor",
    "author",
    "teacher",
    "student",
    "guardian",
    "observer",
    "guest",
]
"""A platform's own words map to these (SPEC, HTTP API)."""

ROLES: Final[tuple[Role, ...]] = get_args(Role)

Accepts = Literal["contacts", "courses", "anyone"]
"""From whom a person accepts messages (MOO-13)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf something is done: a person of a tenant, and granted scopes."""

    tenant: str
    user_id: str
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A person's place on a roster: a course, project, group or unit.

    `variety` tells a batch from a course's group; `above` holds the units over a unit,
    the nearest first.
    """

    kind: str
    roster_id: str
    role: str
    variety: str = ""
    above: tuple[str, ...] = ()


class OpenHours(msgspec.Struct, frozen=True, rename="camel"):
    """From when to when on a day of the week, Monday being 1; times as `HH:MM`."""

    day: int
    start: str
    end: str


class Availability(msgspec.Struct, frozen=True, rename="camel"):
    """When a person answers, in their own time zone (TUT-31)."""

    time_zone: str
    hours: tuple[OpenHours, ...]


class Details(msgspec.Struct, frozen=True, omit_defaults=True):
    """What only some presets read of a person, and that a person was deleted."""

    privileges: tuple[str, ...] = ()
    availability: Availability | None = None
    guardian_of: tuple[str, ...] = ()
    supervises: tuple[str, ...] = ()
    deleted: bool = False


NO_DETAILS: Final = Details()


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A person of a tenant's directory. `version` counts changes of these facts.

    `accepts` is the person's own preference; None: the policy's default.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    version: int = 1
    title: str | None = None
    email: str | None = None
    avatar_url: str | None = None
    active: bool = True
    messaging_disabled: bool = False
    tokens_valid_from_ms: int = 0
    enter_sends: bool = False
    language: str | None = None
    details: Details = NO_DETAILS
    accepts: Accepts | None = None


# ------------------------------------------------------------------ stated hours


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a person answers now, and if not, from when on (TUT-30, TUT-32).

    `opens_at_ms` is none while it is open, and where no hours are stated.
    """

    now: bool
    opens_at_ms: int | None = None


def zone(name: str) -> ZoneInfo | None:
    """The time zone of this name, if this machine knows one."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        # A folder of the database, a path out of it, a name that is in none.
        return None


def minutes(time: str) -> int:
    """Minutes since midnight of a time of day, `00:00` to `24:00`."""
    hour, minute = time.split(":")
    return int(hour) * 60 + int(minute)


def opening(stated: Availability, now_ms: int) -> Opening | None:
    """What the stated hours say of a moment; none where the zone is not known."""
    where = zone(stated.time_zone)
    if where is None:
        return None
    spans = list(_spans(stated, where, now_ms))
    if any(start <= now_ms < end for start, end in spans):
        return Opening(now=True)
    later = [start for start, _ in spans if start > now_ms]
    return Opening(now=False, opens_at_ms=min(later, default=None))


def _spans(
    stated: Availability, where: ZoneInfo, now_ms: int
) -> Iterator[tuple[int, int]]:
    """Every span of the week that begins today, in milliseconds since 1970.

    By the clock on the wall there, so a change to summer time moves them along.
    """
    today = datetime.fromtimestamp(now_ms / 1000, where).date()
    for ahead in range(8):
        day = today + timedelta(days=ahead)
        midnight = datetime(day.year, day.month, day.day, tzinfo=where)
        for hours in stated.hours:
            if hours.day == day.isoweekday():
                start, end = minutes(hours.start), minutes(hours.end)
                yield _at(midnight, start), _at(midnight, end)


def _at(midnight: datetime, minute: int) -> int:
    # To add to a time that has a zone moves the hands, not the hours that pass.
    on_the_wall = midnight + timedelta(minutes=minute)
    return round(on_the_wall.astimezone(UTC).timestamp() * 1000)
