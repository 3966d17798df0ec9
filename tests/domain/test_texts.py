"""If these fail, texts are stored that some store, client or reader cannot take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.domain.texts import links_in, normal_draft, normal_text, normal_title
from chatd.errors import Refused


def code_of(refusal: Refused) -> object:
    errors = refusal.facts["errors"]
    assert isinstance(errors, list)
    return errors[0]["code"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("a\0b", "nul_character"),
        ("\ud800", "not_unicode"),
        ("x" * 11, "too_long"),
        ("e\u0301" * 11, "too_long"),
    ],
)
def test_what_is_no_message_is_refused(text: str, code: str) -> None:
    """An empty or unreadable message would be sent (ITS-62)."""
    with pytest.raises(Refused) as caught:
        normal_text(text, "/text", 10)
    assert code_of(caught.value) == code


def test_length_is_counted_in_normal_form() -> None:
    """The same words would be too long on one keyboard and not on another."""
    assert normal_text("e\u0301" * 10, "/text", 10) == "é" * 10


@given(st.text(min_size=1, max_size=50))
def test_a_text_is_either_refused_or_kept(text: str) -> None:
    """A strange character would break the server or be lost."""
    try:
        kept = normal_text(text, "/text", 100)
    except Refused:
        return
    assert normal_text(kept, "/text", 100) == kept


def test_a_title_is_one_honest_line() -> None:
    """A title could pretend to be another one, or break a list."""
    assert normal_title(" Physics \n 9\u202e ", "/title") == "Physics 9"
    with pytest.raises(Refused):
        normal_title("\u200b \n", "/title")


def test_an_empty_draft_is_none() -> None:
    """A conversation would show a draft of nothing (UX-6)."""
    assert normal_draft("  ", "/draft", 10) is None
    assert normal_draft("so", "/draft", 10) == "so"


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("see https://a.example/x?y=1 and b", ["https://a.example/x?y=1"]),
        ("(https://a.example)", ["https://a.example"]),
        ("mail me@school.org", ["mailto:me@school.org"]),
        ("javascript:alert(1) data:text/html,x", []),
        ("no link. Really...", []),
        ("", []),
    ],
)
def test_links_are_found_and_only_safe_ones(text: str, urls: list[str]) -> None:
    """A link would not be clickable, or would run something (ITS-60, UX-26)."""
    assert [link.url for link in links_in(text)] == urls


def test_a_link_knows_its_place() -> None:
    """A client would underline the wrong words."""
    text = "🙂 see https://a.example now"
    (link,) = links_in(text)
    assert text[link.start : link.end] == "https://a.example"


def test_hostile_text_costs_little() -> None:
    """One message could hold the server for seconds."""
    for word in ("a." * 8000, "http://" * 2000, "@" * 16000, "a@b.c " * 3000):
        assert len(links_in(word)) <= 100
