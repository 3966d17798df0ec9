"""What every action is handed: five things; a sixth is a change of architecture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatd.actions.basis.facts import Facts
from chatd.clock import Clock
from chatd.domain.announcements import Announcement
from chatd.limits import Limits
from chatd.store.engine.sqlite import SqliteStore


@dataclass(frozen=True, slots=True)
class Context:
    """The store, the clock, the limits, cached facts, and the way out for hints."""

    store: SqliteStore
    clock: Clock
    limits: Limits
    facts: Facts
    publish: Callable[[Sequence[Announcement]], None]
