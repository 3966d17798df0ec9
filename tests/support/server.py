"""The real server as a process: `chatd serve` on a port and in a folder of its own."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.ports import Port
from tests.support.tokens import SECRET

ROOT = Path(__file__).resolve().parents[2]
START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 60.0

_LISTENING = re.compile(rb"listening on (http://\S+:\d+)")


class Server:
    """One `chatd serve`; it can be killed and started again on the same port.

    `variables` are added to its environment; `prefix` is a command that runs it.
    """

    def __init__(
        self,
        data_dir: Path,
        arguments: Sequence[str] = (),
        *,
        variables: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self.data_dir = data_dir
        self.arguments = tuple(arguments)
        self.variables = dict(variables or {})
        self.prefix = tuple(prefix)
        self.url = ""
        self._port = Port()
        self.port = self._port.number
        self.returncode: int | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._log: list[bytes] = []
        self._reader: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def send_signal(self, sign: signal.Signals) -> None:
        """Sends a signal and waits for nothing."""
        assert self._process is not None
        self._process.send_signal(sign)

    @property
    def hub_url(self) -> str:
        return f"{self.url}/hub"

    @property
    def log(self) -> str:
        """What the server wrote, all its lives together."""
        return b"".join(self._log).decode(errors="replace")

    @property
    def complaints(self) -> str:
        """The log without the address and the login links, which are no news."""
        lines = self.log.splitlines()
        return "\n".join(line for line in lines if "http://" not in line)

    async def start(self) -> None:
        """Returns once the server accepts connections."""
        self._process = await asyncio.create_subprocess_exec(
            *self.prefix,
            sys.executable,
            "-m",
            "chatd",
            "serve",
            *("--port", str(self.port), "--data-dir", str(self.data_dir)),
            *self.arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=ROOT,
            env=environment() | self.variables,
        )
        listening = asyncio.Event()
        self._reader = asyncio.create_task(self._read(self._process, listening))
        try:
            async with asyncio.timeout(START_DEADLINE_S):
                await listening.wait()
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"the server did not start:\n{self.log}") from None
        if not self.url:
            raise AssertionError(f"the server ended at once:\n{self.log}")

    async def _read(
        self, process: asyncio.subprocess.Process, listening: asyncio.Event
    ) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self._log.append(line)
            if not listening.is_set() and (match := _LISTENING.search(line)):
                self.url = match[1].decode()
                listening.set()
        listening.set()

    async def wait_ended(self, deadline_s: float = STOP_DEADLINE_S) -> int:
        """Returns how the process ended by itself: its code, or minus its signal."""
        process = self._process
        assert process is not None
        async with asyncio.timeout(deadline_s):
            self.returncode = await process.wait()
            if self._reader is not None:
                await self._reader
        self._process = None
        return self.returncode

    async def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, the orderly end; the process must go within its deadline."""
        await self._end(signal.SIGTERM)

    async def _end(self, sign: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(sign)
        try:
            async with asyncio.timeout(STOP_DEADLINE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise AssertionError(f"did not stop by {sign.name}:\n{self.log}") from None
        self.returncode = process.returncode
        if self._reader is not None:
            await self._reader


def environment() -> dict[str, str]:
    """This process's environment, with the packages of the checkout and a secret."""
    paths = [ROOT, ROOT / "protocol", ROOT / "clients" / "python"]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONUNBUFFERED": "1",
        "CHATD_SECRET": SECRET,
        # Gateways with folders of their own are one deployment by it.
        "CHATD_DEPLOYMENT_SECRET": SECRET,
    }


@asynccontextmanager
async def serving(data_dir: Path, *arguments: str) -> AsyncIterator[Server]:
    """A running server, stopped in order; what it complained of is printed."""
    server = Server(data_dir, arguments)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
        if complaints := server.complaints:
            print(complaints)
