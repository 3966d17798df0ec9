"""The error table, and refusals as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd_protocol.chat.errors import ERRORS, format_error, parse_error, sentence

FACTS = st.dictionaries(
    st.text(min_size=1, max_size=10),
    st.integers(-(2**53), 2**53) | st.text(),
    max_size=4,
)


def test_rows_are_complete() -> None:
    """A code would come without a status, or without a sentence for people."""
    for code, row in ERRORS.items():
        assert row.code == code
        assert 400 <= row.status < 600
        # ITS-59 gives its sentence as it stands, without a full stop.
        assert row.text.endswith(".") or code == "file_type_not_allowed"
        assert ": " not in code


@given(st.sampled_from(sorted(ERRORS)), FACTS)
def test_a_refusal_is_read_as_it_was_written(code: str, facts: dict) -> None:
    """A client could not tell why it was refused."""
    found = parse_error(format_error(code, facts))
    assert found is not None
    assert (found.code, found.text, found.facts) == (code, sentence(code, facts), facts)


@pytest.mark.parametrize(
    "text", ["", "Method does not exist.", "teapot: short and stout", "blocked"]
)
def test_signalr_s_own_errors_are_not_refusals(text: str) -> None:
    """An unknown method would be taken for a rule of the platform."""
    assert parse_error(text) is None


def test_broken_facts_do_not_hide_the_code() -> None:
    """A proxy that cuts a text would turn a refusal into a riddle."""
    found = parse_error("blocked: You cannot.\n{broken")
    assert found is not None
    assert (found.code, found.facts) == ("blocked", {})


def test_sentences_name_what_they_are_about() -> None:
    """Who sends five files would not know which one cannot be sent (ITS-58, ITS-59)."""
    named = sentence("file_type_not_allowed", {"name": "{0}.exe"})
    assert named == "Sorry, you can't send {0}.exe"
    assert "at most 20 MB" in sentence("file_too_large", {"megabytes": 20})
