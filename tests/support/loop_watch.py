"""Finds what blocks an event loop: one callback that keeps it for too long.

The wall time of every callback is measured, and what the kernel says this thread
spent waiting for a processor is taken off, so that a busy machine is never mistaken
for blocking code.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BLOCKED_S = 1.0
"""The longest callback of all tests takes 0.2 s of a processor that does other things;
what waits for a lock, a host or a sleep takes longer than this."""

_SCHEDSTAT = Path("/proc/thread-self/schedstat")


class LoopBlockedError(AssertionError):
    """A callback kept the loop to itself for more than `BLOCKED_S`."""


def _waited_for_processor_s() -> float:
    """How long this thread has been ready to run and was not let; 0 if unknown."""
    try:
        return int(_SCHEDSTAT.read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


@contextmanager
def loop_watch(limit_s: float = BLOCKED_S) -> Iterator[None]:
    """Raises `LoopBlockedError` at its end if any callback took over `limit_s`."""
    longest_s, culprit = 0.0, ""
    run = asyncio.Handle._run
    waited_before_s = _waited_for_processor_s()

    def timed(handle: asyncio.Handle) -> None:
        nonlocal longest_s, culprit
        began_s = time.monotonic()
        run(handle)
        took_s = time.monotonic() - began_s
        if took_s > longest_s:
            longest_s = took_s
            if took_s > limit_s:
                culprit = repr(handle)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.Handle, "_run", timed)
        yield
    blocked_s = longest_s - (_waited_for_processor_s() - waited_before_s)
    if blocked_s > limit_s:
        raise LoopBlockedError(
            f"the loop stood still for {blocked_s:.1f} s in {culprit}"
        )
