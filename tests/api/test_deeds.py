"""If these fail, a route of the table does nothing, or a deed has no route."""

from chatd.api.deeds import DEEDS
from chatd_protocol.chat.routes import ROUTES


def test_rows_and_deeds_are_the_same() -> None:
    """The published description would promise what is not there."""
    assert set(DEEDS) == {row.name for row in ROUTES if not row.lines}
