"""Memberships: from where to where in a log a person may see.

A membership is a list of intervals `[joined_seq, left_seq]`; history, `Sync`, search,
downloads and live delivery all derive what is visible from it by one function.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

History = Literal["all", "none"]
"""What somebody who joins sees of what was before (ITS-70)."""

GUEST_SEQ: Final = 0
"""Where the stay of a guest begins: before every log. Nobody else's does."""

SEQ_MAX: Final = 2**53 - 1
"""Beyond every position of a log: the largest whole number that JSON carries."""


@dataclass(frozen=True, slots=True)
class Interval:
    """One stay in a conversation, both ends included; open while `left_seq` is None."""

    joined_seq: int
    left_seq: int | None = None

    @property
    def of_guest(self) -> bool:
        """Whether somebody is here by a report, and no participant."""
        return self.joined_seq == GUEST_SEQ


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
    history: History,
) -> tuple[Range, ...]:
    """What a person with these stays may see, in order.

    With the history `all` the first stay reaches back to the beginning (ITS-70); what
    lies between two stays is never visible. `cleared_seq` hides everything up to it. A
    guest sees everything: that is what was reported.
    """
    ranges = []
    guest = next((one for one in intervals if one.of_guest), None)
    intervals = intervals if guest is None else (guest,)
    for number, stay in enumerate(sorted(intervals, key=lambda one: one.joined_seq)):
        back = number == 0 and history == "all"
        first = max(1 if back else stay.joined_seq, cleared_seq + 1)
        last = head_seq if stay.left_seq is None else min(stay.left_seq, head_seq)
        if first <= last:
            ranges.append(Range(first, last))
    return tuple(ranges)


def clipped(
    visible: Sequence[Range], first: int, most: int
) -> tuple[tuple[Range, ...], bool]:
    """Of these ranges the first `most` positions from `first` on; is there a rest?"""
    found: list[Range] = []
    for one in visible:
        start = max(one.first, first)
        if start > one.last:
            continue
        if most == 0:
            return tuple(found), True
        last = min(one.last, start + most - 1)
        found.append(Range(start, last))
        most -= last - start + 1
        if last < one.last:
            return tuple(found), True
    return tuple(found), False


@dataclass(frozen=True, slots=True)
class Absence:
    """Log positions that a person cannot see, and the last one before that he can."""

    visible_until: int
    first: int
    last: int


def absences(visible: Sequence[Range], after_seq: int) -> tuple[Absence, ...]:
    """The parts beyond `after_seq` of what follows each of these ranges, in order.

    The last one has no end: it is what comes after somebody has left. What is before
    the first range is none: nothing that the person can see was changed there.
    """
    found = []
    for at, one in enumerate(visible):
        last = visible[at + 1].first - 1 if at + 1 < len(visible) else SEQ_MAX
        first = max(one.last, after_seq) + 1
        if first <= last:
            found.append(Absence(one.last, first, last))
    return tuple(found)
