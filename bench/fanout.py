"""What delivering an event costs beside the floor: a plain loop of transport writes.

`./dev bench fanout` sends the same 250-byte event to 1,000 sockets of another process,
through the SignalR server's prepared messages and by writing the ready frame to each
transport, in turns within one run, because machines are noisy and ratios are not.
CPU is this process's, the kernel's share included.
"""

import asyncio
import statistics
import sys
import time

import uvicorn
import uvloop
from starlette.applications import Starlette

from chatd.clock import SystemClock
from chatd.signalr.hub import Hub
from chatd.signalr.mounting import SignalRServer
from chatd.signalr.prepared import Prepared
from chatd.signalr.registry import HubContext

RECEIVERS = 1_000
ROUNDS = 12
EVENTS = 20
PAYLOAD = "x" * 190
UPGRADE = (
    b"GET /bench HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
HANDSHAKE = b'{"protocol":"json","version":1}\x1e'
HELLO = b"\x81" + bytes((0x80 | len(HANDSHAKE),)) + bytes(4) + HANDSHAKE


class Drain(asyncio.Protocol):
    """A socket of the other process: upgrades, says hello, takes whatever comes."""

    def __init__(self, hello: bytes) -> None:
        self._hello = hello

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(UPGRADE)

    def data_received(self, data: bytes) -> None:
        # Not before the 101 has come.
        self._transport.write(self._hello)
        self._hello = b""


class Floor(asyncio.Protocol):
    """The other end, without any protocol."""

    transports: list[asyncio.WriteTransport]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transports.append(transport)  # type: ignore[arg-type]


async def drain(port: int, hello: bytes) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(RECEIVERS):
        await loop.create_connection(lambda: Drain(hello), "127.0.0.1", port)
    print("connected", flush=True)
    await asyncio.Event().wait()


async def others(port: int, mode: str) -> asyncio.subprocess.Process:
    """The process with the receivers, once they are all connected."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.fanout", mode, str(port)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"connected\n"
    return process


async def ours(context: HubContext) -> float:
    """CPU seconds for each delivery through the SignalR server."""
    everybody = context.clients.all()
    began = time.process_time()
    for _ in range(EVENTS):
        everybody.send_prepared(Prepared("Event", {"text": PAYLOAD}))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    spent = time.process_time() - began
    await asyncio.sleep(0.2)
    return spent / EVENTS / RECEIVERS


async def floor(transports: list[asyncio.WriteTransport], frame: bytes) -> float:
    """CPU seconds for each delivery by nothing but a write."""
    began = time.process_time()
    for _ in range(EVENTS):
        for transport in transports:
            transport.write(frame)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    spent = time.process_time() - began
    await asyncio.sleep(0.2)
    return spent / EVENTS / RECEIVERS


async def measure() -> None:
    server = SignalRServer(SystemClock())
    context = server.mount("/bench", Hub(methods={}))
    running = uvicorn.Server(
        server.config(Starlette(routes=server.routes), "127.0.0.1", 0)
    )
    serving = asyncio.ensure_future(running._serve())
    while not running.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    Floor.transports = []
    plain = await asyncio.get_running_loop().create_server(Floor, "127.0.0.1", 0)
    port = running.servers[0].sockets[0].getsockname()[1]
    receivers = [
        await others(port, "hub"),
        await others(plain.sockets[0].getsockname()[1], "floor"),
    ]
    everybody = context.clients.all()
    while len(everybody.connections()) < RECEIVERS:  # noqa: ASYNC110 - looking is all
        await asyncio.sleep(0.05)
    text = b'{"type":1,"target":"Event","arguments":[{"text":"%b"}]}\x1e'
    message = text % PAYLOAD.encode()
    frame = b"\x81\x7e" + len(message).to_bytes(2, "big") + message
    found: dict[str, list[float]] = {"signalr": [], "floor": []}
    for _ in range(ROUNDS):
        found["signalr"].append(await ours(context))
        found["floor"].append(await floor(Floor.transports, frame))
    for process in receivers:
        process.kill()
        await process.wait()
    running.should_exit = True
    await serving
    await server.stop()
    medians = {name: statistics.median(values) for name, values in found.items()}
    for name, value in medians.items():
        print(f"{name:<10} {value * 1e6:6.2f} µs CPU for each delivery")
    print(f"ratio      {medians['signalr'] / medians['floor']:6.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        hello = HELLO if sys.argv[1] == "hub" else b""
        asyncio.run(drain(int(sys.argv[2]), hello))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure())
