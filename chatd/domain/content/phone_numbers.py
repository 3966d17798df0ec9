"""Phone numbers in a text, as people write them in many countries.

A number is a phone number by its prefix (`+`, `00`, `0`), by a grouping that is used
for nothing else, or by a word before it. Dates, times, ISBNs, decimals, thousands and
numbered exercises have one of these shapes rarely enough; what is doubtful is left
alone, for a text about nothing may not be held back.

The work grows with the length of a text: runs of digits are looked at in windows that
no phone number exceeds (E.164: 15 digits). Digits of every script count.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import length_hint
from typing import Final, NamedTuple

DIGITS_MIN: Final = 7
DIGITS_MAX: Final = 15
NATIONAL: Final = range(9, 13)
"""Digits of a number with its leading 0, in the plans of most countries."""

WINDOWS_MAX: Final = 1_000
"""Parts of runs of digits that are looked at closely in one text: some 10 ms
(`./dev bench screening`). What stands behind them is not looked at at all."""

# Spaces that stay on a line, dashes, dots, brackets, slash, and what is not seen.
_SEPARATORS: Final = (
    " \\u00a0\\u2000-\\u200f\\u202f\\u2060\\u3000\\ufeff\\-\\u2010-\\u2015\\u2212"
    ".\\u00b7_/()\\uff08\\uff09"
)
_RUN: Final = re.compile(rf"[+\uff0b]?\(?\d(?:[{_SEPARATORS}]{{0,4}}\d)*")
_GROUP: Final = re.compile(r"\d+")

_HINT: Final = re.compile(
    r"(?:\b(?:tel|t[ée]l[ée]fon\w{0,4}|phone|mobile|mobil|cell|handy|whats ?app|viber"
    r"|signal|call me|ring me|text me|call us|anrufen|ruf mich)\b"
    r"|тел|телефон|звони|هاتف|واتساب|फोन|电话|電話|电話|手机|微信)\D{0,16}$",
    re.IGNORECASE,
)
_NO_PHONE: Final = re.compile(
    r"(?:\b(?:isbn|issn|doi|iban|bic|ean|arxiv|issue|page|pages|pp?|chapter|exercise"
    r"|version|room|line|id)\b|[№#§$€£¥%=<>×*^])[\s.:#-]{0,4}(?:1[03][\s:]{0,2})?$",
    re.IGNORECASE,
)
_LOOK_BACK: Final = 32

_DAY: Final = "(?:0?[1-9]|[12]\\d|3[01])"
_MONTH: Final = "(?:0?[1-9]|1[0-2])"
_YEAR: Final = "(?:1\\d|20|21)\\d\\d"
_TIME: Final = "[0-2]?\\d[.:][0-5]\\d"
_NOT_NUMBERS: Final = re.compile(
    rf"(?<![\d+])(?:{_YEAR}([-./ ]){_MONTH}\1{_DAY}|{_DAY}([-./ ]){_MONTH}\2{_YEAR}"
    rf"|{_MONTH}/{_DAY}/{_YEAR}|{_YEAR} ?[-–/] ?{_YEAR}"
    rf"|{_TIME} ?[-–] ?{_TIME})(?![\d])"
    r"|\b(?:https?://|www\.)\S+",
    re.IGNORECASE,
)

_COUNTING: Final = frozenset({"0123456789", "123456789", "1234567890"})

_THOUSANDS: Final = frozenset(". \u00a0\u2009\u202f")

# Group lengths of numbers without a prefix, as they are written in some country.
_SHAPES: Final = frozenset(
    {
        (3, 3, 4),  # North America
        (1, 3, 3, 4),
        (5, 5),  # India
        (4, 3, 3),
        (1, 3, 3, 2, 2),  # Russia
        (3, 4, 4),  # China
    }
)


@dataclass(frozen=True, slots=True)
class _Told:
    """What stands before digits: the sign of an international number, a word."""

    plus: bool
    hinted: bool


class _Group(NamedTuple):
    """Digits without a sign between them, and the signs before them."""

    start: int
    end: int
    digits: str
    before: str


def phones(text: str) -> Iterator[tuple[int, int]]:
    """The phone numbers in a text: code points `[start, end)` of each, in order."""
    if not _enough_digits(text):
        return
    budget = iter(range(WINDOWS_MAX))
    looked = _NOT_NUMBERS.sub(lambda match: "\n" * len(match[0]), text)
    for run in _RUN.finditer(looked):
        if not length_hint(budget):
            return
        if len(run[0]) >= DIGITS_MIN and not _part_of_a_word(looked, run):
            yield from _in_run(looked, run, budget)


def _enough_digits(text: str) -> bool:
    return sum(len(group[0]) for group in _GROUP.finditer(text)) >= DIGITS_MIN


def _part_of_a_word(text: str, run: re.Match[str]) -> bool:
    """Whether letters or signs beside it make it an id, a sum or an amount."""
    before = text[max(0, run.start() - 1) : run.start()]
    after = text[run.end() : run.end() + 1]
    if run[0][0] in "+\uff0b" and (before.isalnum() or before == "+"):
        return True
    return any(_cased(sign) or sign in set("_#$€£¥%=^*") for sign in before + after)


def _cased(sign: str) -> bool:
    # Scripts without cases are written without spaces as well.
    return sign.lower() != sign.upper()


def _in_run(
    text: str, run: re.Match[str], budget: Iterator[int]
) -> Iterator[tuple[int, int]]:
    international = run[0][0] in "+\uff0b"
    groups = list(_groups(run))
    looked_back = text[max(0, run.start() - _LOOK_BACK) : run.start()]
    hinted = _HINT.search(looked_back) is not None
    if not hinted and not international and _NO_PHONE.search(looked_back):
        return
    first = 0
    fresh = True
    while first < len(groups) and length_hint(budget):
        group = groups[first]
        last = None
        if fresh or group.digits.startswith("0") or len(group.before) > 1:
            plus = international and first == 0
            last = _longest(
                groups[first : first + DIGITS_MAX + 2], _Told(plus, hinted), budget
            )
        fresh = last is not None
        if last is None:
            first += 1
            continue
        start = run.start() if first == 0 else group.start
        first += last
        yield start, groups[first].end
        first += 1


def _groups(run: re.Match[str]) -> Iterator[_Group]:
    end = 0
    for match in _GROUP.finditer(run[0]):
        digits = match[0]
        if not digits.isascii():
            digits = "".join(str(int(sign)) for sign in digits)
        start = run.start() + match.start()
        yield _Group(
            start, run.start() + match.end(), digits, run[0][end : match.start()]
        )
        end = match.end()


def _longest(
    groups: Sequence[_Group], told: _Told, budget: Iterator[int]
) -> int | None:
    """The last group of the longest phone number that begins with the first one."""
    longest = None
    digits = 0
    for last, group in enumerate(groups):
        digits += len(group.digits)
        if digits > DIGITS_MAX + 2:
            break
        if digits < DIGITS_MIN:
            continue
        if next(budget, None) is None:
            break
        if _is_phone(groups[: last + 1], told):
            longest = last
    return longest


def _is_phone(groups: Sequence[_Group], told: _Told) -> bool:
    digits = "".join(group.digits for group in groups)
    lengths = tuple(len(group.digits) for group in groups)
    count = len(digits)
    if _is_other_number(digits, groups, told):
        return False
    if told.plus:
        return digits[0] != "0" and count <= DIGITS_MAX
    if digits.startswith("00"):
        return count >= 10 and digits[2] != "0"
    if count > DIGITS_MAX or told.hinted:
        return count <= DIGITS_MAX
    if digits[0] == "0":
        spelt = all(length == 1 for length in lengths)
        return count in NATIONAL and (spelt or min(lengths[1:], default=2) >= 2)
    if len(groups) == 1:
        return _lone(digits)
    return lengths in _SHAPES and not _round_numbers(groups)


def _lone(digits: str) -> bool:
    """Digits without a sign between: as long as numbers with a country's are."""
    if len(digits) == 10:
        # Seconds since 1970 begin with a 1, and no number of ten digits does.
        return digits[0] not in "01"
    return len(digits) in (11, 12)


