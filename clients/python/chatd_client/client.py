"""The chat client: always connected or about to be, its replica whole or mending.

Calls wait for a connection. Those that may be repeated safely (reads, and everything
that carries a client id) are, until they are answered; messages of one conversation go
out one after the other. Events come from the replica: in order, each once.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar, overload
from weakref import WeakValueDictionary

import httpx2
import msgspec

from chatd_client.backoff import Backoff
from chatd_client.errors import Refused, refusal
from chatd_client.feed import Reader
from chatd_client.files import Files
from chatd_client.lifeline import ChatOptions, Lifeline, Token, ask
from chatd_client.replica import Replica
from chatd_client.signalr import CallFailed, ConnectionLost
from chatd_protocol.chat.base import Request, Shape
from chatd_protocol.chat.methods import BY_REQUEST
from chatd_protocol.chat.objects import Attachment, Message
from chatd_protocol.chat.requests import (
    ListMessages,
    MarkRead,
    SendMessage,
    WatchEvents,
)
from chatd_protocol.chat.results import MessagePage, ReadState, WatchedEvent

SEND_ATTEMPTS: Final = 8
"""How often `send` repeats a message that is refused for the moment only."""

DEFAULTS: Final = ChatOptions()

T = TypeVar("T", bound=Shape)


class ChatClient:
    """`async with ChatClient(url, token) as client: await client.send(…)`"""

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        options: ChatOptions = DEFAULTS,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        """A client that is not started.

        `url` is the server's, such as `https://chat.school.example`, or that of its
        hub, as other SignalR clients want it (the same with `/hub`). An `http` client
        that is shared by many chat clients saves each its own.
        """
        self._http = http or httpx2.AsyncClient()
        base = url.rstrip("/").removesuffix("/hub")
        self._files = Files(self._http, base, token)
        self._owns_http = http is None
        self._draw = options.draw
        self._lifeline = Lifeline(
            self._http,
            f"{base}/hub?events=single",
            token,
            options,
        )
        self._lanes: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._unanswered: dict[str, SendMessage] = {}

    async def __aenter__(self) -> Self:
        """Start; returns when the replica is whole for the first time.

        Raises CannotConnect when it never will be, as with a refused token.
        """
        self._lifeline.start()
        try:
            await self.wait_whole()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect; readers end and calls that wait fail."""
        await self._stop()

    @property
    def replica(self) -> Replica:
        """What is known; see `replica.Replica`."""
        return self._lifeline.replica

    @property
    def connected(self) -> bool:
        """Whether there is a connection and the replica has caught up on it."""
        return self._lifeline.whole

    @property
    def unanswered(self) -> tuple[SendMessage, ...]:
        """Messages on their way, oldest first.

        Whoever stores them and sends them again after a restart loses and doubles
        nothing: they carry their ids.
        """
        return tuple(self._unanswered.values())

    async def wait_whole(self) -> None:
        """Return when connected and whole.

        Raises the reason when the client has given up.
        """
        await self._lifeline.wait_whole()

    def events(self) -> Reader:
        """What happens from now on: events in order, each once; see `replica.Update`.

        May be called before the client is started.
        """
        return self._lifeline.feed.reader()

    @overload
    async def call(self, request: Request) -> Shape: ...
    @overload
    async def call(self, request: Request, answer: type[T]) -> T: ...

    async def call(self, request: Request, answer: type[Shape] = Shape) -> Shape:
        """Perform one method of the contract; which one is told by the request's type.

        `answer` is for type checkers: the type that the contract's table promises.

        Raises Refused with the server's reason, CallFailed, ConnectionLost when the
        answer of a call that must not be repeated got lost, and the reason when the
        client has given up.
        """
        if isinstance(request, SendMessage):
            result = await self._in_lane(request)
        else:
            result = await self._until_answered(request)
        if not isinstance(result, answer):
            raise TypeError(f"{type(request).__name__} answers no {answer.__name__}")
        return result

    async def send(
        self,
        conversation_id: str,
        text: str,
        reply_to_id: str | None = None,
        *,
        files: Sequence[Attachment] = (),
    ) -> Message:
        """Say something; repeated until it is answered, and when it is refused as busy.

        `files` are uploads of this person; with some, the text may be empty. Raises
        Refused when repeating does not help.
        """
        request = SendMessage(
            conversation_id=conversation_id,
            client_message_id=secrets.token_urlsafe(16),
            text=text or None,
            attachment_ids=tuple(file.id for file in files) or None,
            reply_to_id=reply_to_id,
        )
        result = await self._in_lane(request, attempts=SEND_ATTEMPTS)
        if not isinstance(result, Message):
            raise TypeError("SendMessage answers no Message")
        return result

    async def upload(
        self, file: Path | bytes, name: str | None = None, alt: str | None = None
    ) -> Attachment:
        """Bring a file to the server, for a message to come; not kept in memory.

        `alt` describes a picture for those who do not see it. Raises Refused, such as
        `file_too_large` and `file_type_not_allowed`; ConnectionLost.
        """
        return await self._files.upload(file, name, alt)

    def download(
        self, attachment_id: str, *, thumbnail: bool = False
    ) -> AsyncIterator[bytes]:
        """The bytes of a file that this person may see, or of its small picture.

        Iterating raises Refused, ConnectionLost.
        """
        return self._files.download(attachment_id, thumbnail=thumbnail)

    async def mark_read(self, conversation_id: str) -> ReadState:
        """Everything in the replica's copy of the conversation has been read."""
        seq = self.replica.rooms[conversation_id].cursor
        request = MarkRead(conversation_id=conversation_id, seq=seq)
        return await self.call(request, ReadState)

    async def load_history(self, conversation_id: str, limit: int = 50) -> MessagePage:
        """Bring the next older page of a conversation into the replica."""
        room = self.replica.rooms[conversation_id]
        request = ListMessages(
            conversation_id=conversation_id, before=room.complete_from, limit=limit
        )
        page = await self.call(request, MessagePage)
        self.replica.load(conversation_id, page)
        return page

    async def watch(
        self, cursor: str | None = None
    ) -> AsyncGenerator[WatchedEvent, None]:
        """Every event of the tenant from `cursor` on, across reconnects; has no end.

        For service tokens with the scope `events`. Raises like `call`.
        """
        waits = Backoff(self._draw)
        while True:
            connection = await self._lifeline.connected()
            try:
                request = WatchEvents(cursor=cursor)
                async for item in connection.stream("WatchEvents", request):
                    watched = msgspec.convert(item, WatchedEvent)
                    cursor = watched.cursor
                    waits.reset()
                    yield watched
                # The server ends it before it goes down, and closes a moment later.
                await asyncio.sleep(waits.next_s())
            except CallFailed as failure:
                raise refusal(failure) from None
            except ConnectionLost:
                self._lifeline.drop(connection)

    async def _in_lane(self, request: SendMessage, attempts: int = 1) -> Shape:
        """Send after the conversation's earlier messages were answered.

        The lane is kept while a refused message waits: none overtakes it.
        """
        lane = self._lanes.setdefault(request.conversation_id, asyncio.Lock())
        self._unanswered[request.client_message_id] = request
        waits = Backoff(self._draw)
        try:
            async with lane:
                for _ in range(attempts - 1):
                    try:
                        return await self._until_answered(request)
                    except Refused as refused:
                        if refused.retry != "later":
                            raise
                        await asyncio.sleep(waits.next_s(refused.retry_after_s))
                return await self._until_answered(request)
        finally:
            self._unanswered.pop(request.client_message_id, None)

    async def _until_answered(self, request: Request) -> Shape:
        while True:
            connection = await self._lifeline.connected()
            try:
                return await ask(connection, request)
            except ConnectionLost:
                if connection.ended:
                    self._lifeline.drop(connection)
                if not may_repeat(type(request)):
                    raise

    async def _stop(self) -> None:
        await self._lifeline.stop()
        if self._owns_http:
            await self._http.aclose()


def may_repeat(request: type[Request]) -> bool:
    """Whether a call whose answer got lost may be made again.

    Reads may, and so may what carries an id that the server answers once (SPEC,
    Once).
    """
    name = BY_REQUEST[request].name
    keyed = {"client_message_id", "client_request_id"} & set(request.__struct_fields__)
    return bool(keyed) or name.startswith(("Get", "List", "Search", "Preview", "Sync"))
