"""Spans: what a call did and when, of those calls that are worth a look.

Off until `record`. The times of every call are taken, which costs some microseconds;
kept are calls of sampled traces, and those that failed or were slow. A trace is sampled
by its id, so that all gateways decide alike and nobody can ask to be recorded.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Final

from chatd.clock import Clock

SLOW_S: Final = 1.0
"""A call, or a delivery, that somebody has noticed."""

BELOW_MAX: Final = 100
"""Spans of one call: a bulk of thousands of lines is one that was long."""

_TRACEPARENT: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-[0-9a-f]{2}"
    r"(-.*)?"
)
_SAMPLED_BITS: Final = 56
"""Of a trace id's end; its beginning may be a time (W3C Trace Context level 2, 5)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A span of somebody's, in which something here began."""

    trace: int
    span: int

    @property
    def trace_id(self) -> str:
        """As logs and headers have it."""
        return f"{self.trace:032x}"

    def __str__(self) -> str:
        return f"00-{self.trace:032x}-{self.span:016x}-01"


def origin_of(traceparent: str | None) -> Origin | None:
    """The span that a `traceparent` names; None when it is none (W3C, 3.2 and 4.3).

    Of later versions the part that this one defines is taken, as the text demands.
    """
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if found is None or (found[1] == "00" and found[4] is not None):
        return None
    return Origin(int(found[2], 16), int(found[3], 16))


@dataclass(slots=True)
class Span:
    """A part of a trace; times are nanoseconds since 1970."""

    name: str
    origin: Origin
    parent: int | None
    began_ns: int
    ended_ns: int = 0
    failed: bool = False
    labels: Mapping[str, object] = field(default_factory=dict)


Take = Callable[[Sequence[Span]], None]
"""What becomes of the spans that are kept. Must not wait."""


class Recorder:
    """What decides, for a process."""

    def __init__(self, clock: Clock, take: Take, ratio: float) -> None:
        """`ratio` of all traces are sampled: 0 none, 1 all."""
        self._clock = clock
        self._take = take
        self._sampled_below = round(ratio * (1 << _SAMPLED_BITS))
        # Wall time that no clock's jump turns into a span of an hour.
        self._epoch_ns = clock.now_ms() * 1_000_000 - self._monotonic_ns()

    def _monotonic_ns(self) -> int:
        return round(self._clock.monotonic() * 1e9)

    def now_ns(self) -> int:
        """The time of the spans."""
        return self._epoch_ns + self._monotonic_ns()

    def ago(self, since_s: float) -> int:
        """The same for a time of the monotonic clock."""
        return self._epoch_ns + round(since_s * 1e9)

    def keep(self, spans: Sequence[Span], *, top: Span) -> None:
        """Hand them on, if the trace is sampled or `top` was slow or failed."""
        slow = top.ended_ns - top.began_ns >= SLOW_S * 1e9
        sampled = top.origin.trace % (1 << _SAMPLED_BITS) < self._sampled_below
        if sampled or slow or top.failed:
            self._take(spans)


@dataclass(slots=True)
class Call:
    """A call that is being recorded."""

    top: Span
    below: list[Span] = field(default_factory=list)
    token: Token["Call | None"] | None = None


_recorder: Recorder | None = None
_call: ContextVar[Call | None] = ContextVar("call", default=None)
_joined: ContextVar[Origin | None] = ContextVar("joined", default=None)


def record(recorder: Recorder | None) -> None:
    """From now on; None ends it."""
    global _recorder  # noqa: PLW0603 - as with logs, there is one for the process
    _recorder = recorder


@contextmanager
def joined(origin: Origin) -> Iterator[None]:
    """Within the block calls belong to somebody's trace."""
    token = _joined.set(origin)
    try:
        yield
    finally:
        _joined.reset(token)


def begin(name: str, labels: Mapping[str, object]) -> Call | None:
    """A call begins in this task; None when nothing is recorded."""
    if _recorder is None:
        return None
    known = _joined.get()
    trace = secrets.randbits(128) if known is None else known.trace
    call = Call(
        Span(
            name,
            Origin(trace, secrets.randbits(64)),
            None if known is None else known.span,
            _recorder.now_ns(),
            labels=labels,
        )
    )
    call.token = _call.set(call)
    return call


def end(call: Call, *, failed: bool) -> None:
    """The call is answered. In the same task as `begin`."""
    if call.token is not None:
        _call.reset(call.token)
    if _recorder is not None:
        call.top.ended_ns = _recorder.now_ns()
        call.top.failed = failed
        _recorder.keep((call.top, *call.below), top=call.top)


def within(name: str) -> AbstractContextManager[None]:
    """A part of the current call, if that is recorded."""
    call = _call.get()
    if call is None or len(call.below) >= BELOW_MAX:
        return _NOTHING
    return _below(call, name)


_NOTHING: Final = nullcontext()


@contextmanager
def _below(call: Call, name: str) -> Iterator[None]:
    recorder = _recorder
    if recorder is None:
        yield
        return
    top = call.top.origin
    own = Origin(top.trace, secrets.randbits(64))
    span = Span(name, own, top.span, recorder.now_ns())
    call.below.append(span)
    try:
        yield
    except BaseException:
        span.failed = True
        raise
    finally:
        span.ended_ns = recorder.now_ns()


def origin() -> str | None:
    """The current call as a `traceparent`, for those who go on with its work.

    Where nothing is recorded it is the caller's own: logs have it all the same.
    """
    call = _call.get()
    known = _joined.get() if call is None else call.top.origin
    return None if known is None else str(known)


def labels_of(traceparent: str | None) -> dict[str, str]:
    """What log lines say of the trace that something came from, if one is known."""
    known = origin_of(traceparent)
    return {} if known is None else {"trace": known.trace_id}


def followed(traceparent: str | None, name: str, since_s: float) -> None:
    """What came of a call, here or at another gateway, is done.

    `since_s` is a time of the monotonic clock.
    """
    if _recorder is None or (origin := origin_of(traceparent)) is None:
        return
    span = Span(
        name,
        Origin(origin.trace, secrets.randbits(64)),
        origin.span,
        _recorder.ago(since_s),
        _recorder.now_ns(),
    )
    _recorder.keep((span,), top=span)
