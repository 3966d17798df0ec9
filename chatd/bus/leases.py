"""What the gateways of a deployment know of a person together, for as long as it holds.

Nothing of it is needed: who cannot ask the others goes by what happens here alone.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

Key = tuple[str, str]
"""Tenant and user."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a bucket fills, in tokens per second, and how much it holds."""

    per_second: float
    burst: float


Settled = Callable[[Key, str, float], None]
"""Told of (person, bucket) what level it has by what was spent at all gateways."""


class Leases(Protocol):
    """What is shared. Nothing here raises; only what is awaited waits."""

    def hold(self, person: Key, connections: int) -> None:
        """Say how many connections somebody has here, from now on."""

    async def elsewhere(self, people: Collection[Key]) -> Mapping[Key, int]:
        """How many connections these have at other gateways; those of whom nobody can
        say are left out."""

    def spend(self, person: Key, bucket: str, rate: Rate) -> None:
        """Say that a token was taken out of somebody's bucket here."""

    def on_settled(self, settled: Settled) -> None:
        """Call this a moment after something was spent."""


class Alone:
    """For a process without others."""

    def hold(self, person: Key, connections: int) -> None:
        """Nobody wants to know."""

    async def elsewhere(self, people: Collection[Key]) -> Mapping[Key, int]:
        """There is no elsewhere."""
        return dict.fromkeys(people, 0)

    def spend(self, person: Key, bucket: str, rate: Rate) -> None:
        """What is counted here is all."""

    def on_settled(self, settled: Settled) -> None:
        """It never is anything else."""
