"""Places where a test can have this process die, wait or fail, exactly there.

"Killed between commit and publish" is then a fact and not luck. Off unless the setting
`failpoints` (CHATD_FAILPOINTS) is given, and then every pass costs one comparison.

    before_commit=kill9                 at the first pass
    after_publish=once(3):sleep(0.2)    at the third pass only
    after_commit_before_ack=sleep(0.1)+kill9, during_drain=raise
    @FILE                               what the file says at each pass

A point that is reached `once` leaves the file before it acts, so that the next life of
a killed process finds nothing to die of.
"""

import os
import re
import signal
import time
from asyncio import sleep
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatd.telemetry import log

NAMES: Final = frozenset(
    {
        "after_begin",  # a transaction is open and nothing is written
        "before_commit",  # everything is written, the commit not yet asked for
        "after_commit_before_ack",  # on disk, and nobody was told
        "before_announce",  # the same, on the event loop; `raise` loses the hints only
        "after_ack_before_publish",  # the sender knows, the other gateways do not
        "after_publish",  # the hints are out
        "during_drain",  # unready, clients not yet told to go
        "during_migration",  # a step is applied and not yet committed
    }
)

_WORDS: Final = re.compile(
    r"(?P<name>\w+)=(?:once\((?P<once>[1-9]\d*)\):)?(?P<steps>[^,\s]+)"
)
_STEP: Final = re.compile(r"kill9|raise|sleep\((\d+(?:\.\d+)?)\)")


class FailpointReached(OSError):
    """The fault that was asked for; an OSError, as a disk's or a socket's would be."""


@dataclass(slots=True)
class _Point:
    """What happens at one place. `once` is 0 for every pass."""

    once: int
    steps: tuple[str, ...]
    passes: int = 0


def parse(text: str) -> dict[str, _Point]:
    """The points that a setting names.

    Raises:
        ValueError: with the part that is not understood.
    """
    points: dict[str, _Point] = {}
    for part in filter(None, re.split(r"[,\s]+", text)):
        words = _WORDS.fullmatch(part)
        steps = words["steps"].split("+") if words else []
        if words is None or not all(_STEP.fullmatch(step) for step in steps):
            raise ValueError(f"{part} is not NAME=[once(N):]ACTION")
        if words["name"] not in NAMES:
            raise ValueError(f"{words['name']} is none of {', '.join(sorted(NAMES))}")
        points[words["name"]] = _Point(int(words["once"] or 0), tuple(steps))
    return points


class _Armed:
    """What was asked for, and how often each place was passed."""

    def __init__(self, setting: str) -> None:
        self._file = Path(setting[1:]) if setting.startswith("@") else None
        self._text = "" if self._file is not None else setting
        self._points = parse(self._text)

    def pauses(self, name: str) -> Iterator[float]:
        """Act; what the caller has to wait is given to him, in seconds.

        Raises:
            FailpointReached: it was to fail here.
        """
        if self._file is not None:
            self._look(self._file)
        point = self._points.get(name)
        if point is None:
            return
        point.passes += 1
        if point.once and point.passes != point.once:
            return
        log.warning("fail point reached", name=name, actions=point.steps)
        if point.once and self._file is not None:
            self._file.unlink(missing_ok=True)
        for step in point.steps:
            if step == "kill9":
                os.kill(os.getpid(), signal.SIGKILL)
            elif step == "raise":
                raise FailpointReached(name)
            else:
                yield float(step.removeprefix("sleep(").rstrip(")"))

    def _look(self, file: Path) -> None:
        try:
            text = file.read_text("utf-8")
        except FileNotFoundError:
            text = ""
        if text != self._text:
            self._text, self._points = text, parse(text)


_armed: _Armed | None = None


def arm(setting: str | None) -> None:
    """Switch the points of a setting on; `None` switches all off.

    Raises:
        ValueError: the setting is not understood.
    """
    global _armed  # noqa: PLW0603 - one switch for the process, read at every pass
    _armed = None if setting is None else _Armed(setting)
    if setting is not None:
        log.critical(
            "FAIL POINTS ARE ARMED: this process will die, wait or fail on purpose",
            failpoints=setting,
        )


def reach(name: str) -> None:
    """Pass a place in code that may block its thread.

    Raises:
        FailpointReached: a test wants that.
    """
    if _armed is not None:
        for pause_s in _armed.pauses(name):
            time.sleep(pause_s)


async def reach_async(name: str) -> None:
    """Pass a place in a coroutine.

    Raises:
        FailpointReached: a test wants that.
    """
    if _armed is not None:
        for pause_s in _armed.pauses(name):
            await sleep(pause_s)
