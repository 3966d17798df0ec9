"""The tables of `protocol/SPEC.md` that say what the code says, as Markdown.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; the text around it is
written by hand.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from chatd_protocol.chat import events
from chatd_protocol.chat.errors import ERRORS
from chatd_protocol.chat.methods import METHODS
from chatd_protocol.chat.results import Empty
from chatd_protocol.chat.routes import OPEN_ROUTES, ROUTES
from chatd_protocol.export.schemas import summary

_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_POSITIONS = (
    (events.LogEvent, "`seq`"),
    (events.PersonalEvent, "`personalSeq`"),
    (events.Hint, "none"),
)
_RETRY = {"no": "no", "later": "later", "signIn": "after signing in"}


def filled(text: str) -> str:
    """The text with every marked table made anew.

    Raises:
        KeyError: a marker names no table.
    """
    return _MARKED.sub(lambda mark: mark[1] + TABLES[mark[2]]() + mark[3], text)


def _methods() -> str:
    rows = (
        (
            f"`{row.name}`",
            f"`{row.result.__name__}`" + (" (stream)" if row.streaming else ""),
            summary(row.request),
        )
        for row in METHODS
    )
    return _table(("method and request", "answer", "says"), rows)


def _events() -> str:
    rows = (
        (f"`{kind}`", f"`{events.target_of(kind)}`", position, summary(event))
        for union, position in _POSITIONS
        for event in union.__args__
        for kind in [str(event.__struct_config__.tag)]
    )
    return _table(("type", "target", "position", "says"), rows)


def _errors() -> str:
    rows = (
        (f"`{row.code}`", str(row.status), _RETRY[row.retry], row.text)
        for row in ERRORS.values()
    )
    return _table(("code", "HTTP", "try again", "text"), rows)


def _routes() -> str:
    closed = (
        (
            f"`{row.method} {row.path}`",
            f"`{row.scope}`" if row.scope else "person",
            f"`{row.request.__name__}`",
            "nothing" if row.result is Empty else f"`{row.result.__name__}`",
        )
        for row in ROUTES
    )
    everybody = (
        (f"`GET {route.path}`", "everybody", "", route.summary) for route in OPEN_ROUTES
    )
    return _table(("route", "for", "request", "answer"), (*closed, *everybody))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


TABLES: Mapping[str, Callable[[], str]] = {
    "methods": _methods,
    "events": _events,
    "errors": _errors,
    "routes": _routes,
}
"""Name in a marker → what makes the table."""
