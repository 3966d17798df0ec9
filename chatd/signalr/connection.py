"""One client of a hub, whatever transport carries it.

A connection turns inbound bytes into hub messages for its hub and collects outbound
messages for its pipe. It lives from negotiate (or a WebSocket without one) until it
*ends*: logically at once, in `_end`, while the last bytes may still be on their way; it
is *released* when its pipe is gone too, and only then is its token forgotten.

Longer than the house allows: it is one state machine on the hottest path, whose parts
(reading, writing, time, the end) all turn on the same few fields, and a thousand idle
connections should be a thousand objects and not four thousand.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Final, Protocol, TypeVar

import msgspec

from chatd.signalr.prepared import FORMS, Form, Prepared
from chatd.signalr.requests import Handshake, HubLimits, Identity
from chatd.signalr.ticks import Flusher, Wheel
from chatd_protocol.signalr.codec import Decoder
from chatd_protocol.signalr.errors import RemoteProtocolError
from chatd_protocol.signalr.handshake import (
    HandshakeResponse,
    choose_codec,
    encode_handshake,
    take_handshake,
)
from chatd_protocol.signalr.messages import (
    NO_RESULT,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Oversized,
    Ping,
)

MESSAGES_PER_TURN: Final = 256
"""Of one connection; the rest of what it sent waits for the next turn of the loop."""

FLUSH_AT_BYTES: Final = 128 * 1024
"""A burst within one turn is written early rather than taken for a slow consumer."""

DRAINED_BYTES: Final = 64 * 1024
"""Streams wait until less than this is pending."""

PING: Final = Ping()
ResultT = TypeVar("ResultT")


class State(IntEnum):
    """The life of a connection, in order; a comparison asks how far it has come."""

    NEGOTIATED = 0
    """Has a token and no transport."""
    HANDSHAKE = 1
    CONNECTING = 2
    """The connect hook runs: sending works, what arrives waits."""
    OPEN = 3
    ENDED = 4


class Pipe(Protocol):
    """One transport of one connection. Bytes that arrive go to `Connection.receive`."""

    @property
    def transport(self) -> str:
        """Its name in negotiate."""

    @property
    def framed(self) -> bool:
        """Whether it wants WebSocket frames instead of bare hub messages."""

    @property
    def text_only(self) -> bool:
        """Whether it cannot carry binary data."""

    @property
    def close_code(self) -> int | None:
        """With which WebSocket code it ended; None where there are no codes."""

    @property
    def writable(self) -> bool:
        """False while the client is slower than we are; `Connection.flush` waits."""

    def write(self, data: bytes) -> None:
        """Send whole hub messages, also when not writable: it is the last word then."""

    def write_handshake(self, data: bytes, *, binary: bool) -> None:
        """Send the handshake response, which no form applies to."""

    def close(self) -> None:
        """End in good order after what was written."""

    def abort(self) -> None:
        """End now."""

    def pause_reading(self) -> None:
        """Let the client wait with what it has to say."""

    def resume_reading(self) -> None:
        """Go on."""


class Owner(Protocol):
    """What a connection needs of the hub it belongs to."""

    limits: HubLimits
    detailed_errors: bool
    wheel: Wheel
    flusher: Flusher

    def handshaken(self, connection: "Connection") -> None:
        """The client can be spoken to: run the connect hook, then `start_reading`."""

    def message(
        self, connection: "Connection", message: HubMessage | Oversized
    ) -> None:
        """A message for the hub's methods."""

    def has_room(self, connection: "Connection") -> bool:
        """Whether more calls may be read; when not, call `read_on` later."""

    def is_calling(self, connection: "Connection") -> bool:
        """Whether a method runs, which pauses the client's timeout."""

    def ended(self, connection: "Connection", error: Exception | None) -> None:
        """Nothing will arrive or be sent any more."""

    def released(self, connection: "Connection") -> None:
        """The pipe is gone: forget the token."""


