"""Says what went wrong in a history of sends, of what devices showed, and of the log.

Each conversation's log is a total order that the store gives, so looking at every entry
once is enough: no search for cycles. A send without an answer may have happened or not,
but never twice. A finding names its rule, so that a test can ask for just that one.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

Rule = Literal[
    "lost",  # answered, and not in the log
    "misplaced",  # answered with another position than the log's
    "doubled",  # one key at two positions
    "phantom",  # in the log or shown, and nobody did it
    "hole",  # the log's positions are not 1, 2, 3, …
    "divergent",  # shown with another content than the log's
    "skipped",  # a device passed over a position that it may see
    "repeated",  # a device showed a position again
    "reordered",  # a device showed a position after a later one
    "overtaken",  # answered before another was asked for, yet later in the log
    "intruded",  # in the log by somebody who may not see that position
    "leaked",  # shown to somebody who may not see that position
    "not_whole",  # at the end a device still lacks what is in the log
    "stale",  # at the end a device shows something else than the store
]

FOREVER: Final = 2**62
Span = tuple[int, int]
"""First and last position that somebody may see, both included; in order."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that somebody asked for, and the answer; times of one clock."""

    key: str
    conversation: str
    began_s: float
    answered_s: float | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry of a log. `key` and `author` are None for what is no message."""

    conversation: str
    seq: int
    content: str
    key: str | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A device showed an event to whoever sits before it."""

    device: str
    conversation: str
    seq: int
    content: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """A device dropped what it had and knows everything up to `seq` otherwise."""

    device: str
    conversation: str
    seq: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must never be."""

    rule: Rule
    conversation: str
    what: str


@dataclass(slots=True)
class History:
    """All that happened, and what was there in the end.

    Attributes:
        users: whose device each one is.
        seen: what each user may see of each conversation.
        whole: devices that were online long enough to have everything.
        final: what devices show in the end, by (device, conversation): position → text.
        texts: what the store holds in the end, by conversation: position → text, and
            the position of the last event that changed it.
    """

    sent: list[Sent] = field(default_factory=list)
    log: list[Stored] = field(default_factory=list)
    shown: list[Shown | Restarted] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=dict)
    seen: dict[tuple[str, str], Sequence[Span]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    final: dict[tuple[str, str], Mapping[int, str]] = field(default_factory=dict)
    texts: dict[str, Mapping[int, tuple[str, int]]] = field(default_factory=dict)


def check(history: History) -> list[Finding]:
    """Everything that is wrong with a history; nothing, if it keeps the promise."""
    logs: dict[str, list[Stored]] = defaultdict(list)
    for entry in history.log:
        logs[entry.conversation].append(entry)
    sent: dict[str, list[Sent]] = defaultdict(list)
    for one in history.sent:
        sent[one.conversation].append(one)
    return [
        *(f for name, log in logs.items() for f in _log(name, log, sent[name])),
        *(f for name, asked in sent.items() for f in _answers(name, logs[name], asked)),
        *_authors(history),
        *_devices(history, logs),
        *_ends(history),
    ]


# ------------------------------------------------------------------------- the log


def _log(name: str, log: list[Stored], sent: list[Sent]) -> Iterator[Finding]:
    asked = {one.key for one in sent}
    at: dict[str, int] = {}
    for expected, entry in enumerate(log, 1):
        if entry.seq != expected:
            yield Finding("hole", name, f"{entry.seq} where {expected} was due")
            break
    for entry in log:
        if entry.key is None:
            continue
        if entry.key not in asked:
            yield Finding("phantom", name, f"{entry.key} at {entry.seq}")
        if entry.key in at:
            first = at[entry.key]
            yield Finding("doubled", name, f"{entry.key} at {first} and {entry.seq}")
        at.setdefault(entry.key, entry.seq)


def _answers(name: str, log: list[Stored], sent: list[Sent]) -> Iterator[Finding]:
    at = {entry.key: entry.seq for entry in reversed(log) if entry.key is not None}
    for one in sent:
        if one.answered_s is None:
            continue
        if one.key not in at:
            yield Finding("lost", name, one.key)
        elif one.seq != at[one.key]:
            what = f"{one.key} answered as {one.seq}, stored as {at[one.key]}"
            yield Finding("misplaced", name, what)
    yield from _real_time(name, at, sent)


def _real_time(name: str, at: Mapping[str, int], sent: list[Sent]) -> Iterator[Finding]:
    """What was answered before another was asked for comes before it.

    Both in the order of time: the highest position answered so far is enough.
    """
    answered = sorted(
        (one.answered_s, at[one.key])
        for one in sent
        if one.answered_s is not None and one.key in at
    )
    index, highest = 0, 0
    for one in sorted(sent, key=lambda each: each.began_s):
        while index < len(answered) and answered[index][0] < one.began_s:
            highest = max(highest, answered[index][1])
            index += 1
        if one.key in at and at[one.key] < highest:
            what = f"{one.key} at {at[one.key]}, asked for after {highest} was answered"
            yield Finding("overtaken", name, what)


def _authors(history: History) -> Iterator[Finding]:
    for entry in history.log:
        spans = history.seen.get((entry.author or "", entry.conversation), ())
        if entry.author is not None and not _inside(entry.seq, spans):
            what = f"{entry.author} at {entry.seq}"
            yield Finding("intruded", entry.conversation, what)


# --------------------------------------------------------------------- the devices


def _devices(history: History, logs: Mapping[str, list[Stored]]) -> Iterator[Finding]:
    contents = {
        name: {entry.seq: entry.content for entry in log} for name, log in logs.items()
    }
    views: dict[tuple[str, str], list[Shown | Restarted]] = defaultdict(list)
    for event in history.shown:
        views[event.device, event.conversation].append(event)
    for (device, name), events in views.items():
        visible = _visible(history, history.users[device], name, contents)
        for rule, what in _view(events, contents.get(name, {}), visible):
            yield Finding(rule, name, f"{device}: {what}")
    for device in sorted(history.whole):
        for user, name in history.seen:
            if user != history.users[device]:
                continue
            last = max(
                (event.seq for event in views.get((device, name), ())), default=0
            )
            visible = _visible(history, user, name, contents)
            if missing := [seq for seq in visible if seq > last]:
                yield Finding("not_whole", name, f"{device}: {_few(missing)}")


def _visible(
    history: History,
    user: str,
    name: str,
    contents: Mapping[str, Mapping[int, str]],
) -> list[int]:
    """The positions of a log that a user may see, in order."""
    spans = history.seen.get((user, name), ())
    return [seq for seq in contents.get(name, {}) if _inside(seq, spans)]


def _view(
    events: Iterable[Shown | Restarted],
    contents: Mapping[int, str],
    visible: Sequence[int],
) -> Iterator[tuple[Rule, str]]:
    may_see, last = set(visible), 0
    done: set[int] = set()
    for event in events:
        if isinstance(event, Restarted):
            last = event.seq
            done.clear()
            continue
        seq = event.seq
        if seq in done:
            yield "repeated", str(seq)
        elif seq <= last:
            yield "reordered", f"{seq} after {last}"
        elif passed := [one for one in range(last + 1, seq) if one in may_see]:
            yield "skipped", f"{_few(passed)} before {seq}"
        if seq not in contents:
            yield "phantom", str(seq)
        elif contents[seq] != event.content:
            yield "divergent", f"{seq} is {contents[seq]}, shown as {event.content}"
        if seq in contents and seq not in may_see:
            yield "leaked", str(seq)
        done.add(seq)
        last = max(last, seq)


def _ends(history: History) -> Iterator[Finding]:
    for (device, name), shown in history.final.items():
        if device not in history.whole:
            continue
        truth = history.texts.get(name, {})
        spans = history.seen.get((history.users[device], name), ())
        for seq, text in shown.items():
            stored, changed_at = truth.get(seq, ("nothing", seq))
            if _inside(changed_at, spans) and stored != text:
                what = f"{device}: {seq} is {stored!r}, shown as {text!r}"
                yield Finding("stale", name, what)


def _inside(seq: int, spans: Sequence[Span]) -> bool:
    at = bisect_right(spans, (seq, FOREVER)) - 1
    return at >= 0 and seq <= spans[at][1]


def _few(positions: Sequence[int]) -> str:
    shown = ", ".join(map(str, positions[:5]))
    return shown if len(positions) <= 5 else f"{shown} and {len(positions) - 5} more"
