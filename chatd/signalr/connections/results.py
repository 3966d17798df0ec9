"""Calls of a client's methods that want an answer."""

import asyncio
from typing import Final

from chatd.signalr.connections.outbound import Outbound
from chatd_protocol.signalr.messages import NO_RESULT, Completion, Invocation

LOST: Final = "lost"


class ConnectionEnded(ConnectionError):
    """The connection is over; whoever waited for the client waits in vain.

    `reason` is one of a few words by which endings can be counted.
    """

    def __init__(self, text: str, reason: str = LOST) -> None:
        super().__init__(text)
        self.reason = reason


class ClientError(Exception):
    """The client answered a call of its method with this error text."""


class Results:
    """The calls that one client has not answered yet."""

    __slots__ = ("_calls_max", "_made", "_waiting")

    def __init__(self, calls_max: int) -> None:
        self._calls_max = calls_max
        self._made = 0
        self._waiting: dict[str, asyncio.Future[object]] = {}

    async def call(
        self,
        connection: Outbound,
        target: str,
        arguments: tuple[object, ...],
        timeout_s: float,
    ) -> object:
        """Call a method of the client and wait for what it returns.

        Raises:
            TimeoutError: no answer in `timeout_s` seconds. The client is not told.
            ClientError: the client's method failed.
            ConnectionEnded: the connection ended first.
            RuntimeError: too many calls are open.
        """
        if len(self._waiting) >= self._calls_max:
            raise RuntimeError("too many calls wait for this client's answer")
        self._made += 1
        call_id = f"s{self._made}"
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._waiting[call_id] = answer
        try:
            connection.send_message(Invocation(target, list(arguments), call_id))
            async with asyncio.timeout(timeout_s):
                return await answer
        finally:
            del self._waiting[call_id]

    def answered(self, message: Completion) -> bool:
        """Whether a completion answers one of these calls; if so it is delivered."""
        answer = self._waiting.get(message.invocation_id)
        if answer is None:
            return False
        if answer.done():
            return True
        if message.error is not None:
            answer.set_exception(ClientError(message.error))
        else:
            answer.set_result(None if message.result is NO_RESULT else message.result)
        return True

    def end(self) -> None:
        """The client is gone, and whoever waits is told."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionEnded("the connection has ended"))
