"""One SignalR connection to any hub: calls, streams, uploads, client results.

Opened and closed as a context manager, on top of a `Link`; never reconnects by itself
and knows nothing of chat.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from itertools import count
from types import TracebackType
from typing import Final, Self

import httpx2

from chatd_client.signalr.errors import CallFailed, ClientError, ConnectionLost
from chatd_client.signalr.link import Link, Options
from chatd_client.signalr.negotiating import Address
from chatd_protocol.signalr import (
    NO_RESULT,
    CancelInvocation,
    Completion,
    Invocation,
    StreamInvocation,
    StreamItem,
)
from chatd_protocol.signalr.session import OPEN_IDS_MAX, Event

STREAM_ITEMS_MAX: Final = 10_000
"""Items of one stream that may wait for their reader."""

CALLS_MAX: Final = OPEN_IDS_MAX // 2
"""Calls that are on their way at once; more of them wait here. The other half of the
ids is for streams, which may stay open."""

Handler = Callable[..., object]
"""Called with an invocation's arguments, in the order of arrival. What it returns, or
what that awaits to, answers a call that wants a result. An exception answers such a
call too; in any other it is a bug of the application and ends the connection."""

Uploads = Sequence[AsyncIterable[object]]
DEFAULTS: Final = Options()


@dataclass(frozen=True, slots=True)
class _End:
    """The last thing in a stream's queue."""

    error: ClientError | None


class Connection:
    """`async with Connection(http, hub, handlers) as connection: …`"""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        hub: Address,
        handlers: Mapping[str, Handler],
        options: Options = DEFAULTS,
    ) -> None:
        """A connection that is not open yet; `handlers` by target, in any case."""
        self._handlers = {name.lower(): call for name, call in handlers.items()}
        self._link = Link(http, hub, options, self._handle)
        self._link.ended.add_done_callback(lambda ended: self._fail(ended.result()))
        self._ids = map(str, count())
        self._calls: dict[str, asyncio.Future[object]] = {}
        self._room = asyncio.Semaphore(CALLS_MAX)
        self._streams: dict[str, asyncio.Queue[object]] = {}

    async def __aenter__(self) -> Self:
        """Connect.

        Raises CannotConnect.
        """
        await self._link.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; calls that are still open fail with ConnectionLost."""
        await self._link.__aexit__(kind, error, trace)

    @property
    def ended(self) -> bool:
        """Whether the connection is over."""
        return self._link.ended.done()

    async def wait_ended(self) -> ConnectionLost:
        """Why the connection ended, as soon as it has."""
        return await asyncio.shield(self._link.ended)

    async def invoke(
        self, target: str, *arguments: object, uploads: Uploads = ()
    ) -> object:
        """Call a method and wait for its result; None for one that has none.

        Raises CallFailed with what the server said, ConnectionLost.
        """
        invocation_id, names = self._new_ids(uploads)
        call = Invocation(target, arguments, invocation_id, names)
        async with self._room:
            answer = self._calls[invocation_id] = asyncio.Future()
            try:
                await self._link.send(call)
                self._upload(names, uploads)
                return await answer
            finally:
                del self._calls[invocation_id]
                self._link.forget(invocation_id)

    async def send(
        self, target: str, *arguments: object, uploads: Uploads = ()
    ) -> None:
        """Call a method without waiting; nobody learns whether it worked.

        Raises ConnectionLost.
        """
        _, names = self._new_ids(uploads)
        await self._link.send(Invocation(target, arguments, None, names))
        self._upload(names, uploads)

    async def stream(
        self, target: str, *arguments: object, uploads: Uploads = ()
    ) -> AsyncGenerator[object, None]:
        """The items of a server stream; closing the iterator cancels the stream.

        Raises CallFailed with what the server said, ConnectionLost.
        """
        invocation_id, names = self._new_ids(uploads)
        items = self._streams[invocation_id] = asyncio.Queue()
        try:
            call = StreamInvocation(target, arguments, invocation_id, names)
            await self._link.send(call)
            self._upload(names, uploads)
            while not isinstance(item := await items.get(), _End):
                yield item
            if item.error is not None:
                raise item.error
        finally:
            if self._streams.pop(invocation_id, None) is not None:
                await self._link.send_if_open(CancelInvocation(invocation_id))

    def _new_ids(self, uploads: Uploads) -> tuple[str, tuple[str, ...]]:
        return next(self._ids), tuple(next(self._ids) for _ in uploads)

    def _handle(self, event: Event) -> None:
        match event:
            case Invocation():
                self._serve(event)
            case StreamItem(invocation_id, item):
                self._take_item(invocation_id, item)
            case Completion(invocation_id, result, error):
                failure = None if error is None else CallFailed(error)
                if (items := self._streams.pop(invocation_id, None)) is not None:
                    items.put_nowait(_End(failure))
                elif (call := self._calls.get(invocation_id)) is not None:
                    _settle(call, None if result is NO_RESULT else result, failure)

    def _take_item(self, invocation_id: str, item: object) -> None:
        items = self._streams.get(invocation_id)
        if items is None:
            return
        if items.qsize() < STREAM_ITEMS_MAX:
            items.put_nowait(item)
            return
        del self._streams[invocation_id]
        items.put_nowait(_End(ClientError("A stream is not being read.")))
        self._link.spawn(self._link.send_if_open(CancelInvocation(invocation_id)))

    def _serve(self, call: Invocation) -> None:
        handler = self._handlers.get(call.target.lower())
        if call.invocation_id is not None:
            self._link.spawn(self._answer(call.invocation_id, call, handler))
        elif handler is not None:
            result = handler(*call.arguments)
            if isawaitable(result):
                self._link.spawn(_awaited(result))

    async def _answer(
        self, invocation_id: str, call: Invocation, handler: Handler | None
    ) -> None:
        """Answer a call that wants a result, come what may."""
        if handler is None:
            error = f"The client has no method '{call.target}'."
            await self._link.send_if_open(Completion(invocation_id, error=error))
            return
        try:
            result = handler(*call.arguments)
            value = await result if isawaitable(result) else result
            answer = Completion(invocation_id, value)
        except Exception as failure:  # noqa: BLE001 - the caller is told, far away
            answer = Completion(invocation_id, error=str(failure) or repr(failure))
        await self._link.send_if_open(answer)

    def _upload(self, names: Sequence[str], uploads: Uploads) -> None:
        for name, items in zip(names, uploads, strict=True):
            self._link.spawn(self._send_items(name, items))

    async def _send_items(self, name: str, items: AsyncIterable[object]) -> None:
        error = None
        try:
            async for item in items:
                await self._link.send(StreamItem(name, item))
        except ConnectionLost:
            return
        except Exception as failure:  # noqa: BLE001 - the reader is told, far away
            error = str(failure) or repr(failure)
        await self._link.send_if_open(Completion(name, error=error))

    def _fail(self, reason: ConnectionLost) -> None:
        """The link is over: nobody waits any longer."""
        for call in self._calls.values():
            _settle(call, None, reason)
        for items in self._streams.values():
            items.put_nowait(_End(reason))
        self._streams.clear()


def _settle(
    call: asyncio.Future[object], result: object, error: ClientError | None
) -> None:
    if call.done():
        return
    if error is None:
        call.set_result(result)
    else:
        call.set_exception(error)


async def _awaited(result: object) -> None:
    if isawaitable(result):
        await result
