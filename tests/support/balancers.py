"""Debian's nginx and HAProxy, running the very files of `deploy/` on free ports."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.support.ports import Port
from tests.support.server import ROOT
from tests.support.waiting import wait_until

PUBLIC: Final = "127.0.0.1:8000"
BEHIND: Final = ("127.0.0.1:8081", "127.0.0.1:8082")

COMMANDS: Final = {
    "nginx": ("nginx.conf", ("nginx", "-g", "daemon off;", "-p", ".", "-c")),
    "haproxy": ("haproxy.cfg", ("haproxy", "-db", "-f")),
}
"""By name: the file in `deploy/`, and the command that takes it in the foreground."""


@asynccontextmanager
async def balancing(
    name: str, folder: Path, gateways: Sequence[int]
) -> AsyncIterator[str]:
    """The URL of a balancer that gives requests to local ports in turn."""
    kept = Port()
    port = kept.number
    source, (program, *options) = COMMANDS[name]
    file = configured(source, folder, gateways, port)
    # Debian keeps both where only root's PATH leads.
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    assert found is not None, f"{program} is missing: ./dev test installs it"
    process = await asyncio.create_subprocess_exec(found, *options, file, cwd=folder)
    try:
        await wait_until(lambda: listens(port), what=name)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


def configured(source: str, folder: Path, gateways: Sequence[int], port: int) -> Path:
    """A file of `deploy/` with other ports and as many gateways."""
    text = (ROOT / "deploy" / source).read_text()
    lines = []
    for line in text.splitlines():
        lines.append(line)
        if BEHIND[-1] in line:
            others = range(len(BEHIND), len(gateways))
            lines += [more(line, number, gateways[number]) for number in others]
    text = "\n".join([*lines, ""])
    behind = dict(zip(BEHIND, gateways, strict=False))
    for documented, real in {PUBLIC: port, **behind}.items():
        assert documented in text, documented
        text = text.replace(documented, f"127.0.0.1:{real}")
    # One process takes strict turns: a client never comes to the same gateway twice.
    text = text.replace("worker_processes auto", "worker_processes 1")
    folder.mkdir(parents=True)
    file = folder / source
    file.write_text(text)
    return file


def more(line: str, number: int, port: int) -> str:
    """The line of the second gateway as that of another one."""
    here = line.replace(BEHIND[-1], f"127.0.0.1:{port}")
    return here.replace("server b ", f"server g{number} ")


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
