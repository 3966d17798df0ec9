"""One connection to Redis: commands out in order, answers back in order, no waiting.

redis-py's connections retry by themselves and hide what was lost, and cost 4 to 10 µs a
message; this one says what happened, and hands a message on in the turn of the loop in
which its bytes came. What is sent in one turn of the loop leaves in one write.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, cast

import hiredis

from chatd.bus.redis.address import Address, Redis
from chatd.clock import Clock

CONNECT_S: Final = 2.0
"""For the connection, the password and the database's number together."""

BACKLOG_BYTES: Final = 8 * 1024 * 1024
"""Commands that wait for their answers; beyond it nothing more is sent."""

REPLY_BYTES: Final = 4 * 1024 * 1024
"""Of one answer; a larger one is somebody's attempt to fill this process."""

REPLIES_PER_TURN: Final = 256
"""Taken in one turn of the loop: some 10 ms of what others have to tell. libuv reads on
while there is more, and a backlog of megabytes would hold everybody up for a second."""

Word = str | bytes | int | float
Take = Callable[[bytes, bytes], None]


class LinkLost(OSError):
    """The connection ended before the answer came."""


class Link(asyncio.Protocol):
    """A connection. Made by `connect`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = hiredis.Reader()
        self._unread = 0
        self._busy = False
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._answers: deque[asyncio.Future[object] | None] = deque()
        self._waiting_since_s = 0.0
        self.lost: asyncio.Future[None] = self._loop.create_future()

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.lost.done()

    @property
    def full(self) -> bool:
        """Whether more is on its way than may be."""
        written = 0 if self._transport is None else self._buffered(self._transport)
        return self._out_bytes + written > BACKLOG_BYTES

    @property
    def mute_s(self) -> float:
        """How long an answer has been waited for, in seconds."""
        if not self._answers:
            return 0.0
        return self._clock.monotonic() - self._waiting_since_s

    def post(self, *words: Word) -> None:
        """Send a command whose answer nobody needs; whether it was one is counted."""
        self._send(words, None)

    async def call(self, *words: Word) -> object:
        """The answer to a command; the caller has the deadline.

        Raises:
            LinkLost: the connection ended.
            hiredis.ReplyError: Redis refused.
        """
        answer: asyncio.Future[object] = self._loop.create_future()
        self._send(words, answer)
        return await answer

    def close(self) -> None:
        """End it at once; what was not sent is lost."""
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)

    # ------------------------------------------------------------- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        # uvloop's are streams, yet not of that class.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._unread += len(data)
        self._reader.feed(data)
        if not self._busy:
            self._take_some()

    def _take_some(self) -> None:
        was_busy, self._busy = self._busy, False
        if self.closed:
            return
        try:
            for _ in range(REPLIES_PER_TURN):
                if (reply := self._reader.gets()) is False:
                    break
                self._unread = 0
                self.take(reply)
            else:
                self._busy = True
        except hiredis.ProtocolError as error:
            self._end(error)
        if self._unread > REPLY_BYTES:
            self._end(LinkLost("an answer beyond all bounds"))
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._busy:
            transport.pause_reading()
            self._loop.call_soon(self._take_some)
        elif was_busy:
            transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the loop."""
        if self.lost.done():
            return
        self.lost.set_result(None)
        answers, self._answers = self._answers, deque()
        for answer in answers:
            if answer is not None and not answer.done():
                answer.set_exception(LinkLost(str(error or "the connection ended")))

    def take(self, reply: object) -> None:
        """The next answer."""
        if not self._answers:
            self._end(LinkLost("an answer that nobody asked for"))
            return
        self._waiting_since_s = self._clock.monotonic()
        answer = self._answers.popleft()
        if answer is None or answer.done():
            return
        if isinstance(reply, hiredis.ReplyError):
            answer.set_exception(reply)
        else:
            answer.set_result(reply)

    # --------------------------------------------------------------------- inside

    def write(self, words: tuple[Word, ...]) -> None:
        """Have a command leave at the end of this turn of the loop."""
        if self.closed:
            raise LinkLost("the connection has ended")
        packed = hiredis.pack_command(words)  # type: ignore[arg-type]
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(packed)
        self._out_bytes += len(packed)

    def _send(
        self, words: tuple[Word, ...], answer: asyncio.Future[object] | None
    ) -> None:
        self.write(words)
        if not self._answers:
            self._waiting_since_s = self._clock.monotonic()
        self._answers.append(answer)

    def _flush(self) -> None:
        out, self._out, self._out_bytes = self._out, [], 0
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(out))

    def _end(self, error: Exception) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(error)

    @staticmethod
    def _buffered(transport: asyncio.Transport) -> int:
        return transport.get_write_buffer_size()


class Receiver(Link):
    """A connection that subscribes; after its first subscription it does little else.

    Attributes:
        on_message: called with the channel and what was published on it.
        on_confirm: called with a channel that Redis has subscribed to.
        on_gone: called with a channel whose subscription Redis ended (its slot has
            moved to another node), or with an empty one when it refused to begin.
    """

    def __init__(
        self,
        clock: Clock,
        on_message: Take,
        on_confirm: Callable[[bytes], None],
        on_gone: Take,
    ) -> None:
        super().__init__(clock)
        self._on_message = on_message
        self._on_confirm = on_confirm
        self._on_gone = on_gone
        self.confirmed: set[bytes] = set()
        self._ending: dict[bytes, int] = {}

    def subscribe(self, *channels: bytes, sharded: bool) -> None:
        """Ask for what is published on these channels."""
        self.write((b"SSUBSCRIBE" if sharded else b"SUBSCRIBE", *channels))

    def unsubscribe(self, *channels: bytes, sharded: bool) -> None:
        """Ask for no more."""
        for channel in channels:
            self._ending[channel] = self._ending.get(channel, 0) + 1
        self.write((b"SUNSUBSCRIBE" if sharded else b"UNSUBSCRIBE", *channels))

    def take(self, reply: object) -> None:
        """The next message or confirmation."""
        if isinstance(reply, list):
            match reply:
                case [b"message" | b"smessage", bytes(channel), bytes(data)]:
                    self._on_message(channel, data)
                    return
                case [b"subscribe" | b"ssubscribe", bytes(channel), _]:
                    self.confirmed.add(channel)
                    self._on_confirm(channel)
                    return
                case [b"unsubscribe" | b"sunsubscribe", bytes(channel), _]:
                    self._unsubscribed(channel)
                    return
        if isinstance(reply, hiredis.ReplyError) and not self._answers:
            self._on_gone(b"", str(reply).encode())
            return
        super().take(reply)

    def _unsubscribed(self, channel: bytes) -> None:
        self.confirmed.discard(channel)
        asked = self._ending.pop(channel, 0)
        if asked > 1:
            self._ending[channel] = asked - 1
        elif not asked:
            self._on_gone(channel, b"")


async def connect(redis: Redis, address: Address, link: Link) -> None:
    """Bring a link up.

    Raises:
        OSError: nobody answers there, or not in time.
        hiredis.ReplyError: the password or the database is refused.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_S):
            if address.host.startswith("/"):
                await loop.create_unix_connection(lambda: link, address.host)
            else:
                await loop.create_connection(
                    lambda: link, address.host, address.port, ssl=redis.tls
                )
            if redis.password is not None:
                user = () if redis.user is None else (redis.user,)
                await link.call("AUTH", *user, redis.password)
            # A server that is paused lets its kernel accept: it must say something.
            await link.call("PING")
            if redis.database:
                await link.call("SELECT", redis.database)
    except BaseException:
        link.close()
        raise
