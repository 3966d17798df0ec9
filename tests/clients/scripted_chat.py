"""One conversation on a scripted server, with a switch for each thing that can fail.

It keeps a log as the contract says and answers the handful of methods that recovery
needs. Which answer gets lost, and when the epoch changes, is up to the test.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from chatd_protocol.chat.base import Shape
from chatd_protocol.chat.errors import format_error
from chatd_protocol.chat.events import Event, LogEvent, MessageCreated
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.requests import ListMessages, SendMessage, Sync
from chatd_protocol.chat.results import (
    ConversationEvents,
    ConversationPage,
    MessagePage,
    TokenRefreshed,
    UnreadTotals,
)
from chatd_protocol.signalr import Completion, Invocation
from tests.clients.histories import EPOCH, ME, at, conversation, me, message, synced
from tests.clients.scripted import Peer, Scripted, scripted


class Chat:
    """The conversation, its log, and who is connected."""

    def __init__(self) -> None:
        self.server: Scripted
        self.log: list[LogEvent] = []
        self.epoch = EPOCH
        self.calls: list[str] = []
        self.sync_events = 200  # events that one Sync answers
        self.too_long = False
        self.lose_next_answer = False  # do it, then cut the connection
        self.lose_next_event = False  # commit it, and tell nobody
        self.refuse_sends: tuple[str, dict[str, object]] | None = None
        self.refuse_next: tuple[str, dict[str, object]] | None = None
        self.peers: list[Peer] = []

    async def script(self, peer: Peer) -> None:
        self.peers.append(peer)
        try:
            while True:
                call = await peer.expect(Invocation)
                assert isinstance(call, Invocation)
                if not await self._serve(peer, call):
                    return
        finally:
            self.peers.remove(peer)

    async def say(self, text: str, author: str = "anna") -> LogEvent:
        """Somebody says something; everybody connected is told."""
        return await self._append(author, text, None)

    async def tell(self, event: Event) -> None:
        """Deliver an event, whatever it is."""
        for peer in self.peers:
            await peer.send(Invocation("Event", [event]))

    async def cut(self) -> None:
        """Every connection is lost."""
        for peer in tuple(self.peers):
            await peer.web_socket.close(1011)

    async def _serve(self, peer: Peer, call: Invocation) -> bool:
        self.calls.append(call.target)
        answer_id = call.invocation_id or ""
        refusal, self.refuse_next = self.refuse_next, None
        if call.target == "SendMessage":
            refusal = refusal or self.refuse_sends
        if refusal is not None:
            error = format_error(*refusal)
            await peer.send(Completion(answer_id, error=error))
            return True
        result = await self._answer(call.target, call.arguments[0])
        if self.lose_next_answer:
            self.lose_next_answer = False
            return False
        await peer.send(Completion(answer_id, result))
        return True

    async def _answer(self, target: str, argument: object) -> Shape:
        match target:
            case "GetMe":
                return me(epoch=self.epoch)
            case "ListConversations":
                rows = (self._conversation(),)
                totals = UnreadTotals(messages=0, conversations=0, requests=0)
                return ConversationPage(
                    conversations=rows, unread=totals, personal_seq=0
                )
            case "GetConversation":
                return self._conversation()
            case "Sync":
                return self._sync(msgspec.convert(argument, Sync))
            case "RefreshToken":
                return TokenRefreshed(expires_at=at(3_000))
            case "ListMessages":
                return self._page(msgspec.convert(argument, ListMessages))
            case _:
                request = msgspec.convert(argument, SendMessage)
                event = await self._append(ME, request.text or "", request)
                assert isinstance(event, MessageCreated)
                return event.message

    def _conversation(self) -> Conversation:
        return conversation(head_seq=len(self.log))

    async def _append(
        self, author: str, text: str, request: SendMessage | None
    ) -> LogEvent:
        key = None if request is None else request.client_message_id
        for event in self.log:
            assert isinstance(event, MessageCreated)
            if key is not None and event.message.client_message_id == key:
                return event
        seq = len(self.log) + 1
        said = message(seq, author, text, client_message_id=key)
        event = MessageCreated(conversation_id="c1", seq=seq, at=at(seq), message=said)
        self.log.append(event)
        if self.lose_next_event:
            self.lose_next_event = False
        else:
            await self.tell(event)
        return event

    def _sync(self, request: Sync) -> Shape:
        rows = []
        more = False
        for name, after in request.cursors.items():
            events = self.log[after:]
            more = more or len(events) > self.sync_events
            rows.append(
                ConversationEvents(
                    conversation_id=name,
                    events=() if self.too_long else tuple(events[: self.sync_events]),
                    head_seq=len(self.log),
                    too_long=True if self.too_long else None,
                )
            )
        return synced(*rows, more=more, epoch=self.epoch)

    def _page(self, request: ListMessages) -> Shape:
        before = request.before or len(self.log) + 1
        found = [
            event.message
            for event in self.log[: before - 1]
            if isinstance(event, MessageCreated)
        ]
        return MessagePage(
            messages=tuple(found[-request.limit :]),
            as_of_seq=len(self.log),
            has_before=len(found) > request.limit,
            has_after=before <= len(self.log),
        )


@asynccontextmanager
async def scripted_chat() -> AsyncIterator[Chat]:
    """A chat on a free port, until the end of the block."""
    chat = Chat()
    async with scripted(chat.script) as server:
        chat.server = server
        yield chat
