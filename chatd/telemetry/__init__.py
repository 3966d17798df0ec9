"""Logs and owned tasks. Logs hold ids and codes, never texts, tokens or queries.

Structured JSON lines go to standard error; standard output belongs to the commands.
Control characters are escaped by being JSON, so that no log line can be forged; on a
terminal the same is written for people. What
libraries say is taken in from warnings on: their debug lines print what they carry.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Coroutine, Iterator, Mapping, MutableMapping, MutableSet
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

from chatd.telemetry import spans

log: FilteringBoundLogger = structlog.get_logger("chatd")

_ABOUT: ContextVar[Mapping[str, object]] = ContextVar(
    "about", default=MappingProxyType({})
)

_ALWAYS: Final[dict[str, object]] = {}


@contextlib.contextmanager
def about(traceparent: str | None = None, /, **ids: object) -> Iterator[None]:
    """Within the block every log line of this task, and of those it starts, has `ids`.

    So have they the trace of a `traceparent` header, which calls then belong to. None
    is left out. One variable holds all of them: this runs with every call.
    """
    known = {name: value for name, value in ids.items() if value is not None}
    if (given := spans.origin_of(traceparent)) is not None:
        with spans.joined(given), about(None, trace=given.trace_id, **known):
            yield
        return
    token = _ABOUT.set({**_ABOUT.get(), **known})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def labels() -> Mapping[str, object]:
    """The ids of the current task's log lines."""
    return _ABOUT.get()


def configure(level: str = "info", **always: object) -> None:
    """Write log records of at least `level` as JSON lines to standard error.

    `always` stands in each of them.
    """
    _ALWAYS.clear()
    _ALWAYS.update(always)
    structlog.configure(
        processors=[
            _with_ids,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _for_people
            if sys.stderr.isatty()
            else structlog.processors.JSONRenderer(serializer=_to_text),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_OfLibraries()], force=True)


class _OfLibraries(logging.Handler):
    """What uvicorn and asyncio have to say, in our form."""

    def emit(self, record: logging.LogRecord) -> None:
        log.log(
            record.levelno,
            "a library says",
            library=record.name,
            said=record.getMessage(),
            exc_info=record.exc_info,
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


def _with_ids(
    _logger: object, _method: str, record: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    for name, value in (*_ABOUT.get().items(), *_ALWAYS.items()):
        record.setdefault(name, value)
    return record


def _for_people(
    _logger: object, _method: str, record: MutableMapping[str, object]
) -> str:
    """A line for a terminal; escaped like the others, but for a traceback's lines."""
    at, level = str(record.pop("timestamp")), str(record.pop("level"))
    event, trace = record.pop("event"), record.pop("exception", None)
    words = [f"{name}={_to_text(value)}" for name, value in record.items()]
    line = " ".join([at[11:19], f"{level:7}", _to_text(event)[1:-1], *words])
    return line if trace is None else f"{line}\n{trace}"


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