def _round_numbers(groups: Sequence[_Group]) -> bool:
    return all(group.digits.endswith("0") for group in groups)


def _is_other_number(digits: str, groups: Sequence[_Group], told: _Told) -> bool:
    lengths = [len(group.digits) for group in groups]
    signs = "".join(group.before for group in groups[1:])
    if digits in _COUNTING or not set(digits) - {"0", "1"} or len(set(digits)) == 1:
        return True
    national = not told.plus and groups[0].digits[0] == "0"
    if signs in (".", "\u00b7") and _decimal(lengths[0], plus=told.plus, zero=national):
        return True
    if len(lengths) == 4 and max(lengths) <= 3 and signs == "...":
        return True  # an address on the internet
    plain = not (told.plus or told.hinted or national)
    if plain and len(lengths) > 1 and lengths[0] <= 3 and set(lengths[1:]) == {3}:
        return set(signs) <= _THOUSANDS
    return _isbn(digits) or _in_a_row(groups)


def _decimal(whole: int, *, plus: bool, zero: bool) -> bool:
    """Whether the only dot is a decimal one, by the digits before it."""
    if plus:
        return whole == 1
    return whole < 3 or not zero


def _isbn(digits: str) -> bool:
    """A book's number: thirteen digits that their last one confirms."""
    if len(digits) != 13 or digits[:3] not in ("978", "979"):
        return False
    weights = (1, 3) * 7
    total = sum(int(d) * w for d, w in zip(digits, weights, strict=False))
    return total % 10 == 0


def _in_a_row(groups: Sequence[_Group]) -> bool:
    """Numbers that count: 1 2 3 4 5 6 7 8."""
    values = [int(group.digits) for group in groups]
    steps = {later - one for one, later in pairwise(values)}
    return len(values) > 3 and len(steps) == 1
