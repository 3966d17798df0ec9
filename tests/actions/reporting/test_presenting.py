"""If these fail, a report shows its reader what is for somebody else."""

from dataclasses import replace

from chatd.actions.reporting.presenting import looked_after, own
from chatd.domain.presets import PRESETS
from tests.domain.reporting.test_records import RECORD

DONE = replace(
    RECORD,
    state="resolved",
    decision="warned",
    note="between us",
    resolved_by="anna",
    resolved_by_name="Anna",
    resolved_at_ms=2_000,
    sent_conversation_id="c9",
)


def test_the_reporter_is_told_what_came_of_it_alone() -> None:
    """A child would read what teachers say of it, or who decided (TUT-29)."""
    shown = own(DONE)
    assert (shown.state, shown.decision, shown.sent_to) == ("resolved", "warned", "c9")
    assert (shown.note, shown.resolved_by, shown.reporter) == (None, None, None)
    # Another one of the case was decided about; this one was taken back before.
    back = own(replace(DONE, state="withdrawn"))
    assert (back.decision, back.resolved_at) == (None, None)


def test_who_looks_after_it_is_told_more() -> None:
    """Nobody would know what was decided before, and by whom."""
    shown = looked_after(DONE, PRESETS["itslearning"], frozenset(), "case")
    assert (shown.id, shown.note, shown.sent_to) == ("case", "between us", None)
    assert shown.resolved_by is not None
    assert shown.reporter is not None
    hidden = looked_after(DONE, PRESETS["tutoring"], frozenset(), "case")
    assert hidden.reporter is None
