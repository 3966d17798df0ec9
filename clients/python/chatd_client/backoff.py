"""How long to wait before coming back, so that a thousand clients do not come at once.

The wait is drawn at random below a bound that doubles with every failure up to a cap,
and is never shorter than what the server asked for.
"""

import secrets
from collections.abc import Callable
from typing import Final

FIRST_S: Final = 1.0
CAP_S: Final = 30.0
RETRY_AFTER_S_MAX: Final = 300.0
"""A server that asks for more is taken to mean this much."""

RANDOM: Final = secrets.SystemRandom()


class Backoff:
    """The waits of one client."""

    def __init__(self, draw: Callable[[], float] = RANDOM.random) -> None:
        """`draw` gives numbers in [0, 1)."""
        self._draw = draw
        self._bound_s = FIRST_S

    def next_s(self, retry_after_s: float | None = None) -> float:
        """Seconds to wait now; the bound of the next wait is twice as high."""
        wait_s = self._draw() * self._bound_s
        self._bound_s = min(self._bound_s * 2, CAP_S)
        if retry_after_s is None:
            return wait_s
        # The jitter goes on top: everybody was told the same number.
        return min(max(retry_after_s, 0.0), RETRY_AFTER_S_MAX) + wait_s

    def reset(self) -> None:
        """It worked: begin again with the shortest bound."""
        self._bound_s = FIRST_S
