"""Connections without sockets: bytes arrive late, in order, until a link is cut.

The server's end is a `Pipe`, the client's end takes the place of the Python client's
SignalR connection. What arrives at a client is also shown to a witness of the wire: the
gateways promise order and no gaps to every client, not only to those that can repair.
"""

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from chatd.signalr.admission import Refusal, admit_websocket
from chatd.signalr.connections.connection import Connection as ServerConnection
from chatd.signalr.requests import Handshake
from chatd_client.signalr import (
    Address,
    CallFailed,
    CannotConnect,
    ConnectionClosed,
    ConnectionLost,
)

if TYPE_CHECKING:
    from tests.simulation.gateways import Gateway

Wire = Callable[["Link", dict], None]
END: Final = b"\x1e"
TURN_S: Final = 1e-5


class Link:
    """One connection between a client and a gateway; the `Pipe` of the latter."""

    transport = "simulated"
    framed = False
    text_only = False
    close_code: Final = None
    _numbers = itertools.count(1)

    def __init__(self, network: "Network", client: "ClientConnection") -> None:
        self.client = client
        self.number = next(self._numbers)
        self.gateway: Gateway | None = None
        self.server: ServerConnection | None = None
        self.writable = True
        self.over = False
        self._network = network
        self._free_s = {"up": 0.0, "down": 0.0}

    def when(self, way: str) -> float:
        """How long a byte of now takes; none overtakes another."""
        now_s = self._network.loop.time()
        # Timers of the very same moment would go off in any order.
        at_s = max(self._free_s[way] + TURN_S, now_s + self._network.latency())
        self._free_s[way] = at_s
        return at_s - now_s

    # ------------------------------------------------------ the server's end

    def write(self, data: bytes) -> None:
        if not self.over:
            self.client.process.later(self.when("down"), self.client.receive, data)

    def write_handshake(self, data: bytes, *, binary: bool) -> None:
        """The client knows that it will be let in."""

    def close(self) -> None:
        if self.over:
            return
        self.client.process.later(self.when("down"), self.client.end, None)
        self.sever()

    def abort(self) -> None:
        self.cut()

    def pause_reading(self) -> None:
        """What the client says waits in the connection's own decoder."""

    def resume_reading(self) -> None:
        """Nothing was held back here."""

    def join(self) -> None:
        """There is a connection at the other end now."""
        if not self.over:
            self._network.links[self] = None

    # -------------------------------------------------------------- faults

    def sever(self) -> None:
        """Nothing passes from now on; the gateway learns of it."""
        if self.over:
            return
        self.over = True
        self._network.links.pop(self, None)
        if self.server is not None and self.gateway is not None:
            self.gateway.process.later(self._network.latency(), self.server.lost, None)

    def cut(self, after_s: float = 0.0) -> None:
        """Both ends learn that there is nobody, the client after a while."""
        if self.over:
            return
        self.sever()
        self.client.process.later(
            after_s + self._network.latency(), self.client.end, ConnectionLost("cut")
        )

    def stall(self, for_s: float) -> None:
        """The client takes nothing for so long."""
        if self.over or self.server is None or self.gateway is None:
            return
        self.writable = False
        self.gateway.process.soon(self.server.blocked)
        self.gateway.process.later(for_s, self._flow)

    def _flow(self) -> None:
        self.writable = True
        if not self.over and self.server is not None:
            self.server.unblocked()


class Network:
    """Where clients find gateways."""

    def __init__(
        self, loop: Any, draw: random.Random, gateways: Sequence["Gateway"], wire: Wire
    ) -> None:
        self.loop = loop
        self.gateways = gateways
        self.links: dict[Link, None] = {}
        self.wire = wire
        self.over = False
        self._draw = draw

    def latency(self) -> float:
        """Seconds; mostly short."""
        share = self._draw.random()
        return 0.001 + 0.03 * share * share * share

    async def dial(self, client: "ClientConnection") -> Link:
        """A link to any gateway that takes one. Raises CannotConnect."""
        await asyncio.sleep(self.latency())
        open_ones = [one for one in self.gateways if one.accepts]
        if not open_ones or self.over:
            raise CannotConnect("nobody listens")
        gateway = self._draw.choice(open_ones)
        link = Link(self, client)
        admitted: asyncio.Future[Exception | None] = self.loop.create_future()
        gateway.process.task(gateway.admit(link, client.address, admitted))
        try:
            async with asyncio.timeout(5):
                error = await admitted
        except TimeoutError:
            error = CannotConnect("no answer")
        if error is not None:
            link.sever()
            raise error
        await asyncio.sleep(self.latency())
        if link.over:
            raise CannotConnect("lost at once")
        return link


