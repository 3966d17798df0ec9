"""People who talk through real servers, and the history of it for the checker.

They use the Python client of this repository, which repeats what was not answered under
the same id and repairs its copy; what it shows is written down as it is shown.
"""

import asyncio
import itertools
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Final, Self

from chatd_client import ChatClient, ChatOptions, Refused
from chatd_client.signalr import ConnectionLost
from chatd_protocol.chat.events import (
    LogEvent,
    MessageCreated,
    ParticipantsAdded,
    ParticipantsRemoved,
)
from chatd_protocol.chat.objects import Message
from chatd_protocol.chat.requests import (
    AddParticipants,
    Recipient,
    RemoveParticipant,
    SendMessage,
    StartConversation,
    Sync,
)
from chatd_protocol.chat.results import ConversationStarted, Synced
from tests.faults.checker import FOREVER, History, Sent, Span, Stored, check
from tests.faults.witness import Witness, content, report, witness
from tests.support.tokens import token
from tests.support.waiting import wait_until

SOON: Final = ChatOptions(draw=lambda: 0.1)
"""Comes back within a fraction of a second, whatever happened."""

AGAIN_S: Final = 0.2

WHOLE_S: Final = 60.0
"""Until then everybody must have everything; what takes how long is for `bench/`."""

UNBOUND: Final = tuple(
    part
    for name in (
        "sends_per_second",
        "sends_burst",
        "reads_per_second",
        "reads_burst",
        "sync_events_per_conversation",
    )
    for part in ("--limit", f"{name}=10000000")
)
"""Arguments of a server on which a few people may send as much as a school."""


