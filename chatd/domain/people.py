"""People as the rules see them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf something is done: a person of a tenant, and granted scopes."""

    tenant: str
    user_id: str
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A person's place on a roster: a course, project, group or unit."""

    kind: str
    roster_id: str
    role: str


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A person of a tenant's directory. `version` counts changes of these facts."""

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
    details: str = "{}"
    """JSON of what presets beyond the present one use (privileges, availability, …)."""
