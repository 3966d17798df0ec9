"""A TCP proxy for one arrow of a topology, which can treat it as bad networks do.

Its verbs are those of the well-known fault proxies: pass, delay, drop one way,
blackhole, reset, cut after some bytes, limit the bandwidth, close slowly. A verb holds
for open and new connections until `heal`. TCP retransmits: what a blackhole or a
one-way drop kept is late, not lost, so bytes are held and never skipped.
"""

import asyncio
import random
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Self

CHUNK: Final = 64 * 1024
SLICE_S: Final = 0.02
"""A limited bandwidth is given out in slices of this length."""

Address = tuple[str, int]


class Way(Enum):
    """A direction: up is from the one that connected."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Weather:
    """How bytes fare at the moment. Nothing set is fair weather."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    held: frozenset[Way] = frozenset()
    reset: bool = False
    bytes_per_s: int | None = None
    close_delay_s: float = 0.0


FAIR: Final = Weather()


class _Line:
    """One connection through the proxy."""

    def __init__(
        self,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.ends = {Way.UP: (near[0], far[1]), Way.DOWN: (far[0], near[1])}
        self.task: asyncio.Task[None] | None = None

    def reset(self) -> None:
        """Both ends get RST instead of FIN: with linger 0, closing discards."""
        for _, writer in self.ends.values():
            sock = writer.get_extra_info("socket")
            with suppress(OSError):
                linger = struct.pack("ii", 1, 0)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()


class Proxy:
    """`async with Proxy(("127.0.0.1", 5432)) as proxy: … proxy.port …`

    With several targets each new connection goes to the next one that answers, as
    behind a balancer without sticky sessions.

    Attributes:
        held: how many pieces came while their direction was closed.
    """

    def __init__(self, *targets: Address, seed: int = 0) -> None:
        self.targets: Sequence[Address] = targets
        self.port = 0
        self.connections = 0
        self.passed = {Way.UP: 0, Way.DOWN: 0}
        self.held = 0
        self._weather = FAIR
        self._changed = asyncio.Event()
        self._cut_at: dict[Way, int] = {}
        self._draw = random.Random(seed)
        self._lines: dict[_Line, None] = {}
        self._turn = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        tasks = [line.task for line in self._lines if line.task is not None]
        self.rst()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    # ------------------------------------------------------------------ verbs

    def heal(self) -> None:
        """Pass everything on at once, what was held first."""
        self._cut_at.clear()
        self._set(FAIR)

    def delay(self, ms: float, jitter_ms: float = 0.0) -> None:
        """Every piece arrives so much later, in order; the jitter is either way."""
        self._set(replace(self._weather, delay_s=ms / 1e3, jitter_s=jitter_ms / 1e3))

    def drop_one_way(self, way: Way) -> None:
        """Nothing arrives in this direction; the other one works."""
        self._set(replace(self._weather, held=frozenset({way})))

    def blackhole(self) -> None:
        """Nothing arrives in either direction, and nobody is told."""
        self._set(replace(self._weather, held=frozenset(Way)))

    def rst(self, *, stay: bool = False) -> None:
        """Reset all connections, and with `stay` also those to come."""
        for line in tuple(self._lines):
            line.reset()
        self._set(replace(self._weather, reset=stay))

    def cut_after(self, count: int, way: Way) -> None:
        """Reset the connection on which, after so many more bytes, the next comes."""
        self._cut_at[way] = self.passed[way] + count

    def bandwidth(self, bytes_per_s: int) -> None:
        """Each direction of each connection carries so much."""
        self._set(replace(self._weather, bytes_per_s=bytes_per_s))

    def close_slowly(self, seconds: float) -> None:
        """An end learns so much later that the other one has closed."""
        self._set(replace(self._weather, close_delay_s=seconds))

    def _set(self, weather: Weather) -> None:
        self._weather = weather
        self._changed.set()
        self._changed = asyncio.Event()

    # ------------------------------------------------------------------ bytes

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        far = None if self._weather.reset else await self._connect()
        line = _Line((reader, writer), far or (reader, writer))
        if far is None:
            line.reset()
            return
        line.task = asyncio.current_task()
        self._lines[line] = None
        pumps = [asyncio.create_task(self._pump(line, way)) for way in Way]
        try:
            # Cancelled only when the proxy ends, which asyncio would complain of.
            with suppress(asyncio.CancelledError):
                await asyncio.wait(pumps, return_when=asyncio.ALL_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            self._lines.pop(line, None)
            for _, end in line.ends.values():
                end.close()

    async def _connect(
        self,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self.targets:
            target = self.targets[self._turn % len(self.targets)]
            self._turn += 1
            with suppress(OSError):
                return await asyncio.open_connection(*target)
        return None

    async def _pump(self, line: _Line, way: Way) -> None:
        reader, writer = line.ends[way]
        try:
            while data := await reader.read(CHUNK):
                await self._pass(line, way, data)
            await asyncio.sleep(self._weather.close_delay_s)
            writer.write_eof()
        except (OSError, RuntimeError):
            line.reset()

    async def _pass(self, line: _Line, way: Way, data: bytes) -> None:
        writer = line.ends[way][1]
        if delay_s := self._weather.delay_s:
            jitter_s = self._weather.jitter_s
            await asyncio.sleep(delay_s + self._draw.uniform(-jitter_s, jitter_s))
        while data:
            self.held += way in self._weather.held
            while way in self._weather.held:
                await self._changed.wait()
            share, rate = len(data), self._weather.bytes_per_s
            if rate is not None:
                share = max(1, int(rate * SLICE_S))
                await asyncio.sleep(SLICE_S)
            piece, data = data[:share], data[share:]
            cut_at = self._cut_at.get(way)
            if cut_at is not None and self.passed[way] + len(piece) > cut_at:
                writer.write(piece[: cut_at - self.passed[way]])
                del self._cut_at[way]
                await writer.drain()
                raise ConnectionResetError("cut")
            self.passed[way] += len(piece)
            writer.write(piece)
            await writer.drain()
