"""The WebSocket transport: one `asyncio.Protocol`, no task and no queue when idle.

`http/upgrade.py` makes one when a socket was let in. Framing is websockets' sans-I/O
protocol; messages go straight into the connection and prepared frames straight into the
transport. Nothing is compressed, and no WebSocket ping is ever sent: one shipped client
dies of the first.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from chatd.signalr.connections.connection import Connection
from chatd.signalr.connections.inbound import TURN_BYTES
from chatd.signalr.connections.results import ConnectionEnded
from chatd.signalr.prepared import websocket_frame
from chatd.signalr.requests import HubLimits
from chatd.signalr.ticks import Wheel
from chatd_protocol.signalr.negotiate import WEB_SOCKETS

SLICE_BYTES: Final = 8 * 1024
"""One read can hold 40,000 frames. Parsed in slices, hostile ones are seen before they
have cost more than a few milliseconds."""

FRAMES_PER_TURN: Final = 256
"""Of one connection; the rest of what was read waits for the next turn of the loop.
libuv reads up to 32 times in a turn while there is more: 4 MB of the smallest hub
messages held everybody else up for three seconds."""

LINGER_BYTES: Final = 1024 * 1024
"""What a client that broke the rules may still have on its way. A socket that is closed
while unread bytes wait is reset, and the reset would overtake the close code."""

GOOD_CLOSES: Final = (
    CloseCode.NORMAL_CLOSURE,
    CloseCode.GOING_AWAY,
    CloseCode.NO_STATUS_RCVD,
)


class WebSocketPipe(asyncio.Protocol):
    """One open WebSocket. `sockets` holds it for as long as it lives."""

    __slots__ = (
        "_connection",
        "_control_frames",
        "_control_second",
        "_failed",
        "_limits",
        "_lingering",
        "_parts",
        "_parts_text",
        "_protocol",
        "_reading",
        "_sockets",
        "_transport",
        "_unparsed",
        "_wheel",
        "writable",
    )

    transport: Final = WEB_SOCKETS
    framed: Final = True
    text_only: Final = False

    def __init__(
        self,
        transport: asyncio.Transport,
        connection: Connection,
        limits: HubLimits,
        wheel: Wheel,
        sockets: set[asyncio.Protocol],
    ) -> None:
        self.writable = True
        self._transport = transport
        self._connection = connection
        self._limits = limits
        self._wheel = wheel
        self._sockets = sockets
        self._protocol = ServerProtocol(
            state=State.OPEN, max_size=limits.websocket_message_bytes
        )
        self._parts: list[bytes] = []
        self._parts_text = False
        self._reading = True
        self._unparsed = b""
        self._failed = False
        self._lingering = 0
        self._control_frames = 0
        self._control_second = 0
        sockets.add(self)

    # ------------------------------------------------------------ asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Frames, cut anywhere."""
        if self._lingering:
            self._linger(data)
        elif self._unparsed:
            self._unparsed += data
        else:
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        protocol, frames = self._protocol, 0
        for start in range(0, len(data), SLICE_BYTES):
            if frames >= FRAMES_PER_TURN or start >= TURN_BYTES:
                self._parse_later(data[start:])
                return
            protocol.receive_data(
                data if len(data) <= SLICE_BYTES else data[start : start + SLICE_BYTES]
            )
            # A close in the same slice has changed the state already, but what came
            # before it counts.
            events = protocol.events_received()
            frames += len(events)
            for event in events:
                if isinstance(event, Frame) and not self._failed:
                    FRAMES[event.opcode](self, event)
            self._write_answers()
            if protocol.eof_sent:
                self._finish()
                return

    def _parse_later(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._unparsed = data
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._parse_on)

    def _parse_on(self) -> None:
        data, self._unparsed = self._unparsed, b""
        if not self._transport.is_closing():
            self._parse(data)
        if self._reading and not (self._unparsed or self._transport.is_closing()):
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone, with or without a good-bye."""
        self._sockets.discard(self)
        self._parts.clear()
        self._connection.lost(exc or ConnectionEnded("the client left without a close"))

    def pause_writing(self) -> None:
        """The transport's buffer is full. May come from inside `transport.write`."""
        self.writable = False
        self._connection.blocked()

    def resume_writing(self) -> None:
        """It is nearly empty again."""
        self.writable = True
        self._connection.unblocked()

    def shutdown(self) -> None:
        """uvicorn calls this on every socket when it goes down."""
        self._connection.close(allow_reconnect=True)

    # ------------------------------------------------------------------------ Pipe

    @property
    def close_code(self) -> int | None:
        """The client's code, else ours, else 1006 (RFC 6455, 7.1.5)."""
        said = self._protocol.close_rcvd or self._protocol.close_sent
        return CloseCode.ABNORMAL_CLOSURE if said is None else said.code

    def write(self, data: bytes) -> None:
        """Frames that are ready to go."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def write_handshake(self, data: bytes, *, binary: bool) -> None:
        """The handshake response in the kind of frame that its codec uses."""
        self.write(websocket_frame(data, binary=binary))

    def close(self) -> None:
        """WebSocket close 1000; the client answers, or `abort` comes."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._write_answers()
            self.resume_reading()

    def abort(self) -> None:
        """Drop the socket and whatever it still buffers."""
        self._transport.abort()

    def pause_reading(self) -> None:
        """Let TCP hold the client back."""
        if self._reading:
            self._reading = False
            if not self._unparsed:
                self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            if not self._unparsed:
                self._transport.resume_reading()

    # ---------------------------------------------------------------------- frames

    def on_data(self, frame: Frame) -> None:
        """A message or a fragment; hub messages are cut regardless of either."""
        if not frame.data:
            self.on_control(frame)
        if frame.opcode is not Opcode.CONT:
            self._parts_text = frame.opcode is Opcode.TEXT
        if frame.fin and not self._parts:
            self._deliver(bytes(frame.data))
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            parts, self._parts = self._parts, []
            self._deliver(b"".join(parts))
        elif len(self._parts) > self._limits.websocket_fragments:
            self._fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")

    def on_control(self, _frame: Frame) -> None:
        """Pings were answered by the parser already; too many of them are an attack."""
        second = int(self._wheel.now())
        if second != self._control_second:
            self._control_second, self._control_frames = second, 0
        self._control_frames += 1
        if self._control_frames > self._limits.websocket_control_frames_per_second:
            self._fail(CloseCode.POLICY_VIOLATION, "too many control frames")

    def on_close(self, _frame: Frame) -> None:
        """Answered by the parser; `_finish` does what is left."""

    def _deliver(self, data: bytes) -> None:
        if self._parts_text:
            try:
                data.decode()
            except UnicodeDecodeError:
                self._fail(CloseCode.INVALID_DATA, "invalid UTF-8")
                return
        self._connection.receive(data)

    # --------------------------------------------------------------------- endings

    def _fail(self, code: CloseCode, reason: str) -> None:
        self._failed = True
        self._parts.clear()
        if self._protocol.state is State.OPEN:
            self._protocol.fail(code, reason)
        else:
            self._transport.abort()

    def _write_answers(self) -> None:
        # An empty item stands for "shut the TCP connection", which `_finish` does.
        answers = self._protocol.data_to_send()
        if answers:
            self.write(b"".join(answers))

    def _finish(self) -> None:
        """The client has said close, or has broken RFC 6455 and been told so."""
        received = self._protocol.close_rcvd
        if received is not None and received.code in GOOD_CLOSES and not self._failed:
            self._connection.gone(None)
        else:
            told = received or self._protocol.close_sent
            self._connection.gone(ConnectionEnded(f"WebSocket closed: {told}"))
        if self._failed or self._protocol.parser_exc is not None:
            self._lingering = LINGER_BYTES
            self._transport.write_eof()
        else:
            self._transport.close()

    def _linger(self, data: bytes) -> None:
        """Nothing counts any more; `close_s` is how long we listen nevertheless."""
        self._lingering -= len(data)
        if self._lingering <= 0:
            self._transport.abort()


FRAMES: Final[Mapping[Opcode, Callable[[WebSocketPipe, Frame], None]]] = {
    Opcode.TEXT: WebSocketPipe.on_data,
    Opcode.BINARY: WebSocketPipe.on_data,
    Opcode.CONT: WebSocketPipe.on_data,
    Opcode.PING: WebSocketPipe.on_control,
    Opcode.PONG: WebSocketPipe.on_control,
    Opcode.CLOSE: WebSocketPipe.on_close,
}
