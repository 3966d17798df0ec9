"""The calls of one connection: in order, answered once, with the texts clients know.

Invocations and starts of streams run one after the other; a worker task exists only
while some are waiting. Everything else (pings, upload items, answers, cancellations) is
handled at once, also while a method runs.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Final, TypeAlias

from chatd.signalr.connections.connection import Connection
from chatd.signalr.connections.results import ConnectionEnded
from chatd.signalr.crowds.gate import Gate
from chatd.signalr.hub import Hub, HubException, Method
from chatd.signalr.uploads import Upload
from chatd.telemetry import about, log, spawn
from chatd_protocol.signalr.messages import (
    NO_RESULT,
    CancelInvocation,
    Completion,
    HubMessage,
    Invocation,
    MessageType,
    Oversized,
    StreamInvocation,
    StreamItem,
)

YIELD_EVERY: Final = 32
"""Calls or items after which other connections have a turn, even if nothing waited."""

TRACEPARENT: Final = "traceparent"
"""W3C Trace Context; .NET's SignalR clients send it as a header of each call."""

FREELY: Final = nullcontext()

CALLS: Final = (MessageType.INVOCATION, MessageType.STREAM_INVOCATION)
Call: TypeAlias = Invocation | StreamInvocation


class NotInvoked(Exception):
    """The method was not called; the text says why, in SignalR's own words."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A call that waits for its turn, with the streams that belong to it."""

    message: Call
    method: Method | None
    uploads: tuple[Upload, ...]
    size: int = 0


