"""The table of expected errors, and how one travels as the text of a Completion.

`protocol/errors.json` is the source: code, HTTP status, whether to try again, and a
sentence with places for facts. The hub's form is `code: sentence`, followed, when
there are facts, by a newline and one JSON object. `protocol/sentences.json` has the
sentences in other languages, for those who speak HTTP.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal

import msgspec

from chatd_protocol.chat.base import Shape

Retry = Literal["no", "later", "signIn"]


class ErrorRow(msgspec.Struct, frozen=True):
    """One expected error: `retry` tells a client whether to come back with it."""

    code: str
    status: int
    retry: Retry
    text: str


def _load() -> dict[str, ErrorRow]:
    raw = files("chatd_protocol").joinpath("errors.json").read_bytes()
    return {row.code: row for row in msgspec.json.decode(raw, type=list[ErrorRow])}


ERRORS: Mapping[str, ErrorRow] = _load()


def _load_sentences() -> dict[str, dict[str, str]]:
    raw = files("chatd_protocol").joinpath("sentences.json").read_bytes()
    return msgspec.json.decode(raw, type=dict[str, dict[str, str]])


ENGLISH: Final = "en"

SENTENCES: Mapping[str, Mapping[str, str]] = {
    ENGLISH: {code: row.text for code, row in ERRORS.items()},
    **_load_sentences(),
}
"""Language → code → sentence."""

_NORWEGIAN: Final = {"no": "nb", "nn": "nb"}
"""How else browsers name the one that we have."""

RANGES_MAX: Final = 20
"""Languages of one person's that are looked at; browsers send a handful."""


def language_of(asked: str | None) -> str:
    """The language that an `Accept-Language` likes best of ours; English if none.

    RFC 9110, section 12.5.4: `de-CH, fr;q=0.8`. Among equals the first one wins.
    """
    best, best_weight = ENGLISH, 0.0
    for part in (asked or "").split(",")[:RANGES_MAX]:
        tag, _, parameter = part.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        language = _NORWEGIAN.get(primary, primary)
        weight = _weight(parameter.strip().lower())
        if language in SENTENCES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    if not parameter:
        return 1.0
    try:
        return float(parameter.removeprefix("q="))
    except ValueError:
        return 0.0


_UNNAMED: Mapping[str, object] = {"name": "this file", "megabytes": 20}
"""What a sentence says where its fact is not given."""


def sentence(code: str, facts: Mapping[str, object], language: str = ENGLISH) -> str:
    """A code's sentence, with the facts that it has places for.

    Raises:
        KeyError: the code or the language is not in the table: a bug of the caller.
    """
    return SENTENCES[language][code].format_map({**_UNNAMED, **facts})


class FieldError(Shape):
    """One field of a request that does not fit: a JSON pointer to it, and a code."""

    pointer: str
    code: str


class Problem(Shape):
    """A refusal as HTTP tells it (RFC 9457); further facts may stand beside these.

    `code` is for programs, `detail` for people, `requestId` for whoever reads the log.
    `retryAfter` is in seconds.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    retry_after: int | None = None
    errors: tuple[FieldError, ...] | None = None


@dataclass(frozen=True, slots=True)
class ErrorText:
    """A refusal as a client reads it out of a Completion's error."""

    code: str
    text: str
    facts: Mapping[str, object]


def format_error(code: str, facts: Mapping[str, object]) -> str:
    """The Completion's error text of a refusal.

    Raises:
        KeyError: the code is not in the table, which is a bug of the caller.
    """
    head = f"{code}: {sentence(code, facts)}"
    return f"{head}\n{msgspec.json.encode(facts).decode()}" if facts else head


def parse_error(text: str) -> ErrorText | None:
    """Read a refusal back; `None` for a text of SignalR's own."""
    head, _, tail = text.partition("\n")
    code, colon, sentence = head.partition(": ")
    if not colon or code not in ERRORS:
        return None
    try:
        facts = msgspec.json.decode(tail, type=dict[str, object]) if tail else {}
    except msgspec.DecodeError:
        facts = {}
    return ErrorText(code, sentence, facts)
