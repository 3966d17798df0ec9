"""Conversations as the rules see them."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["direct", "group", "course", "project", "courseGroup", "mass", "self"]
State = Literal["open", "closed", "deleted"]


@dataclass(frozen=True, slots=True)
class ConversationRecord:
    """A conversation. `version` counts changes of members and state, not messages."""

    id: str
    kind: Kind
    state: State
    title: str
    version: int = 1
    head_seq: int = 0
    participant_count: int = 0
    created_by: str | None = None
    created_at_ms: int = 0
    last_activity_ms: int = 0
    roster_kind: str | None = None
    roster_id: str | None = None
    direct_key: str | None = None
    sent_to: int | None = None


def direct_key(one: str, other: str) -> str:
    """The same key for the same two people, whoever starts (MOO-31)."""
    first, second = sorted((one, other))
    return f"{len(first)}:{first}{second}"
