"""The chat client: always connected or about to be, its replica whole or mending.

Calls wait for a connection. Those that may be repeated safely (reads, and everything
that carries a client id) are, until they are answered; messages of one conversation go
out one after the other. Events come from the replica: in order, each once.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Final, Self, TypeVar, overload
from weakref import WeakValueDictionary

import httpx2
import msgspec

from chatd_client.backoff import Backoff
from chatd_client.connection import DEFAULTS, Connection
from chatd_client.errors import (
    CannotConnect,
    ClientError,
    ConnectionClosed,
    ConnectionLost,
    Refused,
)
from chatd_client.feed import Feed, Reader
from chatd_client.link import Options
from chatd_client.negotiating import Address
from chatd_client.recovering import Recovery
from chatd_client.replica import Replica
from chatd_protocol.chat.base import Request, Shape
from chatd_protocol.chat.events import SINGLE_TARGET, Event, TokenExpiring
from chatd_protocol.chat.methods import BY_REQUEST
from chatd_protocol.chat.objects import Message
from chatd_protocol.chat.requests import (
    ListMessages,
    MarkRead,
    RefreshToken,
    SendMessage,
    WatchEvents,
)
from chatd_protocol.chat.results import MessagePage, ReadState, WatchedEvent

STABLE_S: Final = 10.0
"""A connection that lived so long has earned the shortest wait after its end."""

SEND_ATTEMPTS: Final = 8
"""How often `send` repeats a message that is refused for the moment only."""

Token = str | Callable[[], Awaitable[str]]
"""A token, or how to get a fresh one; asked before every connection."""

T = TypeVar("T", bound=Shape)
_log = logging.getLogger("chatd_client")


class ChatClient:
    """`async with ChatClient(url, token) as client: await client.send(…)`"""

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        options: Options = DEFAULTS,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        """A client that is not started.

        `url` is the server's, such as `https://chat.school.example`. An `http` client
        that is shared by many chat clients saves each its own.
        """
        self.replica = Replica()
        self._hub = f"{url.rstrip('/')}/hub?events=single"
        self._token = token
        self._options = options
        self._http = http or httpx2.AsyncClient()
        self._owns_http = http is None
        self._feed = Feed()
        self._backoff = Backoff()
        self._offered = asyncio.Event()
        self._changed = asyncio.Event()  # connected, whole or over: look again
        self._connection: Connection | None = None
        self._whole = False
        self._over: ClientError | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._unanswered: dict[str, SendMessage] = {}

    async def __aenter__(self) -> Self:
        """Start; returns when the replica is whole for the first time.

        Raises CannotConnect when it never will be, as with a refused token.
        """
        self._spawn(self._stay_connected())
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
    def connected(self) -> bool:
        """Whether there is a connection and the replica has caught up on it."""
        return self._whole

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
        while not self._whole:
            await self._wait_change()

    def events(self) -> Reader:
        """What happens from now on: events in order, each once; see `replica.Update`.

        May be called before the client is started.
        """
        return self._feed.reader()

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
        self, conversation_id: str, text: str, reply_to_id: str | None = None
    ) -> Message:
        """Say something; repeated until it is answered, and when it is refused as busy.

        Raises Refused when repeating does not help.
        """
        request = SendMessage(
            conversation_id=conversation_id,
            client_message_id=secrets.token_urlsafe(16),
            text=text,
            reply_to_id=reply_to_id,
        )
        waits = Backoff()
        for _ in range(SEND_ATTEMPTS - 1):
            try:
                return await self.call(request, Message)
            except Refused as refusal:
                if refusal.retry != "later":
                    raise
                await asyncio.sleep(waits.next_s(refusal.retry_after_s))
        return await self.call(request, Message)

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

    async def watch(self, cursor: str | None = None) -> AsyncIterator[WatchedEvent]:
        """Every event of the tenant from `cursor` on, across reconnects.

        For service tokens with the scope `events`. Raises like `call`.
        """
        while True:
            connection = await self._connected()
            try:
                request = WatchEvents(cursor=cursor)
                async for item in connection.stream("WatchEvents", request):
                    watched = msgspec.convert(item, WatchedEvent)
                    cursor = watched.cursor
                    yield watched
                return
            except ConnectionLost:
                self._drop(connection)

    # ---------------------------------------------------------------- calls

    async def _in_lane(self, request: SendMessage) -> Shape:
        """Send after the conversation's earlier messages were answered."""
        lane = self._lanes.setdefault(request.conversation_id, asyncio.Lock())
        self._unanswered[request.client_message_id] = request
        try:
            async with lane:
                return await self._until_answered(request)
        finally:
            self._unanswered.pop(request.client_message_id, None)

    async def _until_answered(self, request: Request) -> Shape:
        while True:
            connection = await self._connected()
            try:
                return await _ask(connection, request)
            except ConnectionLost:
                self._drop(connection)
                if not may_repeat(type(request)):
                    raise

    async def _connected(self) -> Connection:
        while (connection := self._connection) is None:
            await self._wait_change()
        return connection

    async def _wait_change(self) -> None:
        if self._over is not None:
            raise self._over
        await self._changed.wait()

    # ----------------------------------------------------------- connection

    async def _stay_connected(self) -> None:
        """Connect, again and again, until there is a reason to stop."""
        loop = asyncio.get_running_loop()
        while True:
            began_s, retry_after_s = loop.time(), None
            try:
                await self._live()
            except CannotConnect as error:
                if error.permanent and isinstance(self._token, str):
                    return self._give_up(error)
                retry_after_s = error.retry_after_s
            except Refused as error:
                if error.retry == "no":
                    return self._give_up(error)
                retry_after_s = error.retry_after_s
            except ConnectionClosed as error:
                fresh_token = error.retry == "signIn" and callable(self._token)
                if error.retry != "later" and not fresh_token:
                    return self._give_up(error)
            except ConnectionLost as error:
                _log.debug("connection lost: %s", error)
            if loop.time() - began_s > STABLE_S:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next_s(retry_after_s))

    async def _live(self) -> None:
        """One connection from beginning to end.

        Raises why it did not come about or ended.
        """
        token = self._token if isinstance(self._token, str) else await self._token()
        # Live events wait from here on: some may come before anything was asked.
        self.replica.begin()
        connection = Connection(
            self._http,
            Address(self._hub, token),
            {SINGLE_TARGET: self._take_event},
            self._options,
        )
        async with connection:
            self._connection = connection
            self._changed.set()
            self._changed.clear()
            try:
                await self._recover(connection)
            finally:
                self._drop(connection)

    async def _recover(self, connection: Connection) -> None:
        recovery = Recovery(
            self.replica,
            lambda request: _ask(connection, request),
            self._feed.emit,
            self._offered,
        )
        await recovery.catch_up()
        self._whole = True
        self._changed.set()
        self._changed.clear()
        mending = asyncio.get_running_loop().create_task(recovery.mend())
        ending = asyncio.get_running_loop().create_task(connection.wait_ended())
        try:
            await asyncio.wait({mending, ending}, return_when=asyncio.FIRST_COMPLETED)
            if mending.done():
                mending.result()
            raise ending.result()
        finally:
            mending.cancel()
            ending.cancel()
            await asyncio.gather(mending, ending, return_exceptions=True)

    def _drop(self, connection: Connection) -> None:
        """Let nobody use a connection that is over."""
        if self._connection is connection:
            self._connection = None
            self._whole = False

    def _take_event(self, argument: object, *_future: object) -> None:
        try:
            event: Event = msgspec.convert(argument, Event)
        except msgspec.ValidationError as error:
            # A newer server tells of things that this client has no use for.
            _log.debug("an event was passed over: %s", error)
            return
        if isinstance(event, TokenExpiring) and callable(self._token):
            self._spawn(self._refresh_token(self._token))
        now_s = asyncio.get_running_loop().time()
        self._feed.emit(self.replica.offer(event, now_s))
        self._offered.set()

    async def _refresh_token(self, token: Callable[[], Awaitable[str]]) -> None:
        try:
            await self.call(RefreshToken(token=await token()))
        except ClientError as error:
            _log.warning("the token was not refreshed: %s", error)

    # --------------------------------------------------------------- ending

    def _give_up(self, reason: ClientError) -> None:
        if self._over is None:
            self._over = reason
            self._changed.set()
            self._feed.end(None if isinstance(reason, _Stopped) else reason)

    async def _stop(self) -> None:
        self._give_up(_Stopped("The client was stopped."))
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._owns_http:
            await self._http.aclose()

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("the client failed", exc_info=error)
            self._give_up(ClientError(f"The client failed: {error!r}"))


class _Stopped(ConnectionLost):
    """The client was stopped by its owner."""


async def _ask(connection: Connection, request: Request) -> Shape:
    """One call on one connection, its answer as the contract's type."""
    row = BY_REQUEST[type(request)]
    result = await connection.invoke(row.name, request)
    return msgspec.convert(result, row.result)


def may_repeat(request: type[Request]) -> bool:
    """Whether a call whose answer got lost may be made again.

    Reads may, and so may what carries an id that the server answers once (contract,
    The hub).
    """
    name = BY_REQUEST[request].name
    keyed = {"client_message_id", "client_request_id"} & set(request.__struct_fields__)
    return bool(keyed) or name.startswith(("Get", "List", "Search", "Preview", "Sync"))
