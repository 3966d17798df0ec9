"""Several processes at one address: `chatd serve --workers N`.

The parent opens the socket that all of them accept from, and does nothing else but keep
them alive. Each is the same server as a single process is, with a private port where
its siblings reach it. A worker gets its settings on standard input, which then stays
open: when it ends, the parent has gone, and so does the worker.
"""

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import msgspec

from chatd import telemetry
from chatd.clock import Clock, SystemClock
from chatd.config import Config, packed
from chatd.operating.ports import open_port
from chatd.telemetry import log

AGAIN_S: Final = 0.1
AGAIN_S_MAX: Final = 10.0
"""The pause before a worker that died is started again: twice as long each time, and
the shortest again once one has lived for `STEADY_S`."""

STEADY_S: Final = 10.0

LATE_S: Final = 5.0
"""How long after its grace a worker is killed; it ends by itself within the grace."""


class Workers:
    """The parent's side of `workers` processes that accept from one socket."""

    def __init__(self, config: Config, shared: socket.socket, clock: Clock) -> None:
        self._config = config
        self._shared = shared
        self._clock = clock
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._one_listens = asyncio.Event()
        self._ending = asyncio.Event()
        self._code = 0

    async def run(self) -> int:
        """Keep them running until SIGINT or SIGTERM; the exit code.

        That is the first worker's own if it never came to listen, because the others
        would fare no better, and 1 if one had to be killed at the end.
        """
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, self._end, sign)
        async with asyncio.TaskGroup() as keeping:
            for index in range(self._config.workers):
                if not self._ending.is_set():
                    keeping.create_task(self._keep(index))
                # The first alone brings the database up to date.
                await self._one_listens.wait()
        return self._code

    def _end(self, sign: signal.Signals) -> None:
        # Ours too must close, or clients would wait on a socket that nobody reads.
        self._shared.close()
        self._ending.set()
        self._one_listens.set()
        for process in self._running.values():
            _signal(process, sign)
        asyncio.get_running_loop().call_later(self._config.grace + LATE_S, self._kill)

    def _kill(self) -> None:
        for index, process in self._running.items():
            log.error("worker did not end and is killed", worker=index)
            self._code = 1
            _signal(process, signal.SIGKILL)

    async def _keep(self, index: int) -> None:
        pause_s = AGAIN_S
        while not self._ending.is_set():
            began_s = self._clock.monotonic()
            code = await self._live(index)
            if self._ending.is_set():
                return
            if not self._one_listens.is_set():
                self._code = code if code > 0 else 1
                self._end(signal.SIGTERM)
                return
            if self._clock.monotonic() - began_s >= STEADY_S:
                pause_s = AGAIN_S
            log.error("worker ended", worker=index, code=code, again_s=pause_s)
            try:
                async with asyncio.timeout(pause_s):
                    await self._ending.wait()
            except TimeoutError:
                pause_s = min(2 * pause_s, AGAIN_S_MAX)

    async def _live(self, index: int) -> int:
        """One life of a worker; its exit code."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chatd", "worker", str(self._shared.fileno())),
            pass_fds=(self._shared.fileno(),),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # A terminal's Ctrl-C reaches all of its processes; ours are told by us.
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._running[index] = process
        process.stdin.write(packed(self._of_worker(index)) + b"\n")
        if self._ending.is_set():
            _signal(process, signal.SIGTERM)
        told = self._one_listens.is_set()
        async for line in process.stdout:
            # All say where they listen; it is the same place.
            if not told:
                print(line.decode(), end="", flush=True)  # noqa: T201 - as `serve`
            self._one_listens.set()
        code = await process.wait()
        del self._running[index]
        return code

    def _of_worker(self, index: int) -> Config:
        """Its settings: ports that are a process's own follow one another."""
        config = self._config
        inside, metrics_port = config.internal_url, config.metrics_port
        if inside is not None and (port := urlsplit(inside).port):
            inside = inside.removesuffix(str(port)) + str(port + index)
        if metrics_port:
            metrics_port += index
        return msgspec.structs.replace(
            config, internal_url=inside, metrics_port=metrics_port
        )


def _signal(process: asyncio.subprocess.Process, sign: signal.Signals) -> None:
    # It may have ended a moment ago.
    with suppress(ProcessLookupError):
        process.send_signal(sign)


def serve(config: Config) -> int:
    """Run `config.workers` processes until SIGINT or SIGTERM; the exit code.

    Raises:
        OSError: the address cannot be listened on.
    """
    telemetry.configure(config.log_level)
    shared = open_port(config.host, config.port)
    with shared:
        return asyncio.run(Workers(config, shared, SystemClock()).run())
