"""A program that writes without pause and prints what was acknowledged, to be killed.

`python -m tests.store.engine.restless <address> <name>`
"""

import asyncio
import sys

from tests.store.shelf import shelf_at


async def restless(url: str, name: str) -> None:
    """Eight senders in a conversation of that name."""
    async with shelf_at(url) as shelf:
        await shelf.people("ada")
        await shelf.talk(name, "ada")

        async def send() -> None:
            while True:
                id_, seq = await shelf.say("ada", "still here", to=name)
                print(id_, seq, flush=True)

        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(send())


if __name__ == "__main__":
    asyncio.run(restless(sys.argv[1], sys.argv[2]))
