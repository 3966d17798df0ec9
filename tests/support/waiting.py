"""Waiting for something that another process or task will do, with a deadline.

For what can be awaited, await it; this is for what can only be looked at.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

POLL_S = 0.01

DEADLINE_S = 30.0
"""What comes at all comes at once: only what never comes costs this much, and a machine
that does everything a hundred times slower than usual must not seem to be broken."""

T = TypeVar("T")


@overload
async def wait_until(
    look: Callable[[], Awaitable[T]], deadline_s: float = DEADLINE_S, what: str = ""
) -> T: ...
@overload
async def wait_until(
    look: Callable[[], T], deadline_s: float = DEADLINE_S, what: str = ""
) -> T: ...
async def wait_until(
    look: Callable[[], T | Awaitable[T]], deadline_s: float = DEADLINE_S, what: str = ""
) -> T:
    """The first true value of `look()`; an AssertionError when none comes in time."""
    end = time.monotonic() + deadline_s
    while True:
        found = look()
        value = await found if isinstance(found, Awaitable) else found
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s} s: {what or look}")
        await asyncio.sleep(POLL_S)
