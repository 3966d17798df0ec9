"""If these fail, what was said in some language is not found in it."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.domain.content.searching import (
    GAP,
    TERMS_MAX,
    WORD_CHARS_MAX,
    Term,
    terms_of,
    words_of,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't SHOUT, Wörld!", "don t shout world"),
        ("https://example.org/Päth?x=1", "https example org path x 1"),
        ("Straße, İstanbul", "strasse istanbul"),
        ("Привет ёжик", "привет ежик"),
        ("Ελλάδα", "ελλαδα"),
        ("مَدْرَسَة", "مدرسة"),
        ("שָׁלוֹם", "שלום"),
        ("हिन्दी में", "हिन्दी में"),
        ("数学の宿題", "数学 学の の宿 宿題 題"),
        ("第3回目", "第 3 回目 目"),
        ("が か・け", "が か け"),
        ("ภาษาไทย", "ภา าษ ษา าไ ไท ทย ย"),
        ("안녕하세요 여러분", "안녕하세요 여러분"),
        ("👍🏽 great ❤️", "👍 great ❤"),
        ("ﬁne Ⅷ ＡＢＣ", "fine viii abc"),
        ("e\u0301te\u0301 = \u00e9t\u00e9", "ete ete"),
        ("", ""),
        ("?! -- ...", ""),
        ("x" * 100, "x" * WORD_CHARS_MAX),
    ],
)
def test_texts(text: str, words: str) -> None:
    """Case, accents, width or script would hide a word."""
    assert words_of(text) == words


def test_several_texts() -> None:
    """A phrase would be found across a message and the name of its file."""
    assert words_of("one", "", "two") == f"one {GAP} two"


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("hello wor", (Term(("hello",), False), Term(("wor",), True))),
        ("hello ", (Term(("hello",), False),)),
        ('"hello world"', (Term(("hello", "world"), False),)),
        ('"unbalanced here', (Term(("unbalanced", "here"), False),)),
        ("e-mail x", (Term(("e", "mail"), False), Term(("x",), False))),
        ("宿題", (Term(("宿題",), False),)),
        ("題", (Term(("題",), True),)),
        ("数学の", (Term(("数学", "学の"), False),)),
        ("👍", (Term(("👍",), False),)),
        ("", ()),
        ('"" * ( ^ -', ()),
    ],
)
def test_queries(query: str, terms: tuple[Term, ...]) -> None:
    """Somebody would look for something else than was typed."""
    assert terms_of(query) == terms


@pytest.mark.parametrize(
    "query",
    [
        "NEAR(a b) OR col:x AND NOT y",
        "a & b | !c <-> d:*",
        "100% a_b [x] {y} \\ ' ; --",
        "a\0b\nc\td",
    ],
)
def test_operators_are_words_or_nothing(query: str) -> None:
    """A query could break the search, or look where it must not (fault 31)."""
    for term in terms_of(query):
        for word in term.words:
            assert set(word) <= set(string.ascii_lowercase + string.digits)


@given(TEXTS)
def test_whatever_is_typed(query: str) -> None:
    """Some character would get through as an operator, or the work have no bound."""
    terms = terms_of(query * 5)
    assert len(terms) <= TERMS_MAX
    for term in terms:
        for word in term.words:
            assert word
            assert not set(word) & set(string.whitespace + string.punctuation + "\0")


@given(TEXTS)
def test_a_text_finds_itself(text: str) -> None:
    """A word would be cut in one way when it is kept and in another when sought."""
    words = f" {words_of(text)} "
    for term in terms_of(f'"{text.replace(chr(34), " ")}"'):
        phrase = f" {' '.join(term.words)}" + ("" if term.prefix else " ")
        assert phrase in words
