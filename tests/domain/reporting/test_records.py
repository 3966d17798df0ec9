"""If these fail, a reporter is named to somebody who must not know, or is not."""

from dataclasses import replace

import msgspec
import pytest

from chatd.domain.policy import Report
from chatd.domain.presets import PRESETS
from chatd.domain.reporting.records import ReportRecord, names_reporter

RECORD = ReportRecord(
    id="r",
    case_id="case",
    reporter_id="sue",
    reporter_name="Sue",
    conversation_id="c",
    conversation_kind="group",
    message_id="m",
    author_id="tom",
    author_name="Tom",
    destination="anna",
    destination_name="Anna",
    reason="other",
    text=None,
    state="open",
    created_at_ms=1_000,
    personal_seq=1,
)
SCHOOL = PRESETS["itslearning"]


@pytest.mark.parametrize(
    ("anonymous", "destination", "kind", "scope", "named"),
    [
        ("except_direct", "anna", "group", "", True),  # she has it from a 1:1
        ("except_direct", "", "direct", "", True),
        ("except_direct", "", "group", "", False),
        ("always", "anna", "direct", "", False),
        ("always", "", "direct", "moderation", False),
        ("always", "", "group", "safeguarding", True),
        ("never", "", "group", "", True),
    ],
)
def test_itslearning_and_tutoring(
    anonymous: str, destination: str, kind: str, scope: str, named: bool
) -> None:
    """A name would be told, or withheld, against the rules (ITS-89)."""

    report = Report(anonymous=anonymous)  # type: ignore[arg-type]
    policy = msgspec.structs.replace(SCHOOL, report=report)
    record = replace(RECORD, destination=destination, conversation_kind=kind)
    assert names_reporter(policy, record, frozenset({scope})) is named
