"""If these fail, an answer leaves a client in doubt about what it holds."""

import pytest

from chatd_protocol.chat import results


@pytest.mark.parametrize(
    ("snapshot", "position"),
    [
        (results.Me, "personal_seq"),
        (results.ConversationPage, "personal_seq"),
        (results.MessagePage, "as_of_seq"),
        (results.Synced, "personal_seq"),
        (results.ConversationEvents, "head_seq"),
    ],
)
def test_a_snapshot_says_as_of_when(snapshot: type, position: str) -> None:
    """Events could not be joined to a snapshot without a hole."""
    assert position in getattr(snapshot, "__struct_fields__", ())


def test_personal_rows_can_be_told_apart() -> None:
    """A client would lay a row over the wrong part of its state."""
    rows = results.PersonalRow.__args__
    assert len({row.__struct_config__.tag for row in rows}) == len(rows)
    assert all("personal_seq" in row.__struct_fields__ for row in rows)
