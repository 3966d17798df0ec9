"""Has pictures looked at, each by a process of its own with an end in sight."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatd.files import picture
from chatd.telemetry import log

AT_ONCE: Final = 2
"""Processes at a time: half a second each for a large photo, beside all other work."""

DEADLINE_S: Final = 10.0
"""Decoding the largest picture that is let in takes two."""

WAITING_MAX: Final = 32
"""Uploads that wait for a look; the next ones stay files without a preview."""

ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture that was decoded whole: pixels as shown, and a small copy."""

    width: int
    height: int
    thumbnail: bytes


class Pictures:
    """Starts the processes and waits for them."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def look(self, content: AsyncIterator[bytes]) -> Seen | None:
        """What the picture is; `None` for what cannot be shown in place."""
        if self._waiting >= WAITING_MAX:
            return None
        self._waiting += 1
        try:
            async with self._turns:
                return await self._look(content)
        finally:
            self._waiting -= 1

    async def _look(self, content: AsyncIterator[bytes]) -> Seen | None:
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(Path(picture.__file__)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            cwd="/",
            limit=ANSWER_BYTES_MAX,
        )
        answer = b""
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await _converse(worker, content)
                await worker.wait()
        except TimeoutError:
            log.warning("a picture took too long")
        finally:
            if worker.returncode is None:
                with suppress(ProcessLookupError):
                    worker.kill()
            await worker.wait()
        return _seen(answer) if worker.returncode == 0 else None


async def _converse(
    worker: asyncio.subprocess.Process, content: AsyncIterator[bytes]
) -> bytes:
    assert worker.stdin is not None
    assert worker.stdout is not None
    # It reads everything before it answers, so neither can wait for the other.
    with suppress(BrokenPipeError, ConnectionResetError):
        async for chunk in content:
            worker.stdin.write(chunk)
            await worker.stdin.drain()
        worker.stdin.close()
    answer = bytearray()
    while part := await worker.stdout.read(64 * 1024):
        answer += part
        if len(answer) > ANSWER_BYTES_MAX:
            return b""
    return bytes(answer)


def _seen(answer: bytes) -> Seen | None:
    line, _, thumbnail = answer.partition(b"\n")
    words = line.split()
    if len(words) != 2 or not all(word.isdigit() for word in words) or not thumbnail:
        return None
    return Seen(int(words[0]), int(words[1]), thumbnail)
