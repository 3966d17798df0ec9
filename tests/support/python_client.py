"""chatd_client as a program: the same deeds on it as on the other libraries."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import msgspec

from chatd_client import ChatClient, ChatOptions, Refused
from chatd_protocol.chat.methods import METHODS
from tests.support.lines import DriverError

REQUESTS = {row.name: row.request for row in METHODS}


class PythonClients:
    """Named clients of one test; what each of them reports goes to `on_event`."""

    def __init__(self, on_event: Callable[[dict], None]) -> None:
        self.clients: dict[str, ChatClient] = {}
        self._on_event = on_event
        self._running = AsyncExitStack()
        self._readers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._running.aclose()
        await asyncio.gather(*self._readers)

    async def do(self, what: str, **arguments: object) -> object:
        name = str(arguments["name"])
        if what == "connect":
            await self._connect(name, arguments)
            return None
        request = msgspec.convert(
            arguments["argument"], REQUESTS[str(arguments["method"])]
        )
        try:
            answer = await self.clients[name].call(request)
        except Refused as refusal:
            raise DriverError(str(refusal)) from refusal
        # As other languages would see it: lists, no tuples.
        return msgspec.json.decode(msgspec.json.encode(answer))

    async def _connect(self, name: str, arguments: dict[str, object]) -> None:
        place = urlsplit(str(arguments["url"]))
        client = ChatClient(
            f"{place.scheme}://{place.netloc}",
            str(arguments["token"]),
            options=ChatOptions(protocol=str(arguments["protocol"])),
        )
        reading = asyncio.create_task(self._read(name, client))
        self._readers.add(reading)
        self.clients[name] = await self._running.enter_async_context(client)

    async def _read(self, name: str, client: ChatClient) -> None:
        """Reports events; rows that stand in for them after a reconnect are not."""
        async for update in client.events():
            body = msgspec.json.decode(msgspec.json.encode(update))
            if "type" in body:
                self._on_event({"event": "Event", "name": name, "body": body})
