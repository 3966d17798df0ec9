"""Programs in other languages, driven by JSON lines on stdin and stdout.

The driver writes `{"id", "do", …}` and the program answers `{"id", "result"}` or
`{"id", "error"}`; lines with `"event"` come unasked, in order.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from tests.support.server import ROOT

LINE_BYTES_MAX = 16 * 2**20
ANSWER_DEADLINE_S = 30.0


class DriverError(Exception):
    """What the program answered instead of a result: the error's own text."""


class Driver:
    """The near end of one program."""

    def __init__(
        self, process: asyncio.subprocess.Process, on_event: Callable[[dict], None]
    ) -> None:
        self._on_event = on_event
        self._process = process
        self._ids = count(1)
        self._waiting: dict[int, asyncio.Future[object]] = {}
        self._reader = asyncio.create_task(self._read())

    async def do(self, what: str, **arguments: object) -> object:
        """Asks the program for one deed and returns its result."""
        number = next(self._ids)
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        line = json.dumps({"id": number, "do": what, **arguments})
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        async with asyncio.timeout(ANSWER_DEADLINE_S):
            return await answer

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._take(json.loads(line))
        for answer in self._waiting.values():
            answer.set_exception(DriverError("the program has ended"))

    def _take(self, said: dict) -> None:
        if "event" in said:
            self._on_event(said)
            return
        answer = self._waiting.pop(said["id"])
        if answer.done():
            return
        if "error" in said:
            answer.set_exception(DriverError(said["error"]))
        else:
            answer.set_result(said.get("result"))

    async def end(self) -> None:
        """Closes stdin, which every driver program takes as its end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reader


@asynccontextmanager
async def driving(
    *command: str | Path,
    on_event: Callable[[dict], None],
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Driver]:
    """A program under control; its stderr is the test's own.

    `on_event` gets every line that it says unasked.
    """
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES_MAX,
        cwd=ROOT,
        env=environment,
    )
    driver = Driver(process, on_event)
    try:
        yield driver
    finally:
        await driver.end()