class Talk:
    """One conversation of some devices. Leaving it disconnects them all."""

    def __init__(
        self, options: ChatOptions = SOON, *, patient: bool = False, name: str = "talk"
    ) -> None:
        """With `patient` a message that is refused for the moment is sent again."""
        self.name = name
        self._patient = patient
        self.history = History()
        self.clients: dict[str, ChatClient] = {}
        self.conversation = ""
        self.answered = 0
        self.over = False
        self._options = options
        self._witnesses: list[Witness] = []
        self._members: tuple[str, ...] = ()
        self._running = AsyncExitStack()
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        await self._running.__aenter__()
        self._tasks = await self._running.enter_async_context(asyncio.TaskGroup())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._running.__aexit__(kind, error, trace)

    async def join(self, url: str, user: str, device: str = "") -> ChatClient:
        """One more device, connected and whole."""
        client = ChatClient(url, token(user, ttl_s=86_400), options=self._options)
        device = device or user
        self._witnesses.append(witness(self.history, device, user, client))
        self.clients[device] = await self._running.enter_async_context(client)
        return client

    async def start(self, user: str, *others: str) -> None:
        """Begin the conversation with everybody who takes part."""
        started = await self.clients[user].call(
            StartConversation(
                recipients=tuple(Recipient(kind="user", id=one) for one in others),
                mode="group",
                title="Steady hands",
                client_request_id=self.name,
            ),
            ConversationStarted,
        )
        assert started.conversation is not None
        self.conversation = started.conversation.id
        self._members = (user, *others)

    async def say(self, device: str, text: str = "") -> Message:
        """Send until it is answered; the first line of each text is its key."""
        text = text or f"{device} {next(self._numbers)}"
        key = key_of(text)
        clock, sent = asyncio.get_running_loop(), self.history.sent
        place = len(sent)
        sent.append(Sent(key, self.conversation, clock.time()))
        request = SendMessage(
            conversation_id=self.conversation, client_message_id=key, text=text
        )
        answer = await self._until_accepted(device, request)
        sent[place] = replace(sent[place], answered_s=clock.time(), seq=answer.seq)
        self.answered += 1
        return answer

    async def _until_accepted(self, device: str, request: SendMessage) -> Message:
        while True:
            try:
                return await self.clients[device].call(request, Message)
            except Refused as refused:
                if not self._patient or refused.retry != "later":
                    raise
                await asyncio.sleep(refused.retry_after_s or AGAIN_S)

    async def come_and_go(self, staff: str, guest: str) -> None:
        """The guest is added and removed, again and again, until the talk is over."""
        requests = itertools.cycle(
            (
                RemoveParticipant(conversation_id=self.conversation, user_id=guest),
                AddParticipants(conversation_id=self.conversation, user_ids=(guest,)),
            )
        )
        while not self.over:
            # Whether it was done is in the log; who may not be repeated may fail.
            with suppress(Refused, ConnectionLost):
                await self.clients[staff].call(next(requests))
            await asyncio.sleep(AGAIN_S)

    def asked(self, text: str) -> None:
        """Somebody sends this by other means; nobody knows what becomes of it."""
        now_s = asyncio.get_running_loop().time()
        self.history.sent.append(Sent(key_of(text), self.conversation, now_s))

    def sending(self, device: str, text: str) -> asyncio.Task[Message]:
        """Begin to send, and go on with something else."""
        return self._tasks.create_task(self.say(device, text))

    async def keep_sending(self, device: str, pause_s: float = 0.0) -> None:
        """Until the talk is over."""
        while not self.over:
            await self.say(device)
            await asyncio.sleep(pause_s)

    def has_answers(self, count: int) -> bool:
        return self.answered >= count

    # ----------------------------------------------------------------- the end

    async def log(self, reader: str) -> list[LogEvent]:
        """The stored log from seq 1 on."""
        log: list[LogEvent] = []
        more = True
        while more:
            request = Sync(cursors={self.conversation: len(log)})
            answer = await self.clients[reader].call(request, Synced)
            more = answer.more
            for row in answer.conversations:
                log += row.events
        return log

    async def settle(self, within_s: float = WHOLE_S) -> None:
        """Read what is stored; everybody must have it within so many seconds."""
        name, history = self.conversation, self.history
        stored = await self.log(next(iter(self.clients)))
        texts = {}
        for event in stored:
            said = event.message if isinstance(event, MessageCreated) else None
            author = None if said is None else said.author.id
            key = None if said is None else key_of(said.text or "")
            history.log.append(Stored(name, event.seq, content(event), key, author))
            if said is not None:
                texts[event.seq] = (said.text or "", event.seq)
        history.texts[name] = texts
        for user, spans in stays(stored, self._members).items():
            history.seen[user, name] = spans
        async with asyncio.timeout(within_s):
            for device, client in self.clients.items():
                last = min(
                    history.seen[history.users[device], name][-1][1], len(stored)
                )
                history.whole.add(device)
                await wait_until(
                    partial(self._is_whole, client, last), within_s, device
                )
        for one in self._witnesses:
            member = history.seen[history.users[one.device], name][-1][1] == FOREVER
            one.close([name] if member else [])

    def _is_whole(self, client: ChatClient, head: int) -> bool:
        room = client.replica.rooms.get(self.conversation)
        if room is None:
            # Of what one is no member of any more, nothing need be kept.
            return client.connected and head < FOREVER
        return room.cursor >= head

    def check(self) -> None:
        """Fails if any promise was broken; `settle` was called."""
        found = check(self.history)
        assert not found, report(found)
        assert self.history.shown
        assert self.history.log


def key_of(text: str) -> str:
    """What tells a message from all others."""
    return text.partition("\n")[0]


def stays(log: list[LogEvent], members: Iterable[str]) -> dict[str, list[Span]]:
    """From where to where each person sees a log that began with these members.

    The first stay reaches back to the beginning (ITS-70).
    """
    spans: dict[str, list[Span]] = {one: [(1, FOREVER)] for one in members}
    for event in log:
        if isinstance(event, ParticipantsAdded):
            for person in event.participants:
                known = spans.setdefault(person.id, [])
                known.append((event.seq if known else 1, FOREVER))
        elif isinstance(event, ParticipantsRemoved):
            for user in event.user_ids:
                spans[user][-1] = (spans[user][-1][0], event.seq)
    return spans
