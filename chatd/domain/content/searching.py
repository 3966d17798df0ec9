"""Words of texts and of queries, for finding one in the other in any language.

One way of cutting for every engine: compatibility forms, case and the marks above
Latin, Greek, Cyrillic, Hebrew and Arabic letters do not count. Scripts that put no
spaces between words (Chinese, Japanese, Thai, …) are cut into overlapping pairs of
characters, so that any part of a run is found; an emoji is a word of its own.

A word has letters, digits, marks and emoji only, never a space, a quote or an operator:
whatever a person types becomes words that are looked for, and nothing else.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

WORD_CHARS_MAX: Final = 40
"""Longer words are cut, in texts and queries alike: addresses, and noise."""

TERMS_MAX: Final = 8
"""Words of a query that are looked for; more find nothing that these do not."""

PREFIX_CHARS_MIN: Final = 2
"""Shorter beginnings of words are in every message."""

GAP: Final = "\ue000"
"""Between texts that no phrase may span. Of private use, so no text has it."""

_ASCII = re.compile(r"[a-z0-9]+")
_QUERY = re.compile(r'"([^"]*)"?|(\S+)')

# Marks that many leave out when they type: Latin and its like, Hebrew, Arabic.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u06d6-\u06ed]")

# Han, kana, Thai, Lao, Tibetan, Burmese, Khmer.
_UNSPACED_BLOCKS: Final = (
    *((0x3005, 0x3007), (0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF)),
    *((0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3134F)),
    *((0x0E00, 0x0E7F), (0x0E80, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F)),
    (0x1780, 0x17FF),
)

_KNOWN_MAX: Final = 65_536
"""Characters whose kind is remembered; no school writes in more."""

_PIECE: Final = re.compile("(?P<unspaced>u+)|w[wm]*|s")


class _Kinds(dict[int, str]):
    """A letter for what a character is: it makes a text's outline by `translate`."""

    def __missing__(self, code: int) -> str:
        kind = _kind(code)
        if len(self) < _KNOWN_MAX:
            self[code] = kind
        return kind


def _kind(code: int) -> str:
    character = chr(code)
    category = unicodedata.category(character)
    if category[0] in "LMN" and any(a <= code <= b for a, b in _UNSPACED_BLOCKS):
        return "u"
    if category[0] in "LN":
        return "w"
    if category[0] == "M":
        # What only says how an emoji is to look is no part of a word.
        return " " if 0xFE00 <= code <= 0xFE0F else "m"
    return "s" if category == "So" else " "


_KINDS: Final = _Kinds()


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must stand next to each other; the last one may be a beginning."""

    words: tuple[str, ...]
    prefix: bool


def words_of(*texts: str) -> str:
    """The words of some texts, in order, with a space between."""
    found = (" ".join(_words(text, whole=True)) for text in texts)
    return f" {GAP} ".join(words for words in found if words)


def terms_of(query: str) -> tuple[Term, ...]:
    """What a query asks for: all of these, in any order.

    A quoted part is a phrase; the last word typed may be the beginning of a longer one.
    """
    terms: list[Term] = []
    for match in _QUERY.finditer(query):
        quoted = match[1] is not None
        words = tuple(_words(match[1] if quoted else match[2], whole=False))
        if words:
            typing = not quoted and match.end() == len(query)
            terms.append(Term(words, _is_beginning(words[-1], typing=typing)))
    return tuple(terms[:TERMS_MAX])


def _is_beginning(word: str, *, typing: bool) -> bool:
    """One character of an unspaced script stands at the head of some pair."""
    unspaced = _KINDS[ord(word[0])] == "u"
    if len(word) == 1 and unspaced:
        return True
    return typing and len(word) >= PREFIX_CHARS_MIN and not unspaced


def _words(text: str, *, whole: bool) -> Iterator[str]:
    folded = text.casefold()
    if folded.isascii():
        for match in _ASCII.finditer(folded):
            yield match[0][:WORD_CHARS_MAX]
        return
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", folded).casefold())
    plain = unicodedata.normalize("NFKC", bare)
    outline = plain.translate(_KINDS).rstrip()
    for match in _PIECE.finditer(outline):
        piece = plain[match.start() : match.end()]
        if match.lastgroup == "unspaced":
            # Where something else follows, a text's run has ended here as well.
            ended = whole or match.end() < len(outline)
            yield from _pairs(piece, whole=ended)
        else:
            yield piece[:WORD_CHARS_MAX]


def _pairs(run: str, *, whole: bool) -> Iterator[str]:
    """Every two neighbours; of a text also the last one alone, to be found alone."""
    for at in range(len(run) - 1):
        yield run[at : at + 2]
    if whole or len(run) == 1:
        yield run[-1]
