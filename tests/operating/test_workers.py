"""Several processes at one address: that they stay, end together and leave nothing."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.support.processes import runs
from tests.support.server import ROOT, environment
from tests.support.waiting import wait_until

# Keeping processes alive has nothing to do with what they rest on, so here that is the
# one file that `chatd serve` itself would refuse to share.
PROGRAM = """
import sys
from pathlib import Path
from chatd.operating import workers
from chatd.config import Config
folder, secret = sys.argv[1:]
config = Config(
    data_dir=Path(folder), port=0, workers=2, drain_notice=0, demo=True, secret=secret
)
sys.exit(workers.serve(config))
"""
SECRET = "a secret for the tests of workers"


@dataclass
class Parent:
    """The running parent, and what is known of its workers."""

    process: asyncio.subprocess.Process
    url: str = ""

    @property
    def workers(self) -> list[int]:
        pid = self.process.pid
        return [
            int(child)
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]

    async def answers(self) -> bool:
        async with httpx2.AsyncClient(timeout=30) as http:
            return (await http.get(f"{self.url}/readyz")).is_success


@asynccontextmanager
async def parent_of_two(folder: Path) -> AsyncIterator[Parent]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, str(folder), SECRET),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=environment(),
    )
    parent = Parent(process)
    try:
        yield parent
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def listening(parent: Parent) -> None:
    assert parent.process.stdout is not None
    async with asyncio.timeout(120):
        line = await parent.process.stdout.readline()
        found = re.search(rb"listening on (\S+)", line)
        assert found is not None, line
        parent.url = found[1].decode()
        for _ in range(3):
            assert b"/#token=" in await parent.process.stdout.readline()
        await wait_until(lambda: len(parent.workers) == 2)


async def test_one_that_dies_comes_back_and_all_end_together(tmp_path: Path) -> None:
    """A crash would leave a server with fewer and fewer processes, or leave them be."""
    async with parent_of_two(tmp_path / "data") as parent:
        await listening(parent)
        # The first one is still writing the links; the parent would lose them with it.
        other, victim = parent.workers
        os.kill(victim, signal.SIGKILL)
        # Nobody who comes meanwhile is turned away: the socket is the parent's too.
        assert await parent.answers()
        await wait_until(lambda: victim not in parent.workers)
        await wait_until(lambda: len(parent.workers) == 2, what="a new one")
        assert other in parent.workers
        assert await parent.answers()
        workers = parent.workers
        parent.process.send_signal(signal.SIGTERM)
        out, log = await asyncio.wait_for(parent.process.communicate(), 120)
        assert parent.process.returncode == 0, log
        assert not any(map(runs, workers))
        # What the first one said is not said again by others.
        assert out == b""
        assert log.count(b'"event":"worker ended"') == 1


async def test_workers_do_not_outlive_their_parent(tmp_path: Path) -> None:
    """A parent that was killed would leave its port taken for ever."""
    async with parent_of_two(tmp_path / "data") as parent:
        await listening(parent)
        workers = parent.workers
        parent.process.kill()
        await parent.process.wait()
        await wait_until(lambda: not any(map(runs, workers)))


async def test_what_fails_at_once_is_not_tried_again(tmp_path: Path) -> None:
    """A wrong setting would fill the log instead of ending the command."""
    (tmp_path / "file").write_text("")
    async with parent_of_two(tmp_path / "file") as parent:
        out, log = await asyncio.wait_for(parent.process.communicate(), 120)
        assert parent.process.returncode == 1
        assert out == b""
        assert log.count(b"error: ") == 1
        assert b"worker ended" not in log
