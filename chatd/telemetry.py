"""Logs and owned tasks. Logs hold ids and codes, never texts, tokens or queries.

Structured JSON lines go to standard error; standard output belongs to the commands.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Coroutine, MutableSet

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

log: FilteringBoundLogger = structlog.get_logger("chatd")


def configure(level: str = "info") -> None:
    """Write log records of at least `level` as JSON lines to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_text),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=False,
    )


class _Lines:
    """Standard error, whichever that is by now.

    A full disk or a closed pipe behind it must not fail what only wanted to log.
    """

    def msg(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            # One write: lines of several processes share the file.
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = msg


def _to_text(record: object, **_options: object) -> str:
    return orjson.dumps(record, default=repr).decode()


def spawn(
    owner: MutableSet[asyncio.Task[None]],
    work: Coroutine[object, object, None],
    name: str,
) -> asyncio.Task[None]:
    """Start a task that `owner` keeps alive and whose failure is logged, not lost.

    The event loop itself holds only a weak reference to a task, and an exception of a
    task that nobody awaits would be told at garbage collection, if ever.
    """
    task = asyncio.get_running_loop().create_task(work, name=name)
    owner.add(task)

    def done(finished: asyncio.Task[None]) -> None:
        owner.discard(finished)
        if not finished.cancelled() and (error := finished.exception()) is not None:
            log.error("task failed", task=name, exc_info=error)

    task.add_done_callback(done)
    return task
