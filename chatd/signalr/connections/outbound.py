"""The sending half of a connection: what waits, when it goes out, and how much may.

A message becomes bytes at once and leaves with the others of the same turn of the event
loop. What the transport cannot take stays here, and here is the bound on it.
"""

import asyncio
from collections import deque
from typing import Final

from chatd.signalr.connections.sides import Pipe
from chatd.signalr.prepared import Form, Prepared
from chatd.signalr.requests import HubLimits
from chatd.signalr.ticks import Flusher
from chatd_protocol.signalr.messages import HubMessage

FLUSH_AT_BYTES: Final = 128 * 1024
"""A burst within one turn is written early rather than taken for a slow consumer."""

DRAINED_BYTES: Final = 64 * 1024
"""Streams wait until less than this is pending."""


class Outbound:
    """The half of a connection that sends; the other half inherits it.

    A base class and not a part of its own, because sending is the hottest path of all
    and idle connections are many: neither pays for a second object.

    `_form` is None before the handshake and after the end, and nothing is sent then.
    """

    __slots__ = (
        "_drain_waiters",
        "_flusher",
        "_form",
        "_limits",
        "_pending",
        "_pending_bytes",
        "_pipe",
    )

    def __init__(self, limits: HubLimits, flusher: Flusher) -> None:
        self._limits = limits
        self._flusher = flusher
        self._form: Form | None = None
        self._pipe: Pipe | None = None
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._drain_waiters: deque[asyncio.Future[None]] | None = None

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
        if form is not None:
            self._add(message.by_form.get(form) or message.encode(form))

    def send_message(self, message: HubMessage) -> None:
        """Any hub message, in order with the others.

        Raises:
            LocalProtocolError: the encoding cannot carry it.
        """
        if self._form is not None:
            self._add(self._form.encode(message))

    async def drained(self) -> None:
        """Wait until the client has taken most of what was sent.

        For producers that can wait (streams); everything else is bounded by
        `outbound_bytes` and `outbound_s`. Returns at once when the connection ends.
        """
        while self._pending_bytes > DRAINED_BYTES:
            waiter = asyncio.get_running_loop().create_future()
            if self._drain_waiters is None:
                self._drain_waiters = deque()
            self._drain_waiters.append(waiter)
            await waiter

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

    def too_slow(self) -> None:
        """More than `outbound_bytes` is pending; the other half ends the connection."""

    # ------------------------------------------------------------ for the other half

    def _add(self, data: bytes) -> None:
        pending = self._pending
        if not pending:
            self._flusher.add(self)
        pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes > FLUSH_AT_BYTES:
            self.flush()
            if self._pending_bytes > self._limits.outbound_bytes:
                self.too_slow()

    def _stop_sending(self, last: HubMessage | None) -> bytes:
        """Nothing is sent from now on but what this returns.

        That is everything pending and then `last`; with None, and before the
        handshake, it is nothing.
        """
        words = b""
        if last is not None and self._form is not None:
            words = b"".join([*self._pending, self._form.encode(last)])
        self._form = None
        self._drop_pending()
        return words

    def _drop_pending(self) -> None:
        self._pending.clear()
        self._pending_bytes = 0
        self._wake_drained()

    def _wake_drained(self) -> None:
        waiters, self._drain_waiters = self._drain_waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)
