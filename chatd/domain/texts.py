"""Text as it is stored: normal form C, bounded, never empty; and the links in it.

Texts are kept as written (no markup is read, nothing is escaped); whoever shows one
renders it as text. What no store or client can represent is refused.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from linkify_it import LinkifyIt

from chatd.errors import Refused, invalid

LINKS_MAX: Final = 100
"""Links that one text can have; what follows stays plain text."""

_CANDIDATES_MAX: Final = 200
"""Words of a text that are looked at for links, which bounds the work per message."""

_WORD_CHARS_MAX: Final = 2_048
"""Longer words are no address that a browser would open."""

_WORD = re.compile(r"\S+")
_INSIDE = re.compile(r"[^\s.:@/][.:@/]+[^\s.:@/]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069]+"
)
_SCHEMES: Final = ("http://", "https://", "mailto:")
_LINKIFY: Final = LinkifyIt()


@dataclass(frozen=True, slots=True)
class TextLink:
    """A link in a text: its code points `[start, end)` and the address it leads to."""

    start: int
    end: int
    url: str


def normal_text(text: str, pointer: str, code_points_max: int) -> str:
    """A message text in the form it is stored in.

    Args:
        pointer: JSON pointer to the text, for the refusal.
        code_points_max: its limit, counted in normal form C.

    Raises:
        Refused: `invalid_request` when empty (ITS-62), too long or not text.
    """
    normal = _normal(text, pointer)
    if not normal.strip():
        raise invalid(pointer, "empty")
    if len(normal) > code_points_max:
        raise Refused(
            "invalid_request",
            errors=[{"pointer": pointer, "code": "too_long", "max": code_points_max}],
        )
    return normal


def normal_draft(text: str, pointer: str, code_points_max: int) -> str | None:
    """A draft as it is stored; an empty one is none.

    Raises:
        Refused: `invalid_request` when too long or not text.
    """
    return normal_text(text, pointer, code_points_max) if text.strip() else None


def normal_title(title: str, pointer: str) -> str:
    """A conversation's title: one line, without characters that only mislead the eye.

    Direction marks and zero-width characters could make one title look like another.

    Raises:
        Refused: `invalid_request` when nothing is left or it is not text.
    """
    line = " ".join(_UNSEEN.sub(" ", _normal(title, pointer)).split())
    if not line:
        raise invalid(pointer, "empty")
    return line


def _normal(text: str, pointer: str) -> str:
    if "\0" in text:
        raise invalid(pointer, "nul_character")
    if text.isascii():
        return text
    if _LONE_SURROGATE.search(text):
        raise invalid(pointer, "not_unicode")
    return unicodedata.normalize("NFC", text)


def links_in(text: str) -> tuple[TextLink, ...]:
    """The web and mail addresses in a text, in order (ITS-60, UX-26).

    A word at a time, and only words with an inner dot, colon, slash or at sign: the
    work grows with the length of a text, whatever is in it.
    """
    found: list[TextLink] = []
    if not _INSIDE.search(text):
        return ()
    words = (w for w in _WORD.finditer(text) if _INSIDE.search(w[0]))
    for _, word in zip(range(_CANDIDATES_MAX), words, strict=False):
        if len(word[0]) > _WORD_CHARS_MAX:
            continue
        for match in _LINKIFY.match(word[0]) or ():
            if match.url.startswith(_SCHEMES):
                start = word.start() + match.index
                end = word.start() + match.last_index
                found.append(TextLink(start, end, match.url))
    return tuple(found[:LINKS_MAX])
