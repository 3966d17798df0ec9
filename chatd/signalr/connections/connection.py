"""One client of a hub, whatever transport carries it.

A connection turns inbound bytes into hub messages for its hub and collects outbound
messages for its pipe. It lives from negotiate (or a WebSocket without one) until it
*ends*: logically at once, in `_end`, while the last bytes may still be on their way; it
is *released* when its pipe is gone too, and only then is its token forgotten.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import msgspec

from chatd.signalr.connections.deadlines import Deadline, Deadlines
from chatd.signalr.connections.inbound import TURN_BYTES, Inbound
from chatd.signalr.connections.outbound import Outbound
from chatd.signalr.connections.results import ConnectionEnded, Results
from chatd.signalr.connections.sides import Owner, Pipe, State
from chatd.signalr.prepared import FORMS
from chatd.signalr.requests import Handshake, Identity
from chatd_protocol.signalr.errors import RemoteProtocolError
from chatd_protocol.signalr.handshake import HandshakeResponse, encode_handshake
from chatd_protocol.signalr.messages import (
    Close,
    Completion,
    HubMessage,
    Oversized,
    Ping,
)

LABEL_CHARS: Final = 8

PING: Final = Ping()
ResultT = TypeVar("ResultT")


class Connection(Outbound):
    """One client. `items` is the hub's own per-connection state."""

    __slots__ = (
        "__weakref__",
        "_last_words",
        "_owner",
        "_reading_soon",
        "_results",
        "_state",
        "began_s",
        "deadlines",
        "due_tick",
        "error",
        "groups",
        "handshake",
        "id",
        "identity",
        "inbound",
        "items",
        "token",
    )

    def __init__(
        self,
        owner: "Owner[Connection]",
        *,
        connection_id: str,
        token: str,
        identity: Identity,
        handshake: Handshake,
    ) -> None:
        super().__init__(owner.limits, owner.flusher)
        self.id = connection_id
        self.token = token
        self.identity = identity
        self.handshake = handshake
        self.items: dict[str, object] = {}
        self.groups: set[str] = set()
        self.error: Exception | None = None
        self.began_s = owner.wheel.now()
        """When it got its transport, or was negotiated, by the monotonic clock."""
        self.due_tick = -1
        self.deadlines = Deadlines(self, owner.wheel, owner.limits)
        self._owner = owner
        self._state = State.NEGOTIATED
        self.inbound = Inbound(owner.limits)
        self._results: Results | None = None
        self._reading_soon = False
        self._last_words: tuple[str | None, bool] = (None, False)

    # ------------------------------------------------------------ for the hub

    @property
    def label(self) -> str:
        """What the log calls it: enough of its id to find it by, not enough to use.

        To clients of negotiate's version 0 the whole id is the secret; 80 of its 128
        bits stay one.
        """
        return self.id[:LABEL_CHARS]

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
    def closed(self) -> bool:
        """Whether it has ended; sending to it does nothing."""
        return self._state is State.ENDED

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
            self._results = Results(self._limits.client_results)
        result = await self._results.call(self, target, arguments, timeout_s)
        return msgspec.convert(result, result_type)

    def answered(self, message: Completion) -> bool:
        """Whether a completion answers one of our calls; if so it is delivered."""
        return self._results is not None and self._results.answered(message)

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
        self._last_words = (error, allow_reconnect)
        self.deadlines.expire(monotonic_s)

    # ------------------------------------------------------- for the transports

    @property
    def pipe(self) -> Pipe | None:
        """The transport, once there is one."""
        return self._pipe

    def attach(self, pipe: Pipe) -> None:
        """Start on this transport. Happens once."""
        self._pipe = pipe
        self._state = State.HANDSHAKE
        self.began_s = self._owner.wheel.now()
        self.deadlines.attached()
        self._take_handshake()

    def receive(self, data: bytes) -> None:
        """Bytes from the client, cut anywhere."""
        self.deadlines.heard()
        if self._state is State.ENDED:
            return
        try:
            self.inbound.feed(data)
        except RemoteProtocolError as error:
            self._refuse(error)
            return
        if self._state is State.HANDSHAKE:
            self._take_handshake()
        else:
            self.read_on()

    def blocked(self) -> None:
        """The transport can take no more for now."""
        if self._state is not State.ENDED:
            self.deadlines.blocked()

    def unblocked(self) -> None:
        """It can take more again."""
        self.deadlines.unblocked()
        self.flush()

    def gone(self, error: Exception | None) -> None:
        """The client has said good-bye; the transport is about to go."""
        self._end(error)

    def lost(self, error: Exception | None) -> None:
        """The transport is gone: for good, or because of `error`."""
        self._end(error)
        if self._pipe is not None:
            self._pipe.resume_reading()  # or a POST would wait for ever to be taken
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
        if self._state is not State.OPEN:
            return
        assert self._pipe is not None
        taken = 0
        try:
            while taken < TURN_BYTES:
                if not self._owner.has_room(self):
                    self._pipe.pause_reading()
                    return
                message = self.inbound.next()
                if message is None:
                    self._pipe.resume_reading()
                    return
                self._take(message)
                if self.closed:
                    return
                taken += self.inbound.message_cost
        except RemoteProtocolError as error:
            self.fail(error)
            return
        self._pipe.pause_reading()
        if not self._reading_soon:
            self._reading_soon = True
            asyncio.get_running_loop().call_soon(self._read_later)

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
            self.deadlines.heard_ping()
        elif isinstance(message, Close):
            error = None if message.error is None else ConnectionEnded(message.error)
            self._end(error)
            assert self._pipe is not None
            self._pipe.close()
        else:
            self._owner.message(self, message)

    def _take_handshake(self) -> None:
        pipe = self._pipe
        assert pipe is not None
        try:
            codec = self.inbound.take_handshake(text_only=pipe.text_only)
        except RemoteProtocolError as error:
            self._refuse(error)
            return
        if codec is None:
            return
        self._form = FORMS[codec.name, pipe.framed]
        self._state = State.CONNECTING
        self.deadlines.handshaken()
        answer = encode_handshake(HandshakeResponse())
        pipe.write_handshake(answer, binary=codec.binary)
        self._owner.handshaken(self)

    def _refuse(self, error: Exception) -> None:
        """End a connection that has no handshake, and say why if that is possible."""
        if self._pipe is None:
            self.lost(error)
            return
        answer = encode_handshake(HandshakeResponse(str(error)))
        self._pipe.write_handshake(answer, binary=False)
        self._end(error)
        self._pipe.close()

    def too_slow(self) -> None:
        """What waits for the client is too much, or has waited too long."""
        self._drop_pending()
        slow = "the client is slower than what it is sent"
        self._close(None, True, ConnectionEnded(slow, "slow_consumer"))

    def _close(
        self, error: str | None, allow_reconnect: bool, reason: Exception | None
    ) -> None:
        if self._state is State.ENDED:
            return
        if (pipe := self._pipe) is None:
            self.lost(reason)
            return
        last_words = self._stop_sending(Close(error, allow_reconnect))
        self._end(reason)
        if last_words:
            pipe.write(last_words)
        pipe.close()

    def _end(self, error: Exception | None) -> None:
        if self._state is State.ENDED:
            return
        self._state = State.ENDED
        self.error = error
        self._stop_sending(None)
        self.inbound.end()
        if self._results is not None:
            self._results.end()
        self.deadlines.ended()
        self._owner.ended(self, error)

    # --------------------------------------------------------------------- time

    def on_timer(self, now_s: float) -> None:
        """Do what is due and ask to be called for what comes next."""
        if self._state is State.ENDED:
            if self._pipe is not None:
                self._pipe.abort()
            self._owner.released(self)
            return
        for deadline, at_s in self._running():
            if at_s <= now_s:
                MISSED[deadline](self)
            if self.closed:
                return
        next_s = min(at_s for _, at_s in self._running())
        self._owner.wheel.schedule_earlier(self, next_s - now_s)

    def _running(self) -> list[tuple[Deadline, float]]:
        calling, pending = self._owner.is_calling(self), bool(self._pending)
        return list(self.deadlines.running(calling=calling, pending=pending))

    def on_expiry(self) -> None:
        """It may not last longer."""
        error, allow_reconnect = self._last_words
        self.close(error, allow_reconnect=allow_reconnect)

    def on_absence(self) -> None:
        """No transport came, or no next poll."""
        self.lost(ConnectionEnded("the client did not come back", "away"))

    def on_no_handshake(self) -> None:
        """A transport came, and nothing through it."""
        self._refuse(RemoteProtocolError("Handshake was canceled."))

    def on_ping(self) -> None:
        """The client wants to hear from us."""
        self.deadlines.pinged()
        if not self._pending:
            self.send_message(PING)

    def on_stall(self) -> None:
        """What is pending had its time, and there is none for last words."""
        self.too_slow()
        self._owner.wheel.schedule(self, 0.0)

    def on_silence(self) -> None:
        """We want to hear from the client."""
        silence = ConnectionEnded("the client has not been heard of", "silent")
        self._close(None, allow_reconnect=True, reason=silence)


MISSED: Final[Mapping[Deadline, Callable[[Connection], None]]] = {
    Deadline.EXPIRY: Connection.on_expiry,
    Deadline.ABSENCE: Connection.on_absence,
    Deadline.HANDSHAKE: Connection.on_no_handshake,
    Deadline.PING: Connection.on_ping,
    Deadline.SILENCE: Connection.on_silence,
    Deadline.STALL: Connection.on_stall,
}
