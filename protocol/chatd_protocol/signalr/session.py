"""One connection's conversation, from the handshake to the last message.

A `Session` turns bytes into events and messages into bytes, for either role. What may
be said when is the table `TRANSITIONS`, keyed by who speaks, the state and the kind of
message: a row that is missing is a protocol error, local or remote by who spoke. Time
is not its business: pings, timeouts and reconnects belong to those who have a clock.

    START -- request --> ASKED -- response --> OPEN -- close --> CLOSED
                           `------ refusal -----------------------^
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, TypeAlias

from chatd_protocol.signalr.codec import Codec
from chatd_protocol.signalr.decoding import Decoder
from chatd_protocol.signalr.errors import LocalProtocolError, RemoteProtocolError
from chatd_protocol.signalr.handshake import (
    HandshakeRequest,
    HandshakeResponse,
    choose_codec,
    encode_handshake,
    take_handshake,
    take_response,
)
from chatd_protocol.signalr.messages import (
    Ack,
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Oversized,
    Ping,
    Sequence,
    StreamInvocation,
    StreamItem,
)

OPEN_IDS_MAX: Final = 1024
"""Calls and streams that may be open at once in one direction."""


class Role(Enum):
    """The two ends of a connection."""

    CLIENT = "client"
    SERVER = "server"


class State(Enum):
    """How far a connection has come."""

    START = "start"
    ASKED = "asked"
    OPEN = "open"
    CLOSED = "closed"


class _Refusal:
    """The kind of a handshake response that carries an error."""


Event: TypeAlias = HandshakeRequest | HandshakeResponse | HubMessage | Oversized

_BOTH: Final = (Invocation, StreamItem, Completion, Ping, Ack, Sequence)
_CLIENT_ONLY: Final = (StreamInvocation, CancelInvocation)

TRANSITIONS: Final[Mapping[tuple[Role, State, type], State]] = MappingProxyType(
    {
        (Role.CLIENT, State.START, HandshakeRequest): State.ASKED,
        (Role.SERVER, State.ASKED, HandshakeResponse): State.OPEN,
        (Role.SERVER, State.ASKED, _Refusal): State.CLOSED,
        **{(role, State.OPEN, kind): State.OPEN for role in Role for kind in _BOTH},
        **{(Role.CLIENT, State.OPEN, kind): State.OPEN for kind in _CLIENT_ONLY},
        **{(role, State.OPEN, Close): State.CLOSED for role in Role},
    }
)
"""(who speaks, state, what is said) to the next state; nothing else is allowed."""


class Session:
    """One end of one connection."""

    def __init__(
        self, role: Role, limit_bytes: int, codec: Codec | None = None
    ) -> None:
        """A session in state START.

        A client brings the codec that it will ask for; a server learns it from the
        request. `limit_bytes` bounds one inbound message, its framing included.
        """
        if (role is Role.CLIENT) is (codec is None):
            raise LocalProtocolError("A codec is the client's choice, and its alone.")
        self.role = role
        self.state = State.START
        self._peer = Role.SERVER if role is Role.CLIENT else Role.CLIENT
        self._codec = codec
        self._limit = limit_bytes
        self._early = bytearray()  # bytes that came before the decoder was there
        self._decoder: Decoder | None = None
        self._awaited: set[str] = set()  # our calls that are owed a completion
        self._uploads: set[str] = set()  # streams that the peer announced in a call

    @property
    def codec(self) -> Codec:
        """The codec of this connection.

        Raises LocalProtocolError on a server that has not read the request yet.
        """
        if self._codec is None:
            raise LocalProtocolError("The handshake has not chosen a codec yet.")
        return self._codec

    def send(self, message: HandshakeRequest | HandshakeResponse | HubMessage) -> bytes:
        """The bytes of `message`, which counts as sent.

        Raises LocalProtocolError when this role may not send it now, and when a call
        reuses an id that is still open.
        """
        state = TRANSITIONS.get((self.role, self.state, _kind(message)))
        if state is None:
            raise LocalProtocolError(_not_allowed(self.role, self.state, message))
        if isinstance(message, HandshakeRequest | HandshakeResponse):
            data = encode_handshake(message)
        else:
            self._note_sent(message)
            data = self.codec.encode(message)
        self._enter(state)
        return data

    def forget(self, invocation_id: str) -> None:
        """Nobody waits for this call's completion any more; if it comes it is dropped.

        The peer is not told: the protocol has no word for it but for streams.
        """
        self._awaited.discard(invocation_id)

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take bytes in; iterate over what they hold.

        After a server accepted the handshake, `feed(b"")` yields what came behind the
        request. Completions and items of unknown ids are dropped, as the protocol asks,
        and so is everything after the end.

        Raises RemoteProtocolError, while iterating and after the good messages, when
        the peer broke the protocol; the session is then CLOSED. A server whose peer
        failed at the handshake is ASKED instead, so that it can say why in a refusal.
        """
        if self.state is State.CLOSED:
            return iter(())
        if self._decoder is None:
            self._early += data
        else:
            self._decoder.feed(data)
        return self._events()

    def _events(self) -> Iterator[Event]:
        try:
            while (event := self._next_event()) is not None:
                if self._note_received(event):
                    yield event
        except RemoteProtocolError:
            at_the_door = self.role is Role.SERVER and self.state is State.START
            self._enter(State.ASKED if at_the_door else State.CLOSED)
            self._early.clear()
            raise

    def _next_event(self) -> Event | None:
        if self._decoder is not None:
            return self._decoder.next()
        if self.state is State.CLOSED:
            return None
        if self.role is Role.CLIENT:
            return take_response(self._early, self._limit)
        if self.state is State.START:
            return take_handshake(self._early, self._limit)
        if len(self._early) > self._limit:
            raise RemoteProtocolError(
                "Too much was sent before the handshake's answer."
            )
        return None

    def _note_received(self, event: Event) -> bool:
        """Advance by what the peer said; False when nobody needs to hear of it."""
        if isinstance(event, Oversized):
            return True
        state = TRANSITIONS.get((self._peer, self.state, _kind(event)))
        if state is None:
            raise RemoteProtocolError(_not_allowed(self._peer, self.state, event))
        if isinstance(event, HandshakeRequest):
            self._codec = choose_codec(event)
        self._enter(state)
        match event:
            case Invocation(stream_ids=ids) | StreamInvocation(stream_ids=ids):
                self._uploads.update(ids)
                if len(self._uploads) > OPEN_IDS_MAX:
                    raise RemoteProtocolError("Too many streams are open.")
            case StreamItem(invocation_id):
                return invocation_id in self._awaited or invocation_id in self._uploads
            case Completion(invocation_id):
                known = (
                    self._awaited if invocation_id in self._awaited else self._uploads
                )
                if invocation_id not in known:
                    return False
                known.discard(invocation_id)
        return True

    def _note_sent(self, message: HubMessage) -> None:
        if isinstance(message, Invocation | StreamInvocation):
            invocation_id = message.invocation_id
            if invocation_id is None:
                return
            if invocation_id in self._awaited:
                raise LocalProtocolError("The invocation id is already in use.")
            if len(self._awaited) >= OPEN_IDS_MAX:
                raise LocalProtocolError("Too many calls are open.")
            self._awaited.add(invocation_id)

    def _enter(self, state: State) -> None:
        self.state = state
        if state is State.OPEN and self._decoder is None:
            self._decoder = self.codec.decoder(self._limit)
            self._decoder.feed(bytes(self._early))
            self._early.clear()
        elif state is State.CLOSED:
            self._decoder = None
            self._early.clear()
            self._awaited.clear()
            self._uploads.clear()


def _kind(message: Event) -> type:
    if isinstance(message, HandshakeResponse) and message.error is not None:
        return _Refusal
    return type(message)


def _not_allowed(role: Role, state: State, message: Event) -> str:
    return (
        f"A {role.value} may not send {_kind(message).__name__} in state {state.value}."
    )
