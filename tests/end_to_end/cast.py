"""Who takes part in the story: each client library, transport and protocol once.

Everybody is a person of the demo tenant. `anna` and the students `s001` … `s030` are in
course `math-7a`; `s031` is not, and comes into the story late.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.support.browser import connections_page
from tests.support.devices import Device, Place, Program, recorder
from tests.support.lines import driving
from tests.support.python_client import PythonClients
from tests.support.server import ROOT

WS, SSE, LP = "WebSockets", "ServerSentEvents", "LongPolling"

NODE = {
    "anna": Place("anna"),
    "node-ws-json": Place("s001"),
    "node-ws-messagepack": Place("s002", WS, "messagepack"),
    "node-sse-json": Place("s003", SSE, single=True),
    "node-lp-json": Place("s004", LP),
    "node-lp-messagepack": Place("s005", LP, "messagepack", single=True),
    "late": Place("s031"),
}
PAGE = {
    "page-ws-json": Place("s006", single=True),
    "page-ws-messagepack": Place("s007", WS, "messagepack"),
    "page-sse-json": Place("s008", SSE),
    "page-lp-json": Place("s009", LP),
    "page-lp-messagepack": Place("s010", LP, "messagepack"),
    "s001-second": Place("s001", WS, "messagepack"),
}
PYSIGNALR = {
    "pysignalr-json": Place("s011"),
    "pysignalr-messagepack": Place("s012", WS, "messagepack"),
}
SIGNALRCORE = {
    "signalrcore-ws-json": Place("s013"),
    "signalrcore-ws-messagepack": Place("s014", WS, "messagepack"),
    "signalrcore-sse-json": Place("s015", SSE),
    "signalrcore-lp-json": Place("s016", LP),
}
PYTHON = {
    "chatd-json": Place("s017", single=True),
    "chatd-messagepack": Place("s018", WS, "messagepack", single=True),
    "anna-second": Place("anna", WS, "messagepack", single=True),
}

PEERS_PYTHON = ROOT / ".dev" / "peers" / "bin" / "python"
PEERS = ROOT / "tests" / "support" / "peers"


def program_of_node() -> tuple[str, str]:
    return ("node", str(ROOT / "tests" / "support" / "js" / "devices.mjs"))


@asynccontextmanager
async def on_stage(origin: str, hub_url: str) -> AsyncIterator[dict[str, Device]]:
    """All devices, connected; `origin` is the page's, allowed at the hub."""
    devices: dict[str, Device] = {}
    tell = recorder(devices)
    async with AsyncExitStack() as running:
        lines: list[tuple[dict[str, Place], tuple[str | Path, ...]]] = [
            (NODE, program_of_node()),
            (PYSIGNALR, (PEERS_PYTHON, PEERS / "pysignalr_devices.py")),
            (SIGNALRCORE, (PEERS_PYTHON, PEERS / "signalrcore_devices.py")),
        ]
        programs: list[tuple[dict[str, Place], Program]] = [
            (
                places,
                await running.enter_async_context(driving(*command, on_event=tell)),
            )
            for places, command in lines
        ]
        page = await running.enter_async_context(connections_page(origin, tell))
        programs.append((PAGE, page))
        clients = await running.enter_async_context(PythonClients(tell))
        programs.append((PYTHON, clients))
        for places, program in programs:
            for name, place in places.items():
                devices[name] = Device(
                    name, place, program, from_snapshot=places is PYTHON
                )
        for device in devices.values():
            await device.connect(hub_url)
        yield devices
