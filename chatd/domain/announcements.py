"""What was committed, as told to whoever listens: hints, never the truth itself.

The store makes them from what it wrote, the bus carries them, the hub and the caches
act on them. Every one may be lost, doubled or late without harm: the store is asked.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Logged:
    """A row came into a conversation's log.

    `event` is the contract's event where the deed had it at hand; else it is read from
    the log, as `Sync` reads it. `kind` is the event's type, such as `message.edited`.
    `origin` is the span of the deed, as a `traceparent`, where its trace is known.
    """

    tenant: str
    conversation_id: str
    seq: int
    kind: str
    event: object | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class PersonalMoved:
    """A person's own state reached this position; `origin` as for `Logged`."""

    tenant: str
    user_id: str
    personal_seq: int
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class FactsMoved:
    """A fact that decisions rest on has another version: caches drop it."""

    tenant: str
    noun: str
    id: str


@dataclass(frozen=True, slots=True)
class SessionsEnded:
    """Tokens of this person issued before this moment are no longer good."""

    tenant: str
    user_id: str
    before_ms: int


@dataclass(frozen=True, slots=True)
class Hinted:
    """An event that may be lost, for those in a conversation besides its actor."""

    tenant: str
    conversation_id: str
    actor_id: str
    event: object


@dataclass(frozen=True, slots=True)
class PresenceMoved:
    """Somebody's first connection came, or the last one has been gone for a moment."""

    tenant: str
    user_id: str
    online: bool


Announcement = (
    Logged | PersonalMoved | FactsMoved | SessionsEnded | Hinted | PresenceMoved
)
