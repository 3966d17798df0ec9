"""Memberships: from where to where in a log a person may see.

A membership is a list of intervals `[joined_seq, left_seq]`; history, `Sync`, search,
downloads and live delivery all derive what is visible from it by one function.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """One stay in a conversation, both ends included; open while `left_seq` is None."""

    joined_seq: int
    left_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """Log positions `first` to `last`, both visible."""

    first: int
    last: int


def visible_ranges(
    intervals: Sequence[Interval],
    head_seq: int,
    *,
    cleared_seq: int = 0,
    history_for_new_members: str = "all",
) -> tuple[Range, ...]:
    """What a person with these stays may see, in order.

    With history `all` the first stay reaches back to the beginning (ITS-70); what lies
    between two stays is never visible. `cleared_seq` hides everything up to it.
    """
    ranges = []
    for number, stay in enumerate(sorted(intervals, key=lambda one: one.joined_seq)):
        back = number == 0 and history_for_new_members == "all"
        first = max(1 if back else stay.joined_seq, cleared_seq + 1)
        last = head_seq if stay.left_seq is None else min(stay.left_seq, head_seq)
        if first <= last:
            ranges.append(Range(first, last))
    return tuple(ranges)
