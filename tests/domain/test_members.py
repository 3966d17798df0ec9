"""If these fail, somebody sees what was said before or after being a member."""

from hypothesis import given
from hypothesis import strategies as st

from chatd.domain.members import (
    SEQ_MAX,
    Absence,
    History,
    Interval,
    Range,
    absences,
    clipped,
    visible_ranges,
)


@st.composite
def stays(draw: st.DrawFn) -> list[Interval]:
    """Stays as a log makes them: each begins after the one before has ended."""
    marks = draw(st.lists(st.integers(1, 60), unique=True, min_size=1, max_size=8))
    marks.sort()
    found = [
        Interval(joined, left)
        for joined, left in zip(marks[::2], marks[1::2], strict=False)
    ]
    if len(marks) % 2:
        found.append(Interval(marks[-1]))
    return found


def visible(
    found: list[Interval], head: int, history: History, cleared: int = 0
) -> set[int]:
    ranges = visible_ranges(found, head, cleared_seq=cleared, history=history)
    return {seq for one in ranges for seq in range(one.first, one.last + 1)}


@given(stays(), st.integers(0, 80), st.integers(0, 80))
def test_a_stay_and_nothing_else_is_visible(
    found: list[Interval], head: int, cleared: int
) -> None:
    """A removed person would see what followed, or a member miss what is his."""
    expected = {
        seq
        for seq in range(cleared + 1, head + 1)
        if any(
            one.joined_seq <= seq and (one.left_seq is None or seq <= one.left_seq)
            for one in found
        )
    }
    assert visible(found, head, "none", cleared) == expected


@given(stays(), st.integers(0, 80))
def test_history_for_newcomers_reaches_back_but_not_between(
    found: list[Interval], head: int
) -> None:
    """Who was away for a while would read what was said meanwhile (ITS-70)."""
    before = set(range(1, min(found[0].joined_seq, head + 1)))
    whole = visible(found, head, "all")
    assert whole == visible(found, head, "none") | before


def test_ranges_come_in_order_and_apart() -> None:
    """A page of history would repeat or skip messages."""
    ranges = visible_ranges([Interval(9), Interval(2, 4)], 12, history="all")
    assert [(one.first, one.last) for one in ranges] == [(1, 4), (9, 12)]


@given(stays(), st.integers(0, 80), st.integers(1, 80), st.integers(0, 80))
def test_a_part_of_the_ranges(
    found: list[Interval], head: int, first: int, most: int
) -> None:
    """An answer would leave out an event, bring one twice, or never end."""
    ranges = visible_ranges(found, head, history="all")
    whole = sorted(seq for seq in visible(found, head, "all") if seq >= first)
    part, rest = clipped(ranges, first, most)
    taken = [seq for one in part for seq in range(one.first, one.last + 1)]
    assert taken == whole[:most]
    assert rest is (len(whole) > most)


@given(stays(), st.integers(1, 80), st.integers(0, 80))
def test_absences_are_what_is_hidden_after_something_was_seen(
    found: list[Interval], head: int, after: int
) -> None:
    """Who was away would keep words that were taken away meanwhile."""
    seen = visible(found, head, "none")
    gaps = absences(visible_ranges(found, head, history="none"), after)
    told = {seq for one in gaps for seq in range(one.first, min(one.last, 99) + 1)}
    since = max(min(seen, default=SEQ_MAX), after)
    assert told == {seq for seq in range(1, 100) if seq > since and seq not in seen}
    for one in gaps:
        assert one.visible_until == max(seq for seq in seen if seq < one.first)


def test_the_last_absence_has_no_end() -> None:
    """What is changed long after somebody has left would not reach him."""
    assert absences((Range(2, 4), Range(7, 9)), 5) == (
        Absence(4, 6, 6),
        Absence(9, 10, SEQ_MAX),
    )