class Calls:
    """What one client has asked for and has not been answered yet."""

    __slots__ = (
        "_cancelled",
        "_connection",
        "_current",
        "_gate",
        "_hub",
        "_methods",
        "_on_idle",
        "_queue",
        "_queued_bytes",
        "_streams",
        "_tasks",
        "_uploads",
        "_worker",
    )

    def __init__(
        self,
        connection: Connection,
        hub: Hub,
        methods: dict[str, Method],
        tasks: set[asyncio.Task[None]],
        gate: Gate,
        on_idle: Callable[[], object],
    ) -> None:
        self._connection = connection
        self._hub = hub
        self._methods = methods
        self._tasks = tasks
        self._gate = gate
        self._on_idle = on_idle
        self._queue: deque[Queued] = deque()
        self._queued_bytes = 0
        self._worker: asyncio.Task[None] | None = None
        self._current: str | None = None
        self._cancelled: set[str] = set()
        self._streams: dict[str, asyncio.Task[None] | None] = {}
        self._uploads: dict[str, Upload] = {}

    @property
    def has_room(self) -> bool:
        """Whether another call may be taken."""
        limits = self._hub.limits
        return (
            len(self._queue) < limits.invocation_queue
            and self._queued_bytes < limits.invocation_queue_bytes
        )

    @property
    def running(self) -> bool:
        """Whether a method runs or waits to."""
        return self._worker is not None

    def take(self, message: HubMessage | Oversized) -> None:
        """A message of the client; those that no server is sent are ignored."""
        match message:
            case Invocation() | StreamInvocation():
                self._enqueue(message)
            case StreamItem(invocation_id=stream_id, item=item):
                if (upload := self._uploads.get(stream_id)) is not None:
                    upload.push(item)
            case Completion():
                self._complete(message)
            case CancelInvocation(invocation_id=call_id):
                self._cancel(call_id)
            case Oversized():
                self._refuse_oversized(message)
            case _:
                pass

    def end(self) -> None:
        """The connection has ended: waiting calls are dropped, streams stop.

        A method that runs goes on to its end, because what it does may be half done.
        """
        self._queue.clear()
        self._queued_bytes = 0
        for task in tuple(self._streams.values()):
            _cancel_once(task)
        for upload in self._uploads.values():
            upload.end(ConnectionEnded("the connection has ended"))
        self._uploads.clear()

    # ------------------------------------------------------------------ arrivals

    def _enqueue(self, message: Call) -> None:
        method = self._methods.get(message.target.lower())
        if isinstance(message, StreamInvocation):
            call_id, limits = message.invocation_id, self._hub.limits
            if call_id in self._streams:
                self._fail(call_id, f"Invocation ID '{call_id}' is already in use.")
                return
            if len(self._streams) >= limits.streams:
                self._fail(call_id, f"More than {limits.streams} streams are open.")
                return
            self._streams[call_id] = None
        uploads = self._open_uploads(message, method)
        size = self._connection.inbound.message_bytes
        self._queue.append(Queued(message, method, uploads, size))
        self._queued_bytes += size
        if self._worker is None:
            self._worker = spawn(self._tasks, self._work(), "signalr calls")

    def _open_uploads(self, message: Call, method: Method | None) -> tuple[Upload, ...]:
        """Streams are open from now on, as their items may come before their turn."""
        ids, limits = message.stream_ids, self._hub.limits
        if method is None or len(ids) != method.uploads or len(set(ids)) != len(ids):
            return ()
        if len(self._uploads) + len(ids) > limits.uploads:
            return ()
        if any(stream_id in self._uploads for stream_id in ids):
            return ()
        opened = {stream_id: Upload(limits.upload_items) for stream_id in ids}
        self._uploads.update(opened)
        return tuple(opened.values())

    def _complete(self, message: Completion) -> None:
        if self._connection.answered(message):
            return
        upload = self._uploads.pop(message.invocation_id, None)
        if upload is not None:
            text = message.error
            upload.end(None if text is None else HubException(text))

    def _cancel(self, call_id: str) -> None:
        task = self._streams.get(call_id)
        if task is not None:
            _cancel_once(task)
        elif call_id == self._current:
            self._cancelled.add(call_id)
            _cancel_once(self._worker)
        elif any(queued.message.invocation_id == call_id for queued in self._queue):
            self._cancelled.add(call_id)

    def _refuse_oversized(self, message: Oversized) -> None:
        limit = self._hub.limits.message_bytes
        text = f"The message of {message.size} bytes is over the limit of {limit}."
        if message.invocation_id is None or message.type not in CALLS:
            self._connection.fail(HubException(text))
        else:
            self._fail(message.invocation_id, text)

    # -------------------------------------------------------------------- turns

    async def _work(self) -> None:
        done = 0
        try:
            while self._queue:
                was_full = not self.has_room
                queued = self._queue.popleft()
                self._queued_bytes -= queued.size
                self._current = queued.message.invocation_id
                trace = self._traceparent(queued.message)
                try:
                    with about(trace, connection=self._connection.label):
                        await self._run(queued)
                except asyncio.CancelledError:
                    if not self._cancelled_by_client():
                        raise
                    self._fail(self._current, self._generic(queued.message.target))
                else:
                    self._cancelled_by_client()  # and went on to its end all the same
                self._current = None
                done += 1
                if done % YIELD_EVERY == 0:
                    await asyncio.sleep(0)
                if was_full:
                    self._connection.read_on()
        finally:
            self._worker = None
            self._connection.deadlines.heard()
            self._rest()

    def _traceparent(self, message: Call) -> str | None:
        """A call's own trace, else its connection's."""
        own = (message.headers or {}).get(TRACEPARENT)
        return own or self._connection.handshake.headers.get(TRACEPARENT)

    def _cancelled_by_client(self) -> bool:
        """Whether the cancellation was for the current call and not for the worker."""
        task = asyncio.current_task()
        if self._current not in self._cancelled or task is None or task.uncancel():
            return False
        self._cancelled.discard(self._current)
        return True

    async def _run(self, queued: Queued) -> None:
        message = queued.message
        call_id, target = message.invocation_id, message.target
        started = False
        try:
            if call_id is not None and call_id in self._cancelled:
                self._cancelled.discard(call_id)
                self._cancelled_in_queue(message)
                return
            method, arguments = self._bind(queued)
            if isinstance(message, StreamInvocation):
                made = method.call(self._connection, *arguments, *queued.uploads)
                assert isinstance(made, AsyncIterator)
                work = self._stream(queued, made)
                self._streams[message.invocation_id] = spawn(
                    self._tasks, work, "signalr stream"
                )
                started = True
                return
            async with self._turn(method):
                made = method.call(self._connection, *arguments, *queued.uploads)
                assert isinstance(made, Awaitable)
                result = await made
            self._answer(call_id, result)
        except NotInvoked as refusal:
            self._fail(call_id, str(refusal))
        except Exception as error:  # noqa: BLE001 - one call fails, nothing else
            self._fail(call_id, self._text(error, target, self._generic(target)))
        finally:
            if not started:
                self._streams.pop(call_id or "", None)
                self._close_uploads(queued)

    def _turn(self, method: Method) -> AbstractAsyncContextManager[None]:
        if not method.catches_up:
            return FREELY
        return self._gate.go_on(owed=False)

    def _cancelled_in_queue(self, message: Call) -> None:
        """A stream ends well wherever it is cancelled; of a call nothing is known."""
        call_id = message.invocation_id
        if isinstance(message, StreamInvocation):
            self._answer(call_id, None)
        else:
            self._fail(call_id, self._generic(message.target))

    def _bind(self, queued: Queued) -> tuple[Method, list[object]]:
        """The method of a call and its arguments, or why it cannot be called."""
        message, method = queued.message, queued.method
        target, streaming = message.target, isinstance(message, StreamInvocation)
        failed = f"Failed to invoke '{target}' due to an error on the server."
        if method is None:
            raise NotInvoked(f"{failed} HubException: Method does not exist.")
        if method.authorize is not None and not method.authorize(self._connection):
            raise NotInvoked(
                f"Failed to invoke '{target}' because user is unauthorized"
            )
        if method.streaming != streaming:
            plain, asked = ("non-streaming", "streaming")[:: 1 if streaming else -1]
            raise NotInvoked(
                f"The client attempted to invoke the {plain} '{target}' method with a "
                f"{asked} invocation."
            )
        given, wanted = len(message.stream_ids), method.uploads
        if len(queued.uploads) != wanted or given != wanted:
            raise NotInvoked(
                f"{self._generic(target)} HubException: Client sent {given} stream(s), "
                f"Hub method expects {wanted}."
            )
        try:
            return method, method.bind(message.arguments)
        except (ValueError, TypeError) as error:
            detail = f" {type(error).__name__}: {error}"
            raise NotInvoked(
                failed + (detail if self._hub.detailed_errors else "")
            ) from error

    async def _stream(self, queued: Queued, items: AsyncIterator[object]) -> None:
        message, connection = queued.message, self._connection
        assert isinstance(message, StreamInvocation)
        stream_id = message.invocation_id
        error: str | None = None
        try:
            count = 0
            async for item in items:
                connection.send_message(StreamItem(stream_id, item))
                count += 1
                if count % YIELD_EVERY == 0:
                    await asyncio.sleep(0)
                await connection.drained()
        except asyncio.CancelledError:
            # By the client or with the connection: either way a good end.
            with suppress(Exception):
                await _close(items)
        except Exception as failure:  # noqa: BLE001 - one stream fails, nothing else
            plain = "An error occurred on the server while streaming results."
            error = self._text(failure, message.target, plain)
        del self._streams[stream_id]
        self._close_uploads(queued)
        connection.send_message(Completion(stream_id, error=error))
        self._rest()

    # ------------------------------------------------------------------- answers

    def _answer(self, call_id: str | None, result: object) -> None:
        if call_id is None:
            return
        self._connection.send_message(
            Completion(call_id, NO_RESULT if result is None else result)
        )

    def _fail(self, call_id: str | None, text: str) -> None:
        if call_id is not None:
            self._connection.send_message(Completion(call_id, error=text))

    def _generic(self, target: str) -> str:
        return f"An unexpected error occurred invoking '{target}' on the server."

    def _text(self, error: Exception, target: str, plain: str) -> str:
        """The completion's error: the hub's own text, else SignalR's."""
        text = self._hub.completion_error(error, self._connection, target)
        if text is not None:
            return text
        if not isinstance(error, HubException):
            log.error("hub method failed", target=target, exc_info=error)
            if not self._hub.detailed_errors:
                return plain
        return f"{plain} {type(error).__name__}: {error}"

    def _rest(self) -> None:
        """Nothing is asked for any more: forget that anything ever was."""
        if self._worker is None and not self._streams:
            self._on_idle()

    def _close_uploads(self, queued: Queued) -> None:
        """The call is over: whatever still arrives for its streams is ignored."""
        if queued.uploads:
            for stream_id in queued.message.stream_ids:
                if (upload := self._uploads.pop(stream_id, None)) is not None:
                    upload.end()


def _cancel_once(task: asyncio.Task[None] | None) -> None:
    """A second time would break off what the task does to end well."""
    if task is not None and not task.cancelling():
        task.cancel()


async def _close(items: AsyncIterator[object]) -> None:
    close = getattr(items, "aclose", None)
    if close is not None:
        await close()
