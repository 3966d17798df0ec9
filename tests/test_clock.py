"""The clock, and the contract's form of a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.clock import SystemClock, from_rfc3339, rfc3339

YEAR_9999_MS = 253_402_300_799_999


def test_a_time_has_milliseconds_and_z() -> None:
    """Clients would read dates in two forms."""
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1_795_253_400_007) == "2026-11-21T09:30:00.007Z"


@given(st.integers(0, YEAR_9999_MS))
def test_a_time_survives_the_wire(at_ms: int) -> None:
    """`expectedEditedAt` would miss the edit that it names."""
    assert from_rfc3339(rfc3339(at_ms)) == at_ms


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-21T09:30:00"])
def test_other_texts_are_no_times(text: str) -> None:
    """A time without a zone would be taken for the server's own."""
    with pytest.raises(ValueError, match=r"."):
        from_rfc3339(text)


def test_the_clocks_run() -> None:
    """Wall time would be in seconds, or the monotonic clock go back."""
    clock = SystemClock()
    first, began = clock.now_ms(), clock.monotonic()
    assert first > 1_700_000_000_000
    assert clock.monotonic() >= began
