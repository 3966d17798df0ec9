"""Sentences for whoever typed something wrong: what it is, and what would be right."""

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Final

_MISTAKES: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    (re.compile(r"Expected `int` <= (\d+)"), lambda m: f"at most {m[1]}"),
    (re.compile(r"Expected `int` >= (\d+)"), lambda m: f"at least {m[1]}"),
    (re.compile(r"Expected `int( \| null)?`"), lambda _: "needs a whole number"),
    (re.compile(r"Expected `bool`"), lambda _: "needs true or false"),
    (re.compile(r"Expected `array`"), lambda _: "needs a list"),
    (re.compile(r"Expected `str( \| null)?`"), lambda _: "needs a text"),
    (re.compile(r"Invalid enum value '(.*)'"), lambda m: f"{m[1]} is not one of these"),
    (
        re.compile(r"Object missing required field `(.*)`"),
        lambda m: f"{m[1]} is missing",
    ),
    (
        re.compile(r"Object contains unknown field `(.*)`"),
        lambda m: f"{m[1]}: no such key",
    ),
)


def worded(sentence: str, setting: str = "") -> str:
    """msgspec's sentence in an operator's words, with the setting first.

    `setting` is what was converted, when that was not the whole configuration.
    """
    what, _, where = sentence.partition(" - at `$")
    place = f"{setting}{where.removesuffix('`')}".lstrip(".")
    for pattern, say in _MISTAKES:
        if found := pattern.match(what):
            what = say(found)
            break
    return f"{place}: {what.replace('`', '')}" if place else what.replace("`", "")


def meant(name: str, known: Iterable[str]) -> str:
    """`; did you mean port?`, if there is something like it, else nothing."""
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else ""
