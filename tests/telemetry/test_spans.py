"""Which calls are recorded, and what of them."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from chatd.telemetry import spans
from chatd.telemetry.spans import BELOW_MAX, SLOW_S, Origin, Recorder, Span, origin_of
from tests.support.house import HandClock

PARENT = Origin(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331)


class Kept:
    """A recorder's outcome."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.spans: list[Span] = []

    def take(self, taken: Sequence[Span]) -> None:
        self.spans += taken

    def record(self, ratio: float) -> None:
        spans.record(Recorder(self.clock, self.take, ratio))

    def call(self, took_s: float = 0.0, *, failed: bool = False) -> None:
        call = spans.begin("hub.SendMessage", {"connection": "c1"})
        assert call is not None
        with spans.within("store.commit"):
            self.clock.at_ms += int(took_s * 1000)
        spans.end(call, failed=failed)

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.spans]


@pytest.fixture
def kept() -> Iterator[Kept]:
    yield Kept()
    spans.record(None)


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", True),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the", True),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what", False),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", False),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", False),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", False),
        ("", False),
        (None, False),
    ],
)
def test_the_trace_of_a_header(header: str | None, trace: bool) -> None:
    """A trace would end at our door (W3C Trace Context, 3.2), or begin with rubbish."""
    origin = origin_of(header)
    assert (origin is not None) == trace
    if origin is not None:
        assert origin.trace_id == "0af7651916cd43dd8448eb211c80319c"
        assert f"{origin.span:016x}" == "b7ad6b7169203331"


def test_off_costs_and_keeps_nothing() -> None:
    """Whoever has no collector would pay for one."""
    assert spans.begin("hub.SendMessage", {}) is None
    with spans.within("store.commit"):
        assert spans.origin() is None
    spans.followed(str(PARENT), "fanout.deliver", 0.0)


def test_a_call_and_its_parts(kept: Kept) -> None:
    """A trace would not show where the time went."""
    kept.record(1)
    began_ns = kept.clock.at_ms * 1_000_000
    with spans.joined(PARENT):
        kept.call(0.25)
    top, commit = kept.spans
    assert (top.origin.trace, top.parent) == (PARENT.trace, PARENT.span)
    assert (commit.origin.trace, commit.parent) == (PARENT.trace, top.origin.span)
    assert kept.names == ["hub.SendMessage", "store.commit"]
    assert top.began_ns == commit.began_ns == pytest.approx(began_ns, abs=1000)
    assert top.ended_ns - top.began_ns == pytest.approx(250_000_000, abs=1000)
    assert top.labels == {"connection": "c1"}


def test_without_a_caller_of_its_own_a_call_begins_a_trace(kept: Kept) -> None:
    """All calls would be one."""
    kept.record(1)
    kept.call()
    kept.call()
    first, second = (one.origin.trace for one in kept.spans if one.parent is None)
    assert first != second


def test_what_is_slow_or_fails_is_kept_in_any_case(kept: Kept) -> None:
    """The calls that one looks for would be the ones that were not sampled."""
    kept.record(0)
    kept.call(SLOW_S - 0.1)
    assert kept.names == []
    kept.call(SLOW_S)
    assert kept.names == ["hub.SendMessage", "store.commit"]
    kept.spans.clear()
    kept.call(failed=True)
    assert [one.failed for one in kept.spans] == [True, False]


def test_gateways_decide_alike_by_the_trace(kept: Kept) -> None:
    """A send would be kept here, and its delivery at another gateway not."""
    decided = []
    for _ in range(2):
        kept.record(0.25)
        kept.spans.clear()
        for number in range(400):
            origin = Origin((number * 0x9E3779B97F4A7C15 << 3) % (1 << 128), 1)
            spans.followed(str(origin), "fanout.deliver", kept.clock.monotonic())
        decided.append({one.origin.trace for one in kept.spans})
    assert decided[0] == decided[1]
    assert 60 <= len(decided[0]) <= 140


def test_a_part_that_fails_says_so(kept: Kept) -> None:
    """A commit that the disk refused would look like any."""
    kept.record(1)
    call = spans.begin("http.sendMessage", {})
    assert call is not None
    with pytest.raises(OSError, match="full"), spans.within("store.commit"):
        raise OSError("full")
    spans.end(call, failed=False)
    assert [one.failed for one in kept.spans] == [False, True]


def test_a_long_call_stays_small(kept: Kept) -> None:
    """An import of ten thousand lines would keep ten thousand spans."""
    kept.record(1)
    call = spans.begin("http.postDirectory", {})
    assert call is not None
    for _ in range(BELOW_MAX * 2):
        with spans.within("store.commit"):
            pass
    spans.end(call, failed=False)
    assert len(kept.spans) == 1 + BELOW_MAX


async def test_calls_side_by_side_are_kept_apart(kept: Kept) -> None:
    """One person's commit would stand below another's call."""
    kept.record(1)

    async def call(name: str) -> None:
        begun = spans.begin(name, {})
        assert begun is not None
        for _ in range(3):
            with spans.within(name):
                await asyncio.sleep(0)
        spans.end(begun, failed=False)
        assert spans.origin() is None

    await asyncio.gather(call("a"), call("b"))
    for name in "ab":
        (top,) = (one for one in kept.spans if one.name == name and one.parent is None)
        below = [one for one in kept.spans if one.parent == top.origin.span]
        assert [one.name for one in below] == [name] * 3


def test_what_comes_of_a_call_points_at_it(kept: Kept) -> None:
    """A delivery at another gateway would belong to nothing."""
    kept.record(1)
    since_s = kept.clock.monotonic()
    kept.clock.at_ms += 40
    with spans.joined(PARENT):
        assert spans.origin() == str(PARENT)
        spans.followed(spans.origin(), "fanout.deliver", since_s)
    (span,) = kept.spans
    assert (span.origin.trace, span.parent) == (PARENT.trace, PARENT.span)
    assert span.ended_ns - span.began_ns == pytest.approx(40_000_000, abs=1000)


def test_log_lines_name_the_trace_of_what_came_from_elsewhere() -> None:
    """One could not go from a failed delivery to the call that it belongs to."""
    assert spans.labels_of(str(PARENT)) == {"trace": PARENT.trace_id}
    for unknown in (None, "", "00-xyz"):
        assert spans.labels_of(unknown) == {}
