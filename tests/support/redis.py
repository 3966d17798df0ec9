"""Debian's Redis as a server of the tests' own, alone or as a Cluster of three.

Nothing is kept on disk: what chatd has in Redis may vanish at any moment, and a server
that starts empty is what it meets after a crash.
"""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from tests.support.ports import cluster_ports

START_DEADLINE_S: Final = 60.0
POLL_S: Final = 0.01

SLOTS: Final = 16_384


class RedisServer:
    """One server: started, stopped, killed and paused as a test wants it.

    The methods wait; in a test with a loop call them by `asyncio.to_thread` where a
    wait is long.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._ports = cluster_ports()
        self.port = self._ports[0].number
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once it answers."""
        program = shutil.which("redis-server")
        assert program is not None, "Redis is not installed: ./dev test brings it"
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    *("--port", str(self.port), "--bind", "127.0.0.1"),
                    *("--dir", str(self.folder), "--save", "", "--appendonly", "no"),
                    *self._options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + START_DEADLINE_S
        while not self.answers():
            said = (self.folder / "log").read_text(errors="replace")[-4000:]
            assert self._process.poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(POLL_S)

    def answers(self) -> bool:
        """Whether it takes commands: an open port alone would not say so."""
        try:
            return self.command("PING").startswith(("PONG", "-NOAUTH"))
        except OSError:
            return False

    def command(self, *words: str) -> str:
        """The answer to one command, as text."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as link:
            parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
            link.sendall("".join([f"*{len(words)}\r\n", *parts]).encode())
            with link.makefile("rb") as answer:
                return _answer(answer)

    def stop(self) -> None:
        """The orderly end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: its connections break at once."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Alive but mute: nothing is answered until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after a pause."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """The orderly end, and an empty beginning on the same port."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(how)
        process.wait(START_DEADLINE_S)


def _answer(lines: BinaryIO) -> str:
    """One reply of the protocol; those of a list are joined by blanks."""
    head = lines.readline()
    if not head:
        raise ConnectionError("the connection was closed")
    kind, rest = head[:1], head[1:].strip()
    if kind == b"$":
        return lines.read(int(rest) + 2)[:-2].decode() if int(rest) >= 0 else ""
    if kind == b"*":
        return " ".join(_answer(lines) for _ in range(int(rest)))
    return rest.decode() if kind != b"-" else f"-{rest.decode()}"


class RedisCluster:
    """Three nodes without replicas, each with a third of the slots."""

    def __init__(self, folder: Path) -> None:
        self.nodes = tuple(
            RedisServer(
                folder / f"node-{number}",
                *("--cluster-enabled", "yes", "--cluster-node-timeout", "2000"),
                # The others keep working while one is gone.
                *("--cluster-require-full-coverage", "no"),
            )
            for number in range(3)
        )

    @property
    def url(self) -> str:
        """All nodes, so that any of them may be gone."""
        return "redis://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> None:
        """Returns once every node knows where every slot is."""
        for node in self.nodes:
            node.start()
        for number, node in enumerate(self.nodes):
            first, last = SLOTS * number // 3, SLOTS * (number + 1) // 3 - 1
            node.command("CLUSTER", "ADDSLOTSRANGE", str(first), str(last))
            node.command("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for node in self.nodes[1:]:
            self.nodes[0].command("CLUSTER", "MEET", "127.0.0.1", str(node.port))
        end = time.monotonic() + START_DEADLINE_S
        while not all(self._whole(node) for node in self.nodes):
            assert time.monotonic() < end, "the Cluster did not form"
            time.sleep(POLL_S)

    def stop(self) -> None:
        """All nodes end."""
        for node in self.nodes:
            node.kill()

    @staticmethod
    def _whole(node: RedisServer) -> bool:
        info = node.command("CLUSTER", "INFO")
        return "cluster_state:ok" in info and f"slots_assigned:{SLOTS}" in info


@contextmanager
def redis_server(*options: str) -> Iterator[RedisServer]:
    """A running server in a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="chatd-redis-") as folder:
        server = RedisServer(Path(folder), *options)
        try:
            server.start()
            yield server
        finally:
            server.kill()


@contextmanager
def redis_cluster() -> Iterator[RedisCluster]:
    """A running Cluster, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="chatd-redis-") as folder:
        cluster = RedisCluster(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
