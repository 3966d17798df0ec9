"""Debian's PostgreSQL as a server of the tests' own: real, durable, quick to fill.

Its folder is in memory where there is room for it, so `fsync` stays on and costs
nothing. The default collation is a linguistic one on purpose: whatever sorts or
compares must say how, or a test fails.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import asyncpg

from tests.support.ports import Port
from tests.support.processes import runs, state

START_DEADLINE_S = 60.0
POLL_S = 0.02
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 3 * 2**30
"""For each server, whose log alone may grow to `max_wal_size` and half as much again; a
container often has 64 MB."""
USER = "chatd"

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "100",
    "shared_buffers": "64MB",
    # A checkpoint in the middle would only slow the tests.
    "checkpoint_timeout": "1h",
    "max_wal_size": "1GB",
    "deadlock_timeout": "100ms",
    "log_statement": "none",
}


def programs() -> Path:
    """The folder of the newest PostgreSQL's programs."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2])
    )
    if installed:
        return installed[-1]
    found = shutil.which("postgres")
    assert found is not None, "PostgreSQL is not installed: ./dev test brings it"
    return Path(found).parent


def _account() -> str | None:
    """Whom to run as: the server refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


class PostgresServer:
    """One server: started, stopped, killed and paused as a test wants it.

    What starts and ends it waits: with a loop, call it by `asyncio.to_thread`.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._port = Port()
        self.port = self._port.number
        self._settings = dict(_SETTINGS) | dict(settings or {})
        self._account = _account()
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)

    def url(self, database: str = "postgres", user: str = USER) -> str:
        """Where a database of this server is."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    @property
    def log(self) -> str:
        """What the server wrote, all its lives together."""
        return (self.folder / "log").read_text(errors="replace")

    def make(self) -> None:
        """Lay out the folder, once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._account is not None:
            shutil.chown(self.folder, self._account)
        self._run(
            *("initdb", "--pgdata", str(self.folder / "data"), "--auth", "trust"),
            *("--username", USER, "--encoding", "UTF8", "--locale", "C.UTF-8"),
            *("--locale-provider", "icu", "--icu-locale", "en", "--no-sync"),
        )
        lines = [f"{name} = '{value}'" for name, value in self._settings.items()]
        configuration = self.folder / "data" / "postgresql.auto.conf"
        configuration.write_text("\n".join([*lines, f"port = {self.port}", ""]))

    def start(self) -> None:
        """Returns once it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [programs() / "postgres", "-D", self.folder / "data"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=self._account,
                group=None if self._account is None else self._group(),
                extra_groups=None if self._account is None else [],
                start_new_session=True,
            )
        end = time.monotonic() + START_DEADLINE_S
        while not self.answers():
            assert self._process.poll() is None, self.log[-4000:]
            assert time.monotonic() < end, self.log[-4000:]
            time.sleep(POLL_S)

    def answers(self) -> bool:
        """Whether it takes connections: an open port alone would not say so."""
        asked = ["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        done = subprocess.run([programs() / asked[0], *asked[1:]], check=False)
        return done.returncode == 0

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: the fast end; SIGTERM waits for clients, SIGQUIT is a crash."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            self.resume(process)
            process.send_signal(how)
        if process is not None:
            process.wait(START_DEADLINE_S)

    def kill(self) -> None:
        """SIGKILL for all of it, as a machine that loses power to the software."""
        process, self._process = self._process, None
        if process is None:
            return
        # Stopped first: it must not make another child while they are counted.
        self._signal(process, signal.SIGSTOP)
        children = _children(process.pid)
        for pid in (process.pid, *children):
            _kill(pid, signal.SIGKILL)
        process.wait(START_DEADLINE_S)
        end = time.monotonic() + START_DEADLINE_S
        while any(map(runs, children)):
            assert time.monotonic() < end
            time.sleep(POLL_S)

    def pause(self) -> None:
        """Alive but mute: nothing is answered until `resume`."""
        assert self._process is not None
        self._signal(self._process, signal.SIGSTOP)

    def resume(self, process: subprocess.Popen[bytes] | None = None) -> None:
        """Go on after a pause."""
        process = process or self._process
        assert process is not None
        self._signal(process, signal.SIGCONT)

    def restart(self) -> None:
        """The fast end, and a new beginning on the same port."""
        self.stop()
        self.start()

    async def create(self, template: str = "template1", name: str | None = None) -> str:
        """A new database, a copy of another one to which nobody is connected."""
        name = name or f"test_{next(self._names)}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        await self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def execute(self, sql: str, database: str = "postgres") -> None:
        """Run statements that answer nothing."""
        connection = await asyncpg.connect(self.url(database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def _group(self) -> int:
        assert self._account is not None
        return pwd.getpwnam(self._account).pw_gid

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [programs() / program, *arguments],
            check=False,
            cwd=self.folder,
            capture_output=True,
            text=True,
            user=self._account,
            group=None if self._account is None else self._group(),
            extra_groups=None if self._account is None else [],
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @staticmethod
    def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        _kill(process.pid, number)
        if number == signal.SIGSTOP:
            # Until it stands still it may have a child that is not counted.
            end = time.monotonic() + START_DEADLINE_S
            while state(process.pid) not in "TZX":
                assert time.monotonic() < end
                time.sleep(POLL_S)
        for pid in _children(process.pid):
            _kill(pid, number)


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _children(pid: int) -> list[int]:
    """Each of the server's processes leads a session, so a group would not do."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in text.split()]


def has_room(folder: Path) -> bool:
    """Whether a server may be put there."""
    if not os.access(folder, os.W_OK):
        return False
    return shutil.disk_usage(folder).free >= MEMORY_BYTES_MIN


@contextmanager
def postgres_server(
    settings: Mapping[str, str] | None = None, *, on_disk: bool = False
) -> Iterator[PostgresServer]:
    """A running server in a folder of its own, gone afterwards."""
    where = MEMORY if not on_disk and has_room(MEMORY) else None
    folder = Path(tempfile.mkdtemp(prefix="chatd-postgres-", dir=where))
    # The server's account must be able to reach what is inside.
    folder.chmod(0o755)
    server = PostgresServer(folder / "server", settings)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(folder)
