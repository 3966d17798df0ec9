"""If these fail, paging skips or repeats, or a made-up cursor breaks a call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.actions.basis import cursors
from chatd.errors import Refused


@given(st.integers(0, 2**53), st.text(max_size=40))
def test_a_cursor_comes_back_as_it_went(number: int, text: str) -> None:
    """The next page would begin elsewhere."""
    cursor = cursors.encode((number, text))
    assert cursors.decode(cursor, tuple[int, str]) == (number, text)
    assert cursor.isascii()


@given(st.text(max_size=60))
def test_anything_else_is_refused(text: str) -> None:
    """A wrong cursor would be answered as a fault of ours."""
    with pytest.raises(Refused, match="invalid_request"):
        cursors.decode(text + "=!", tuple[int, str])


def test_a_cursor_of_another_list_is_refused() -> None:
    """One list's cursor would page oddly through another."""
    with pytest.raises(Refused):
        cursors.decode(cursors.encode(("a", 1)), tuple[int, str])
