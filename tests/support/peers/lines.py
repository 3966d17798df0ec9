"""The far end of tests/support/lines.py for programs in the peers' environment."""

import asyncio
import json
import sys
import threading
from collections.abc import Awaitable, Callable

Deeds = dict[str, Callable[..., Awaitable[object]]]

_one_line_at_a_time = threading.Lock()


def say(line: dict[str, object]) -> None:
    """Tells the driver; may be called on any thread."""
    with _one_line_at_a_time:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


async def obey(deeds: Deeds) -> None:
    """Does what the driver asks, each deed as a task, until its end closes."""
    reader = asyncio.StreamReader(limit=16 * 2**20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async with asyncio.TaskGroup() as running:
        async for line in reader:
            asked = json.loads(line)
            running.create_task(_answer(deeds, asked))


async def _answer(deeds: Deeds, asked: dict[str, object]) -> None:
    number, deed = asked.pop("id"), str(asked.pop("do"))
    try:
        say({"id": number, "result": await deeds[deed](**asked)})
    except Exception as error:  # noqa: BLE001 - the driver is told every failure
        say({"id": number, "error": str(error) or repr(error)})
