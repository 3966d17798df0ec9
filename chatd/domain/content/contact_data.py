"""Contact data in a text: where else somebody could be reached (TUT-25).

Phone numbers, mail addresses, handles and profiles of other networks. The work grows
with the length of a text, whatever is in it: every pattern has one repeated class of
signs or a bound, and what is looked at closely is counted.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from chatd.domain.content.phone_numbers import phones

Sort = Literal["phone", "social"]
"""The two rows of the policy; mail addresses are of the second."""

MASK: Final = "•••"
"""Stands for what was masked: as long whatever it was, and nothing in itself."""

SIGNS_MAX: Final = 500
"""At signs that are looked at in one text."""

_NAME: Final = r"[\w.+-]{1,64}"
_MAIL_LEFT: Final = re.compile(rf"{_NAME}\Z")
_MAIL_RIGHT: Final = re.compile(r"(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}")
_HANDLE: Final = re.compile(r"[^\W\d][\w.]{1,28}\w")
_AT: Final = re.compile(r"[@\uff20]")
_SPELT_MAIL: Final = re.compile(
    rf"\b{_NAME} ?[(\[{{] ?(?:at|ät|arroba) ?[)\]}}] ?"
    r"(?:[\w-]{1,63}(?: ?[(\[{] ?(?:dot|punkt|punto) ?[)\]}] ?| dot |\.)){1,4}\w{2,24}",
    re.IGNORECASE,
)
_PROFILE: Final = re.compile(
    r"\b(?:wa\.me|t\.me|m\.me|line\.me|discord\.gg|instagram\.com|facebook\.com|fb\.com"
    r"|snapchat\.com|tiktok\.com|twitter\.com|x\.com|vk\.com|linkedin\.com/in"
    r"|threads\.net|api\.whatsapp\.com)/[^\s<>\"']{1,200}",
    re.IGNORECASE,
)
_PLATFORM: Final = re.compile(
    r"\b(?:instagram|insta|ig|snapchat|snap|telegram|tele ?gram|whats ?app|discord"
    r"|skype|tiktok|wechat|viber|facebook|fb|twitter|kik|vk|line id)\b"
    r"(?P<link>(?: ?[:=] ?| is | id | name | handle | user(?:name)? | me | - | ){1,3})"
    r"(?P<name>[^\W\d_][\w.-]{1,30}\w)(?P<after>.?)",
    re.IGNORECASE,
)
_PLATFORM_WORDS: Final = (
    *("insta", "ig", "snap", "gram", "app", "discord", "skype", "tiktok", "wechat"),
    *("viber", "facebook", "fb", "twitter", "kik", "vk", "line id"),
)
_PECULIAR: Final = re.compile(r"[\d_]|\w\.\w")
# Words that stand behind an at sign in programs and jokes.
_NO_HANDLES: Final = frozenset(
    {
        *("override", "property", "staticmethod", "classmethod", "dataclass", "media"),
        *("import", "param", "return", "returns", "test", "author", "home", "school"),
        *("here", "all", "everyone"),
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """Contact data in a text: its code points `[start, end)` and what it is."""

    start: int
    end: int
    sort: Sort


def contact_data(text: str) -> tuple[Found, ...]:
    """What of a text tells how to reach somebody elsewhere, in order, not overlapping.

    Args:
        text: in normal form C, as it is stored.
    """
    numbers = (Found(*span, "phone") for span in phones(text))
    found = sorted((*_social(text), *numbers), key=lambda one: one.start)
    kept: list[Found] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return tuple(kept)


def masked(text: str, found: Sequence[Found]) -> str:
    """The text without what was found in it; masking it again changes nothing."""
    parts = []
    last = 0
    for one in found:
        parts += [text[last : one.start], MASK]
        last = one.end
    return "".join((*parts, text[last:]))


def _social(text: str) -> Iterator[Found]:
    # To look whether a sign or word is there at all costs a tenth of the patterns.
    if "/" in text:
        for profile in _PROFILE.finditer(text):
            yield Found(*profile.span(), "social")
    if any(sign in text for sign in "([{"):
        for mail in _SPELT_MAIL.finditer(text):
            yield Found(*mail.span(), "social")
    if "@" in text or "\uff20" in text:
        for sign, _ in zip(_AT.finditer(text), range(SIGNS_MAX), strict=False):
            yield from _at(text, sign.start())
    folded = text.casefold()
    if any(word in folded for word in _PLATFORM_WORDS):
        for named in _PLATFORM.finditer(text):
            if _is_name(named):
                yield Found(*named.span("name"), "social")


def _at(text: str, place: int) -> Iterator[Found]:
    before = text[max(0, place - 64) : place]
    name = _MAIL_LEFT.search(before) if before[-1:] not in ("", "@", " ") else None
    if name is not None:
        if domain := _MAIL_RIGHT.match(text, place + 1):
            yield Found(place - len(name[0]), domain.end(), "social")
        return
    handle = _HANDLE.match(text, place + 1)
    if handle and handle[0].casefold() not in _NO_HANDLES and before[-1:] != "@":
        yield Found(place, handle.end(), "social")


def _is_name(named: re.Match[str]) -> bool:
    """Whether what follows a platform's name is somebody's there, not a sentence."""
    if _PECULIAR.search(named["name"]):
        return True
    told = ":" in named["link"] or "=" in named["link"]
    return told and named["after"] in ("", "\n")
