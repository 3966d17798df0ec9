"""Simulated people: the production client, doing deeds drawn from a seed."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx2

from chatd_client import ChatClient, ChatOptions, Refused
from chatd_client.signalr import ClientError
from chatd_protocol.chat.objects import Message
from chatd_protocol.chat.requests import (
    AddParticipants,
    DeleteMessage,
    EditMessage,
    LeaveConversation,
    MarkRead,
    RemoveParticipant,
    RenameConversation,
    SendMessage,
)
from tests.faults.checker import History, Sent
from tests.faults.witness import Witness, witness
from tests.simulation.loop import Process, SimulatedLoop
from tests.simulation.network import Network

PAUSE_S = 0.8
"""Between two deeds of one device, on average."""

RETRY_S = 0.3


@dataclass
class NetworkOf:
    """What a device's client is given as its `http`."""

    network: Network
    process: Process


class Device:
    """One device of one person; what it was asked to send survives its restarts."""

    def __init__(
        self,
        loop: SimulatedLoop,
        name: str,
        token: str,
        network: Network,
        history: History,
        draw: random.Random,
    ) -> None:
        self.name = name
        self.user = name.partition("-")[0]
        self.busy = 0
        self._loop = loop
        self._token = token
        self._network = network
        self._history = history
        self._draw = draw
        self._sent = 0
        self._mine: list[Message] = []
        self._unanswered: dict[str, SendMessage] = {}
        self.process: Process
        self.client: ChatClient
        self.witness: Witness
        self.boot()

    def boot(self) -> None:
        """Start the application with nothing but the messages that wait."""
        self.process = Process(self._loop, self.name)
        http = cast(httpx2.AsyncClient, NetworkOf(self._network, self.process))
        self.client = ChatClient(
            "sim:",
            self._token,
            options=ChatOptions(draw=self._draw.random),
            http=http,
        )
        self.witness = witness(self._history, self.name, self.user, self.client)
        self.busy = 0
        self.process.task(self._run())

    def reload(self) -> None:
        """The application is killed and started again."""
        self.process.kill()
        for link in tuple(self._network.links):
            if link.client.process is self.process:
                link.sever()
        self.boot()

    @property
    def whole(self) -> bool:
        """Connected and caught up."""
        return self.client.connected

    async def _run(self) -> None:
        # It comes by itself; a first attempt may well fail.
        self.client._lifeline.start()
        for request in tuple(self._unanswered.values()):
            self._spawn(self._deliver(request))

    def act(self, deed: Callable[["Device", str], Any], conversation: str) -> None:
        """Do something now, and do not wait for it."""
        self.process.soon(lambda: self._spawn(deed(self, conversation)))

    def _spawn(self, work: Any) -> None:
        self.busy += 1
        task = self.process.task(self._guarded(work))
        assert task is not None

    async def _guarded(self, work: Any) -> None:
        try:
            # A deed may be refused, and a client without a way may give up on it.
            with suppress(ClientError):
                await work
        finally:
            self.busy -= 1

    # ----------------------------------------------------------------- deeds

    async def say(self, conversation: str) -> None:
        self._sent += 1
        key = f"{self.name}:{self._sent}"
        request = SendMessage(
            conversation_id=conversation, client_message_id=key, text=f"says {key}"
        )
        self._unanswered[key] = request
        self._history.sent.append(Sent(key, conversation, self._loop.time()))
        await self._deliver(request)

    async def _deliver(self, request: SendMessage) -> None:
        """Until it is answered, under the same id, whatever happens to connections."""
        key = request.client_message_id
        while True:
            try:
                answer = await self.client.call(request, Message)
            except Refused as refusal:
                if refusal.retry != "later":
                    self._unanswered.pop(key, None)
                    return
                await asyncio.sleep(RETRY_S * (1 + self._draw.random()))
                continue
            self._unanswered.pop(key, None)
            self._mine.append(answer)
            self._note(key, answer)
            return

    def _note(self, key: str, answer: Message) -> None:
        sent = self._history.sent
        at = next(i for i in range(len(sent) - 1, -1, -1) if sent[i].key == key)
        sent[at] = replace(sent[at], answered_s=self._loop.time(), seq=answer.seq)

    async def edit(self, _conversation: str) -> None:
        if self._mine:
            message = self._draw.choice(self._mine)
            text = f"edited at {self._loop.time():.3f}"
            await self.client.call(EditMessage(message_id=message.id, text=text))

    async def delete(self, _conversation: str) -> None:
        if self._mine:
            message = self._draw.choice(self._mine)
            await self.client.call(DeleteMessage(message_id=message.id))

    async def read(self, conversation: str) -> None:
        room = self.client.replica.rooms.get(conversation)
        if room is not None:
            request = MarkRead(conversation_id=conversation, seq=room.cursor)
            await self.client.call(request)

    async def rename(self, conversation: str) -> None:
        title = f"at {self._loop.time():.3f}"
        await self.client.call(
            RenameConversation(conversation_id=conversation, title=title)
        )

    async def leave(self, conversation: str) -> None:
        await self.client.call(LeaveConversation(conversation_id=conversation))

    async def add(self, conversation: str) -> None:
        user = self._draw.choice(PEOPLE)
        await self.client.call(
            AddParticipants(conversation_id=conversation, user_ids=(user,))
        )

    async def remove(self, conversation: str) -> None:
        user = self._draw.choice(PEOPLE)
        await self.client.call(
            RemoveParticipant(conversation_id=conversation, user_id=user)
        )


PEOPLE = ("tina", "anna", "ben", "carl")
"""Tina is a teacher and may remove others."""

DEVICES = ("tina", "anna", "anna-2", "ben", "carl")

DEEDS: dict[Callable[[Device, str], Any], int] = {
    Device.say: 60,
    Device.edit: 6,
    Device.delete: 4,
    Device.read: 6,
    Device.rename: 3,
    Device.leave: 3,
    Device.add: 10,
    Device.remove: 8,
}
"""What people do, and how often."""
