"""People as the rules see them."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

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
"""A platform's own words map to these (contract section 6)."""

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
