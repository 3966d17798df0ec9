"""Which test carries which requirement: docs/requirements.md, made from the tests.

`python -m tests.requirements.coverage` writes the file. A number that no test names and
that does not wait for something named here fails the build.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
FILE: Final = ROOT / "docs" / "requirements.md"
STATEMENTS: Final = Path(__file__).with_name("statements.tsv")

PLATFORMS: Final = {
    "ISP": "iSpring Learn",
    "ITS": "itslearning",
    "TUT": "the tutoring platform",
    "PLU": "Pluto LMS",
    "MOO": "Moodle",
}

WAITING: Final[Mapping[str, str]] = {
    "a screen": (
        "ISP-10 … 12, ISP-20, ITS-6, 7, 12, 14, 36, 39, 53, 55, 75, 110 … 113, 116,"
        " ITS-131, TUT-3 … 5, 9, 10, 23, PLU-1, 3, 4, MOO-2, 5, 35, 38 … 40, 44, 45,"
        " MOO-50, 51, 58, 60, 61, 86, 89, 90"
    ),
    "push and e-mail": "ISP-34, MOO-9, 68 … 70, 73, 74, 76, 77",
    "pages of the platform's own": "ITS-138, 143, TUT-24, 33",
}
"""What a number waits for → the numbers, `ITS-6, 7, 9 … 12`."""

_NUMBERS: Final = re.compile(
    r"\b(ISP|ITS|TUT|PLU|MOO)-(\d+)((?:\s*(?:,|…|/|and)\s*\d+(?![\w-]))*)"
)
_MORE: Final = re.compile(r"(,|…|/|and)\s*(\d+)")
NAMED_MAX: Final = 3
"""Files that one row names; whoever wants all of them greps."""


@dataclass(frozen=True)
class Statement:
    """One requirement: what it says and how binding it is."""

    number: str
    mark: str
    text: str


def statements() -> dict[str, Statement]:
    """All of them, in their order."""
    lines = STATEMENTS.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t", 2) for line in lines if line)
    return {number: Statement(number, mark, text) for number, mark, text in rows}


def numbers_in(text: str) -> Iterator[str]:
    """Numbers that a text names: `ITS-41, 80`, `ITS-99 … 101`, `ISP-24/25`."""
    for prefix, first, rest in _NUMBERS.findall(" ".join(text.split())):
        last = int(first)
        yield f"{prefix}-{last}"
        for sign, number in _MORE.findall(rest):
            begin = last + 1 if sign == "…" else int(number)
            last = int(number)
            for one in range(begin, last + 1):
                yield f"{prefix}-{one}"


def tested() -> dict[str, list[str]]:
    """The test files that name each number."""
    here = Path(__file__).parent
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("*")):
        if path.suffix not in (".py", ".mjs", ".ts") or here in path.parents:
            continue
        for number in dict.fromkeys(numbers_in(path.read_text(encoding="utf-8"))):
            found.setdefault(number, []).append(path.relative_to(ROOT).as_posix())
    return found


def waiting() -> dict[str, str]:
    """What each number waits for that has no test."""
    return {
        number: reason
        for reason, numbers in WAITING.items()
        for number in numbers_in(numbers)
    }


HEAD: Final = """\
# Requirements and their tests

What the platforms' messaging does, as statements, and the tests that carry them. The
marks: S, the platform's own description; H, its public help; M, Moodle's behaviour; D,
a decision where the sources are silent. A number without a test waits for what is
named.

This file is generated: `python -m tests.requirements.coverage` writes it.
"""


def rows() -> Iterator[tuple[str, str]]:
    """Each number and what its row says about its tests."""
    carried, later = tested(), waiting()
    for number in statements():
        files = carried.get(number, [])
        named = ", ".join(
            f"`{one.removeprefix('tests/')}`" for one in files[:NAMED_MAX]
        )
        more = f" and {len(files) - NAMED_MAX} more" if len(files) > NAMED_MAX else ""
        if files:
            yield number, named + more
        else:
            yield number, f"*waits for {later.get(number, '?')}*"


def document() -> str:
    """The whole file."""
    known, shown = statements(), dict(rows())
    lines = [HEAD]
    for prefix, name in PLATFORMS.items():
        lines += [f"## {prefix}: {name}", "", "| number | | statement | tests |"]
        lines += ["| --- | --- | --- | --- |"]
        lines += [
            f"| {one.number} | {one.mark} | {one.text.replace('|', '/')} |"
            f" {shown[one.number]} |"
            for one in known.values()
            if one.number.startswith(f"{prefix}-")
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
