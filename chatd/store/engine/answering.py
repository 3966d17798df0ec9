"""From a finished batch to whoever waits: announce first, then answer.

Both engines end here, on the event loop and in the order of their commits.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatd import metrics
from chatd.domain.announcements import Announcement
from chatd.failpoints import reach
from chatd.store.change import Change, Committed
from chatd.store.effects import Effects
from chatd.store.engine.applying import committed
from chatd.telemetry import log

Listener = Callable[[Sequence[Announcement]], None]

Outcome = Effects | Exception
"""What became of a Change: what it did, now on disk, or why nothing of it was done."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A Change, who waits for it, and since when, in seconds of some clock."""

    change: Change
    answer: asyncio.Future[Committed]
    since_s: float


def settle(answers: Sequence[tuple[Waiting, Outcome]], on_committed: Listener) -> None:
    """Announce what was done, all of it in one call, and answer everybody."""
    announcements: list[Announcement] = []
    results: list[Committed | Exception] = []
    for waiting, outcome in answers:
        if isinstance(outcome, Exception):
            results.append(outcome)
            continue
        try:
            done = committed(waiting.change, outcome)
        except Exception:  # noqa: BLE001 - it is on disk: the answer must leave
            metrics.violated("event_is_built")
            log.exception("building an event failed")
            done = Committed(tuple(row.seq for row in outcome.logged), ())
        announcements += done.announcements
        results.append(done)
    if announcements:
        _announce(announcements, on_committed)
    for (waiting, _), result in zip(answers, results, strict=True):
        if waiting.answer.done():
            continue
        if isinstance(result, Exception):
            waiting.answer.set_exception(result)
        else:
            waiting.answer.set_result(result)


def _announce(announcements: Sequence[Announcement], on_committed: Listener) -> None:
    try:
        reach("before_announce")
        on_committed(announcements)
        reach("after_publish")
    except Exception:  # noqa: BLE001 - it is on disk: the answers must leave
        metrics.violated("announced_after_commit")
        log.exception("announcing failed", announcements=len(announcements))
