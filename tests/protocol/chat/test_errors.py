"""The error table, and refusals as text."""

from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd_protocol.chat.errors import (
    ERRORS,
    SENTENCES,
    format_error,
    language_of,
    parse_error,
    sentence,
)

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


def places(text: str) -> set[str]:
    """The facts that a sentence has places for."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_every_language_says_everything(language: str) -> None:
    """Some refusal would be a failure for those who asked in another language."""
    assert SENTENCES[language].keys() == ERRORS.keys()
    for code, row in ERRORS.items():
        text = SENTENCES[language][code]
        assert places(text) == places(row.text)
        assert (text == row.text) == (language == "en")
        assert text.endswith(".") == row.text.endswith(".")


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-CH, fr;q=0.9, en;q=0.8", "de"),
        ("en;q=0.1,ES ; q=0.5", "es"),
        ("ja, nn;q=0.4, en;q=0.3", "nb"),
        ("*", "en"),
        ("de;q=0", "en"),
        ("de;q=x, nl;q=nan, fr;q=0.1", "fr"),
        ("fr,de", "fr"),
        ("x," * 5000 + "de", "en"),
    ],
)
def test_the_language_that_is_liked_best(asked: str | None, language: str) -> None:
    """People would read of a refusal in a language that they like less."""
    assert language_of(asked) == language


@given(st.text())
def test_no_header_is_too_strange(asked: str) -> None:
    """A browser's odd header would make a failure of a refusal."""
    assert language_of(asked) in SENTENCES


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
