"""One device of one person, whichever client library it runs on.

A device records every event it gets, in order, and makes calls. The tests drive all
kinds through the same three calls and so can compare what each of them saw.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, get_args

from chatd_protocol.chat import events
from tests.support.lines import DriverError
from tests.support.tokens import token

TARGETS = tuple(
    events.target_of(str(kind.__struct_config__.tag)) for kind in get_args(events.Event)
)

ATTEMPTS = 5
PAUSE_S = 0.5
FOR_THE_MOMENT = "storage_unavailable: "


@dataclass(frozen=True)
class Place:
    """Who the device belongs to, and how it speaks."""

    user: str
    transport: str = "WebSockets"
    protocol: str = "json"
    single: bool = False
    """Whether it takes all events on the one target `Event`."""


class Program(Protocol):
    """Something that holds connections by name and does deeds on them."""

    async def do(self, what: str, **arguments: object) -> object: ...


@dataclass
class Device:
    """A connection held by a program; `events` is all it got so far, in order."""

    name: str
    place: Place
    program: Program
    from_snapshot: bool = False
    """Whether it is told a new conversation's first events as a snapshot instead."""
    events: list[dict] = field(default_factory=list)

    async def connect(self, hub_url: str) -> None:
        await self.program.do(
            "connect",
            name=self.name,
            url=hub_url + ("?events=single" if self.place.single else ""),
            token=token(self.place.user),
            transport=self.place.transport,
            protocol=self.place.protocol,
            targets=["Event"] if self.place.single else list(TARGETS),
        )

    async def call(self, method: str, **argument: object) -> dict:
        """The result of a hub method; raises `DriverError` with the error's text.

        A store that does not answer for the moment is asked again, as clients should.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                result = await self.program.do(
                    "call", name=self.name, method=method, argument=argument
                )
            except DriverError as error:
                if attempt == ATTEMPTS or not str(error).startswith(FOR_THE_MOMENT):
                    raise
                await asyncio.sleep(PAUSE_S)
            else:
                break
        assert isinstance(result, dict)
        return result

    async def disconnect(self) -> None:
        await self.program.do("disconnect", name=self.name)

    def take(self, said: Mapping) -> None:
        """Records one event as the program told it."""
        if said["event"] == "closed":
            return
        body = said["body"]
        target = "Event" if self.place.single else events.target_of(body["type"])
        assert said["event"] == target
        self.events.append(body)

    def log_of(self, conversation_id: str) -> list[dict]:
        """What it saw of one conversation's log."""
        return [
            event
            for event in self.events
            if event.get("conversationId") == conversation_id and "seq" in event
        ]


def recorder(devices: Mapping[str, Device]) -> Callable[[dict], None]:
    """Where a program tells its events: each goes to the device that it names."""
    return lambda said: devices[said["name"]].take(said)