class ClientConnection:
    """Takes the place of the client's SignalR connection; the network is its `http`."""

    def __init__(
        self,
        network: Any,
        address: Address,
        handlers: Mapping[str, Callable[..., object]],
        _options: object = None,
    ) -> None:
        self.address = address
        self.process = network.process
        self._network: Network = network.network
        self._handlers = handlers
        self._link: Link | None = None
        self._ids = map(str, itertools.count())
        self._calls: dict[str, asyncio.Future[object]] = {}
        self._early: list[bytes] | None = []
        self._ended: asyncio.Future[ConnectionLost] = (
            asyncio.get_running_loop().create_future()
        )
        self._closing: ConnectionLost | None = None

    async def __aenter__(self) -> Self:
        self._link = await self._network.dial(self)
        early, self._early = self._early or [], None
        for data in early:
            self.receive(data)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._link is not None:
            self._link.sever()
        self.end(ConnectionLost("closed here"))

    @property
    def ended(self) -> bool:
        return self._ended.done()

    async def wait_ended(self) -> ConnectionLost:
        return await asyncio.shield(self._ended)

    async def invoke(self, target: str, *arguments: object) -> object:
        link = self._link
        if link is None or self.ended:
            raise ConnectionLost("not open")
        number = next(self._ids)
        answer = self._calls[number] = asyncio.get_running_loop().create_future()
        message = {
            "type": 1,
            "target": target,
            "invocationId": number,
            "arguments": arguments,
        }
        data = msgspec.json.encode(message) + END
        if not link.over and link.server is not None and link.gateway is not None:
            link.gateway.process.later(link.when("up"), self._arrive, link, data)
        try:
            return await answer
        finally:
            del self._calls[number]

    @staticmethod
    def _arrive(link: Link, data: bytes) -> None:
        if not link.over and link.server is not None:
            link.server.receive(data)

    def receive(self, data: bytes) -> None:
        """Bytes from the gateway."""
        if self._early is not None:
            self._early.append(data)
            return
        if self.ended or self._link is None:
            return
        for record in data.split(END)[:-1]:
            self._take(json.loads(record), self._link)

    def _take(self, message: dict, link: Link) -> None:
        match message["type"]:
            case 1:
                self._network.wire(link, message["arguments"][0])
                self._handlers[message["target"]](*message["arguments"])
            case 3:
                answer = self._calls.get(message["invocationId"])
                if answer is None or answer.done():
                    return
                if (error := message.get("error")) is not None:
                    answer.set_exception(CallFailed(error))
                else:
                    answer.set_result(message.get("result"))
            case 7:
                text = message.get("error") or "closed"
                again = message.get("allowReconnect", False)
                self._closing = (ConnectionLost if again else ConnectionClosed)(text)

    def end(self, reason: ConnectionLost | None) -> None:
        """There will be nothing more."""
        if self.ended:
            return
        told = self._closing or reason or ConnectionLost("the gateway hung up")
        self._ended.set_result(told)
        for call in self._calls.values():
            if not call.done():
                call.set_exception(told)


async def admitted(gateway: "Gateway", link: Link, address: Address) -> None:
    """The door of a gateway: who is let in has a connection. Raises CannotConnect."""
    path, _, query = address.url.partition("?")
    asked = dict(part.split("=") for part in query.split("&") if part)
    handshake = Handshake(path=path, headers={}, query=asked, bearer=address.token)
    try:
        link.server = await admit_websocket(gateway.hub, handshake, None)
    except Refusal as refusal:
        raise CannotConnect(repr(refusal)) from None
    link.gateway = gateway
    link.join()
    link.server.attach(link)
    link.server.receive(b'{"protocol":"json","version":1}\x1e')
