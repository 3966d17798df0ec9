"""If these fail, a client has a report that it cannot make, or not look after."""

from chatd_protocol.chat.http.reporting import REPORT_ROWS
from chatd_protocol.chat.methods import METHODS
from chatd_protocol.chat.reporting import reports

ASKED = {
    reports.ReportMessage,
    reports.ReportConversation,
    reports.WithdrawReport,
    reports.ListReports,
    reports.OpenReport,
    reports.ResolveReport,
    reports.RestoreConversation,
}


def test_every_client_is_offered_all_of_it() -> None:
    """As in an app that had no way to report, children would be left alone (ITS-93)."""
    own = {row.request for row in REPORT_ROWS if row.scope is None}
    assert own == ASKED
    assert {row.request for row in METHODS} >= ASKED


def test_a_service_looks_after_reports_and_makes_none() -> None:
    """A service would report in nobody's name."""
    for scope in ("moderation", "safeguarding"):
        rows = [row for row in REPORT_ROWS if row.scope == scope]
        assert {row.request for row in rows} == {
            reports.ListReports,
            reports.OpenReport,
            reports.ResolveReport,
        }
        assert all(row.path.startswith(f"/v1/{scope}/reports") for row in rows)
        assert len({row.name for row in rows} & {r.name for r in REPORT_ROWS}) == 3
