"""The bus of a single process: who publishes calls every listener, at once, in order.

Announcements are hints. A listener that needs more than they say reads the store, and
one that fails is logged and harms neither the publisher nor the other listeners.
"""

from collections.abc import Sequence

from chatd.bus.interface import Doubt, Kind, Listener
from chatd.bus.leases import Alone, Leases
from chatd.domain.announcements import Announcement
from chatd.telemetry import log


class LocalBus:
    """Hands announcements to listeners on the event loop's thread."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self.leases: Leases = Alone()

    def subscribe(self, listener: Listener) -> None:
        """From now on, call `listener` with every batch; it must not block."""
        self._listeners.append(listener)

    def publish(self, announcements: Sequence[Announcement]) -> None:
        """Tell every listener, in the order in which they subscribed."""
        for listener in self._listeners:
            try:
                listener(announcements)
            except Exception:  # noqa: BLE001 - one listener's bug must not cost the others
                log.exception("bus listener failed", listener=repr(listener))

    def follow(self, kind: Kind, tenant: str, id_: str) -> None:
        """Everything of this process is heard anyway."""

    def unfollow(self, kind: Kind, tenant: str, id_: str) -> None:
        """Whoever listens sorts it out."""

    def on_doubt(self, doubt: Doubt) -> None:
        """There is nobody else whose announcements could be lost."""

    async def start(self) -> None:
        """There is nothing to start."""

    async def stop(self) -> None:
        """There is nothing to stop."""
