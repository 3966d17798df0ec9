"""What every action is handed: six things; a seventh is a change of architecture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chatd.actions.basis.facts import Facts
from chatd.actions.basis.shares import Shares
from chatd.clock import Clock
from chatd.domain.announcements import Announcement
from chatd.limits import Limits
from chatd.store.engine.interface import Store


@dataclass(frozen=True, slots=True)
class Context:
    """What deeds stand on; `publish` is the way out for hints."""

    store: Store
    clock: Clock
    limits: Limits
    facts: Facts
    publish: Callable[[Sequence[Announcement]], None]
    shares: Shares = field(default_factory=Shares)
