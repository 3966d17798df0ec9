"""What a bus is to those who publish on it and to those who listen."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from chatd.bus.leases import Leases
from chatd.domain.announcements import Announcement

Listener = Callable[[Sequence[Announcement]], None]

Doubt = Callable[[str], None]
"""Told that announcements of others may have been lost, and why, in one word."""

Kind = Literal["conversation", "person", "presence"]


class Bus(Protocol):
    """Carries announcements to the listeners of this process and of all others.

    They are hints: every one may be lost, doubled, late or out of order.
    """

    def subscribe(self, listener: Listener) -> None:
        """From now on, call `listener` with every batch; it must not block."""

    def publish(self, announcements: Sequence[Announcement]) -> None:
        """Tell the listeners here at once, in order, and all others a moment later.

        Never blocks and never raises.
        """

    def follow(self, kind: Kind, tenant: str, id_: str) -> None:
        """Somebody here wants what others announce of this."""

    def unfollow(self, kind: Kind, tenant: str, id_: str) -> None:
        """Nobody here does any more."""

    @property
    def leases(self) -> Leases:
        """What the gateways know of people together."""

    def on_doubt(self, doubt: Doubt) -> None:
        """Call this whenever announcements of others may have been lost."""

    async def start(self) -> None:
        """Begin to work; returns at once, whether others can be reached or not."""

    async def stop(self) -> None:
        """End all work; what was not sent yet is lost, as hints may be."""
