"""Staying connected: one connection after the other, each caught up before it counts.

Decides from the way a connection failed or ended whether to come back, and when. Those
who need a connection wait here for the next one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Final

import httpx2
import msgspec

from chatd_client.backoff import RANDOM, Backoff
from chatd_client.errors import Refused, refusal, retry_of
from chatd_client.feed import Feed
from chatd_client.recovering import Recovery
from chatd_client.replica import Replica
from chatd_client.signalr import (
    Address,
    CallFailed,
    CannotConnect,
    ClientError,
    Connection,
    ConnectionClosed,
    ConnectionLost,
    Options,
    SentAway,
)
from chatd_protocol.chat.base import Request, Shape
from chatd_protocol.chat.events import SINGLE_TARGET, Event, TokenExpiring
from chatd_protocol.chat.methods import BY_REQUEST
from chatd_protocol.chat.requests import RefreshToken

STABLE_S: Final = 10.0
"""A connection that lived so long has earned the shortest wait after its end."""

ANSWER_S: Final = 30.0
"""A call that has no answer after so long is taken to have been lost."""

Token = str | Callable[[], Awaitable[str]]
"""A token, or how to get a fresh one, which is asked before every connection and may
raise `CannotConnect` to be asked again later."""


@dataclass(frozen=True, slots=True)
class ChatOptions(Options):
    """How a chat client speaks and behaves.

    `service` is for tokens that are no person's: there is no replica then. `draw` gives
    the random numbers in [0, 1) that spread the waits before coming back.
    """

    service: bool = False
    draw: Callable[[], float] = RANDOM.random


_log = logging.getLogger("chatd_client")


class Lifeline:
    """The connection of the moment, and the next one."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        hub_url: str,
        token: Token,
        options: ChatOptions,
    ) -> None:
        """A lifeline that is not started."""
        self.replica = Replica()
        self.feed = Feed()
        self._backoff = Backoff(options.draw)
        self.whole = False
        self._caught_up = False
        self._http = http
        self._hub_url = hub_url
        self._token = token
        self._options = options
        self._offered = asyncio.Event()
        self._changed = asyncio.Event()  # set for an instant: look again
        self._connection: Connection | None = None
        self._over: ClientError | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to be connected."""
        self._spawn(self._stay_connected())

    async def stop(self) -> None:
        """Disconnect for good; whoever waits is told."""
        self._give_up(ConnectionLost("The client was stopped."), orderly=True)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def connected(self) -> Connection:
        """The connection of the moment, or the next one.

        Raises the reason when there will be none.
        """
        while (connection := self._connection) is None:
            await self._wait_change()
        return connection

    async def wait_whole(self) -> None:
        """Return when connected and caught up.

        Raises the reason when that will never be.
        """
        while not self.whole:
            await self._wait_change()

    def drop(self, connection: Connection) -> None:
        """Let nobody use a connection that is over."""
        if self._connection is connection:
            self._connection = None
            self.whole = False

    async def _wait_change(self) -> None:
        if self._over is not None:
            raise self._over
        await self._changed.wait()

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed.clear()

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            self._caught_up = False
            try:
                await self._live()
            except ClientError as error:
                if not self._may_come_back(error):
                    self._give_up(error)
                    return
                _log.warning("no connection: %s", error)
                retry_after_s = getattr(error, "retry_after_s", None)
                # In a rolling restart one is sent away from each gateway in turn.
                moved = self._caught_up and isinstance(error, SentAway)
            if moved or loop.time() - began_s > STABLE_S:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next_s(retry_after_s))

    def _may_come_back(self, error: ClientError) -> bool:
        fresh_token = not isinstance(self._token, str)
        match error:
            case CannotConnect():
                return fresh_token or not error.permanent
            case Refused(retry=retry):
                pass
            case ConnectionClosed():
                retry = retry_of(error)
            case _:
                return isinstance(error, ConnectionLost)
        return retry == "later" or (retry == "signIn" and fresh_token)

    async def _live(self) -> None:
        """One connection from beginning to end.

        Raises why it did not come about or ended.
        """
        token = self._token if isinstance(self._token, str) else await self._token()
        # Live events wait from here on: some may come before anything was asked.
        self.replica.begin()
        connection = Connection(
            self._http,
            Address(self._hub_url, token),
            {SINGLE_TARGET: self._take_event},
            self._options,
        )
        async with connection:
            self._connection = connection
            self._tell_change()
            try:
                await self._recover(connection)
            finally:
                self.drop(connection)

    async def _recover(self, connection: Connection) -> None:
        recovery = Recovery(
            self.replica,
            lambda request: ask(connection, request),
            self.feed.emit,
            self._offered,
        )
        if not self._options.service:
            await recovery.catch_up()
        self.whole = self._caught_up = True
        self._tell_change()
        loop = asyncio.get_running_loop()
        mending = loop.create_task(recovery.mend())
        ending = loop.create_task(connection.wait_ended())
        try:
            await asyncio.wait({mending, ending}, return_when=asyncio.FIRST_COMPLETED)
            if mending.done():
                mending.result()
            raise await ending
        finally:
            mending.cancel()
            ending.cancel()
            await asyncio.gather(mending, ending, return_exceptions=True)

    def _take_event(self, argument: object, *_future: object) -> None:
        try:
            event: Event = msgspec.convert(argument, Event)
        except msgspec.ValidationError as error:
            # A newer server tells of things that this client has no use for.
            _log.debug("an event was passed over: %s", error)
            return
        if isinstance(event, TokenExpiring) and not isinstance(self._token, str):
            self._spawn(self._refresh_token(self._token))
        now_s = asyncio.get_running_loop().time()
        self.feed.emit(self.replica.offer(event, now_s))
        self._offered.set()

    async def _refresh_token(self, token: Callable[[], Awaitable[str]]) -> None:
        try:
            await ask(await self.connected(), RefreshToken(token=await token()))
        except ClientError as error:
            _log.warning("the token was not refreshed: %s", error)

    def _give_up(self, reason: ClientError, *, orderly: bool = False) -> None:
        if self._over is None:
            self._over = reason
            self._tell_change()
            self.feed.end(None if orderly else reason)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("the client failed", exc_info=error)
            self._give_up(ClientError(f"The client failed: {error!r}"))


async def ask(connection: Connection, request: Request) -> Shape:
    """One call on one connection, its answer as the contract's type.

    Raises Refused, CallFailed, and ConnectionLost also when no answer comes.
    """
    row = BY_REQUEST[type(request)]
    try:
        async with asyncio.timeout(ANSWER_S):
            result = await connection.invoke(row.name, request)
    except CallFailed as failure:
        raise refusal(failure) from None
    except TimeoutError:
        raise ConnectionLost(f"{row.name} was not answered.") from None
    return msgspec.convert(result, row.result)