class ConnectionEnded(ConnectionError):
    """The connection is over; whoever waited for the client waits in vain.

    `reason` is one of a few words by which endings can be counted.
    """

    def __init__(self, text: str, reason: str = "lost") -> None:
        super().__init__(text)
        self.reason = reason


class ClientError(Exception):
    """The client answered a call of its method with this error text."""


class Connection:
    """One client. `items` is the hub's own per-connection state."""

    __slots__ = (
        "__weakref__",
        "_armed",
        "_away_s",
        "_began_s",
        "_blocked_s",
        "_decoder",
        "_drain_waiters",
        "_early",
        "_expiry",
        "_form",
        "_heard_s",
        "_owner",
        "_pending",
        "_pending_bytes",
        "_pinged_s",
        "_pipe",
        "_reading_soon",
        "_result_ids",
        "_results",
        "_state",
        "due_tick",
        "error",
        "groups",
        "handshake",
        "id",
        "identity",
        "items",
        "token",
    )

    def __init__(
        self,
        owner: Owner,
        *,
        connection_id: str,
        token: str,
        identity: Identity,
        handshake: Handshake,
    ) -> None:
        self.id = connection_id
        self.token = token
        self.identity = identity
        self.handshake = handshake
        self.items: dict[str, object] = {}
        self.groups: set[str] = set()
        self.error: Exception | None = None
        self.due_tick = -1
        self._owner = owner
        self._state = State.NEGOTIATED
        self._pipe: Pipe | None = None
        self._form: Form | None = None
        self._decoder: Decoder | None = None
        self._early = bytearray()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._drain_waiters: deque[asyncio.Future[None]] | None = None
        self._results: dict[str, asyncio.Future[object]] | None = None
        self._result_ids = 0
        self._armed = False
        self._reading_soon = False
        self._blocked_s: float | None = None
        self._expiry: tuple[float, str | None, bool] | None = None
        self._began_s = self._heard_s = self._pinged_s = owner.wheel.now()
        self._away_s: float | None = self._began_s
        owner.wheel.schedule(self, owner.limits.idle_s)

    # ------------------------------------------------------------ for the hub

    @property
    def user_id(self) -> str:
        """The user this connection belongs to."""
        return self.identity.user_id

    @property
    def transport(self) -> str | None:
        """`WebSockets`, `ServerSentEvents`, `LongPolling`, or None before one."""
        return None if self._pipe is None else self._pipe.transport

    @property
    def state(self) -> State:
        """How far it has come."""
        return self._state

    @property
    def began_s(self) -> float:
        """When it got its transport, or was negotiated, by the monotonic clock."""
        return self._began_s

    @property
    def closed(self) -> bool:
        """Whether it has ended; sending to it does nothing."""
        return self._state is State.ENDED

    @property
    def pending_bytes(self) -> int:
        """Bytes that wait here because the client is slower than we are."""
        return self._pending_bytes

    def send(self, target: str, *arguments: object) -> None:
        """Call the client's method `target`, without an answer. Never waits."""
        self.send_prepared(Prepared(target, *arguments))

    def send_prepared(self, message: Prepared) -> None:
        """`send`, for a message with many receivers."""
        form = self._form
        if form is None:
            return
        data = message.by_form.get(form) or message.encode(form)
        pending = self._pending
        if not pending:
            self._owner.flusher.add(self)
        pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes > FLUSH_AT_BYTES:
            self._relieve()

    def send_message(self, message: HubMessage) -> None:
        """Any hub message, in order with the others.

        Raises:
            LocalProtocolError: the encoding cannot carry it.
        """
        if self._form is None:
            return
        data = self._form.encode(message)
        if not self._pending:
            self._owner.flusher.add(self)
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes > FLUSH_AT_BYTES:
            self._relieve()

    async def drained(self) -> None:
        """Wait until the client has taken most of what was sent.

        For producers that can wait (streams); everything else is bounded by
        `outbound_bytes` and `outbound_s`. Returns at once when the connection ends.
        """
        while self._pending_bytes > DRAINED_BYTES and not self.closed:
            waiter = asyncio.get_running_loop().create_future()
            if self._drain_waiters is None:
                self._drain_waiters = deque()
            self._drain_waiters.append(waiter)
            await waiter

    async def invoke(
        self,
        target: str,
        *arguments: object,
        result_type: type[ResultT],
        timeout_s: float,
    ) -> ResultT:
        """Call the client's method `target` and return its answer.

        Some clients never answer, hence the timeout. Not possible inside the connect
        hook, because nothing is read before it returns.

        Raises:
            TimeoutError: no answer in `timeout_s` seconds.
            ClientError: the client's method failed.
            ConnectionEnded: the connection ended first.
            msgspec.ValidationError: the answer is not a `result_type`.
            RuntimeError: called in the connect hook, or too many calls are open.
        """
        if self._state is State.ENDED:
            raise ConnectionEnded("the connection has ended")
        if self._state is not State.OPEN:
            raise RuntimeError("the client cannot answer before the connect hook ends")
        if self._results is None:
            self._results = {}
        if len(self._results) >= self._owner.limits.client_results:
            raise RuntimeError("too many calls wait for this client's answer")
        self._result_ids += 1
        call_id = f"s{self._result_ids}"
        waiter: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._results[call_id] = waiter
        try:
            self.send_message(Invocation(target, list(arguments), call_id))
            async with asyncio.timeout(timeout_s):
                result = await waiter
        finally:
            del self._results[call_id]
        return msgspec.convert(result, result_type)

    def answered(self, message: Completion) -> bool:
        """Whether a completion answers one of our calls; if so it is delivered."""
        waiter = self._results and self._results.get(message.invocation_id)
        if not waiter:
            return False
        if waiter.done():
            return True
        if message.error is not None:
            waiter.set_exception(ClientError(message.error))
        else:
            waiter.set_result(None if message.result is NO_RESULT else message.result)
        return True

    def close(self, error: str | None = None, *, allow_reconnect: bool = False) -> None:
        """End the connection after what was sent.

        With `allow_reconnect` clients that can will come back by themselves; without,
        they stop. Pending calls are dropped and get no completion.
        """
        self._close(error, allow_reconnect, reason=None)

    def set_expiry(
        self,
        monotonic_s: float | None,
        error: str | None = None,
        *,
        allow_reconnect: bool = False,
    ) -> None:
        """Close with `error` at this time of the monotonic clock; None for never."""
        if monotonic_s is None:
            self._expiry = None
            return
        self._expiry = (monotonic_s, error, allow_reconnect)
        wheel = self._owner.wheel
        wheel.schedule_earlier(self, max(0.0, monotonic_s - wheel.now()))

    # ------------------------------------------------------- for the transports

    @property
    def pipe(self) -> Pipe | None:
        """The transport, once there is one."""
        return self._pipe

    def attach(self, pipe: Pipe) -> None:
        """Start on this transport. Happens once."""
        self._pipe = pipe
        self._state = State.HANDSHAKE
        self._began_s = self._owner.wheel.now()
        self._away_s = None
        self._owner.wheel.schedule(self, self._owner.limits.handshake_s)
        if self._early:
            self._take_handshake()

    def receive(self, data: bytes) -> None:
        """Bytes from the client, cut anywhere."""
        self._heard_s = self._owner.wheel.now()
        if self._state in (State.NEGOTIATED, State.HANDSHAKE):
            self._early += data
            if self._state is State.HANDSHAKE:
                self._take_handshake()
            elif len(self._early) > self._owner.limits.body_bytes:
                self.lost(RemoteProtocolError("Too much before the transport."))
        elif self._decoder is not None and self._state is not State.ENDED:
            self._decoder.feed(data)
            self.read_on()

    def flush(self) -> None:
        """Write what is pending, if the transport can take it."""
        pending, pipe = self._pending, self._pipe
        if not pending or pipe is None or not pipe.writable:
            return
        data = pending[0] if len(pending) == 1 else b"".join(pending)
        pending.clear()
        self._pending_bytes = 0
        pipe.write(data)
        if self._drain_waiters:
            self._wake_drained()

    def blocked(self) -> None:
        """The transport can take no more for now."""
        if self._blocked_s is None and self._state is not State.ENDED:
            wheel = self._owner.wheel
            self._blocked_s = wheel.now()
            wheel.schedule_earlier(self, self._owner.limits.outbound_s)

    def unblocked(self) -> None:
        """It can take more again."""
        self._blocked_s = None
        self.flush()

    def left(self) -> None:
        """The client is away (between two polls) and has to come back in time."""
        wheel = self._owner.wheel
        self._away_s = wheel.now()
        wheel.schedule_earlier(self, self._owner.limits.idle_s)

    def returned(self) -> None:
        """The client is there again."""
        self._away_s = None

    def gone(self, error: Exception | None) -> None:
        """The client has said good-bye; the transport is about to go."""
        self._end(error)

    def lost(self, error: Exception | None) -> None:
        """The transport is gone: for good, or because of `error`."""
        self._end(error)
        self._owner.wheel.forget(self)
        self._owner.released(self)

    # -------------------------------------------------------- for the hub's calls

    def start_reading(self) -> None:
        """The connect hook has returned: messages may come."""
        if self._state is State.CONNECTING:
            self._state = State.OPEN
            self.read_on()

    def read_on(self) -> None:
        """Hand over what has arrived, as far as the hub has room for it."""
        if self._state is not State.OPEN or self._decoder is None:
            return
        assert self._pipe is not None
        try:
            for _ in range(MESSAGES_PER_TURN):
                if not self._owner.has_room(self):
                    self._pipe.pause_reading()
                    return
                message = self._decoder.next()
                if message is None:
                    self._pipe.resume_reading()
                    return
                self._take(message)
                if self.closed:
                    return
        except RemoteProtocolError as error:
            self.fail(error)
            return
        self._pipe.pause_reading()
        if not self._reading_soon:
            self._reading_soon = True
            asyncio.get_running_loop().call_soon(self._read_later)

    def heard(self) -> None:
        """Count the client's timeout from now: a method that paused it has ended."""
        self._heard_s = self._owner.wheel.now()

    def fail(self, error: Exception) -> None:
        """End with the text that clients know for everything they did wrong."""
        text = "Connection closed with an error."
        if self._owner.detailed_errors:
            text = f"{text} {type(error).__name__}: {error}"
        self._close(text, allow_reconnect=False, reason=error)

    # ------------------------------------------------------------------- inside

    def _read_later(self) -> None:
        self._reading_soon = False
        self.read_on()

    def _take(self, message: HubMessage | Oversized) -> None:
        if isinstance(message, Ping):
            self._arm()
        elif isinstance(message, Close):
            error = None if message.error is None else ConnectionEnded(message.error)
            self._end(error)
            assert self._pipe is not None
            self._pipe.close()
        else:
            self._owner.message(self, message)

    def _arm(self) -> None:
        """The client pings, so its silence will mean something from now on."""
        if not self._armed:
            self._armed = True
            wheel = self._owner.wheel
            wheel.schedule_earlier(self, self._owner.limits.client_timeout_s)

    def _take_handshake(self) -> None:
        pipe, limits = self._pipe, self._owner.limits
        assert pipe is not None
        try:
            request = take_handshake(self._early, limits.message_bytes)
            if request is None:
                return
            codec = choose_codec(request)
            if codec.binary and pipe.text_only:
                raise RemoteProtocolError(
                    f"The '{codec.name}' protocol needs a transport for binary data."
                )
        except RemoteProtocolError as error:
            self._refuse_handshake(error)
            return
        self._form = FORMS[codec.name, pipe.framed]
        self._decoder = codec.decoder(limits.message_bytes)
        if self._early:
            self._decoder.feed(bytes(self._early))
        self._early = bytearray()
        self._state = State.CONNECTING
        self._pinged_s = self._owner.wheel.now()
        answer = encode_handshake(HandshakeResponse())
        pipe.write_handshake(answer, binary=codec.binary)
        self._owner.wheel.schedule(self, limits.ping_s)
        self._owner.handshaken(self)

    def _refuse_handshake(self, error: Exception) -> None:
        pipe = self._pipe
        assert pipe is not None
        answer = encode_handshake(HandshakeResponse(str(error)))
        pipe.write_handshake(answer, binary=False)
        self._end(error)
        pipe.close()

    def _relieve(self) -> None:
        """Much is pending: write it now, or give up on a client that is too slow."""
        self.flush()
        if self._pending_bytes > self._owner.limits.outbound_bytes:
            self._give_up()

    def _give_up(self) -> None:
        self._pending.clear()
        self._pending_bytes = 0
        self._close(
            None,
            allow_reconnect=True,
            reason=ConnectionEnded(
                "the client is slower than what it is sent", "slow_consumer"
            ),
        )

    def _close(
        self, error: str | None, allow_reconnect: bool, reason: Exception | None
    ) -> None:
        pipe = self._pipe
        if self._state is State.ENDED:
            return
        if pipe is None:
            self.lost(reason)
            return
        if self._form is not None:
            self._pending.append(self._form.encode(Close(error, allow_reconnect)))
            last_words = b"".join(self._pending)
            self._pending.clear()
            self._end(reason)
            pipe.write(last_words)
        else:
            self._end(reason)
        pipe.close()

    def _end(self, error: Exception | None) -> None:
        if self._state is State.ENDED:
            return
        self._state = State.ENDED
        self.error = error
        self._form = None
        self._decoder = None
        self._pending.clear()
        self._pending_bytes = 0
        self._wake_drained()
        for waiter in (self._results or {}).values():
            if not waiter.done():
                waiter.set_exception(ConnectionEnded("the connection has ended"))
        self._owner.wheel.schedule(self, self._owner.limits.close_s)
        self._owner.ended(self, error)

    def _wake_drained(self) -> None:
        waiters, self._drain_waiters = self._drain_waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    # --------------------------------------------------------------------- time

    def on_timer(self, now_s: float) -> None:
        """Do what is due and ask to be called for what comes next."""
        if self._state is State.ENDED:
            if self._pipe is not None:
                self._pipe.abort()
            self._owner.released(self)
            return
        for at_s, act in tuple(self._deadlines()):
            if at_s <= now_s:
                act()
            if self.closed:
                return
        next_s = min(at_s for at_s, _ in self._deadlines())
        self._owner.wheel.schedule_earlier(self, next_s - now_s)

    def _deadlines(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """When something happens to this connection unless something else does."""
        limits = self._owner.limits
        if self._expiry is not None:
            yield self._expiry[0], self._on_expiry
        if self._away_s is not None:
            yield self._away_s + limits.idle_s, self._on_absence
        if self._state is State.HANDSHAKE:
            yield self._began_s + limits.handshake_s, self._on_no_handshake
        if self._state < State.CONNECTING:
            return
        yield self._pinged_s + limits.ping_s, self._on_ping
        if self._armed and not self._owner.is_calling(self):
            yield self._heard_s + limits.client_timeout_s, self._on_silence
        if self._blocked_s is not None and self._pending:
            yield self._blocked_s + limits.outbound_s, self._give_up

    def _on_expiry(self) -> None:
        assert self._expiry is not None
        _, error, allow_reconnect = self._expiry
        self.close(error, allow_reconnect=allow_reconnect)

    def _on_absence(self) -> None:
        self.lost(ConnectionEnded("the client did not come back", "away"))

    def _on_no_handshake(self) -> None:
        self._refuse_handshake(RemoteProtocolError("Handshake was canceled."))

    def _on_ping(self) -> None:
        self._pinged_s = self._owner.wheel.now()
        if not self._pending:
            self.send_message(PING)

    def _on_silence(self) -> None:
        silence = ConnectionEnded("the client has not been heard of", "silent")
        self._close(None, allow_reconnect=True, reason=silence)
