"""Rows 9, 16, 17 and 29: the disk, and who else holds the database."""

import asyncio
import re
import shutil
import signal
import sys
from functools import partial
from pathlib import Path

import apsw
import asyncpg
import httpx2

from chatd.store.engine.migrating import load
from chatd_client import Refused
from tests.faults.talk import Talk
from tests.support.databases import is_postgres, path_of
from tests.support.postgres import PostgresServer
from tests.support.server import Server, environment
from tests.support.volumes import on_volume, seen_by
from tests.support.waiting import wait_until

SYNC = re.compile(r"\b(fdatasync|fsync)\(\d+")
ANSWER = re.compile(r"\b(write|sendto|sendmsg)\(\d+,.*the answer is awaited")


async def test_row_9_no_answer_before_the_disk_has_it(tmp_path: Path) -> None:
    """A power cut would take back what was acknowledged."""
    strace = shutil.which("strace")
    assert strace, "strace is missing: ./dev test installs it"
    trace = tmp_path / "trace"
    server = Server(
        tmp_path / "data",
        ["--demo"],
        prefix=[
            strace,
            *("-D", "-f", "-qq", "-s", "4096", "-o", str(trace)),
            *("-e", "trace=fsync,fdatasync,write,sendto,sendmsg,writev"),
        ],
    )
    await server.start()
    try:
        async with Talk() as talk:
            await talk.join(server.url, "anna")
            await talk.start("anna", "s001", "s002")
            # What is still being written of the start is in the trace when this is.
            await talk.say("anna", "all before")
            await wait_until(lambda: "all before" in traced(trace))
            lines = len(traced(trace).splitlines())
            await talk.say("anna", "the answer is awaited")
    finally:
        await server.stop()
    happened = traced(trace).splitlines()[lines:]
    answered = next(n for n, line in enumerate(happened) if ANSWER.search(line))
    synced = [n for n, line in enumerate(happened) if SYNC.search(line)]
    assert any(number < answered for number in synced), happened[: answered + 1]


def traced(trace: Path) -> str:
    return trace.read_text(errors="replace")


async def test_row_16_the_disk_is_full(tmp_path: Path) -> None:
    """A full disk would acknowledge what is lost, or need a restart to get well."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    server = Server(data_dir, ["--demo"], prefix=on_volume(data_dir, "16m"))
    await server.start()
    try:
        async with Talk() as talk:
            await talk.join(server.url, "anna")
            await talk.start("anna", "s001", "s002")
            full = seen_by(server.pid, data_dir) / "filler"
            await asyncio.to_thread(fill, full)
            code = await until_refused(talk)
            assert code == "storage_full"
            full.unlink()
            await wait_until(partial(accepted, talk))
            await talk.settle()
            talk.check()
    finally:
        await server.stop()


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as filler:
        for size in (1_000_000, 10_000, 512):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                continue


async def until_refused(talk: Talk) -> str:
    """Some pages are free inside the database; they go, too."""
    for number in range(500):
        code = await refusal(talk, f"{number}\n" + "x" * 8_000)
        if code is not None:
            return code
    raise AssertionError("the disk never became full")


async def accepted(talk: Talk) -> bool:
    return await refusal(talk, f"freed {talk.answered}") is None


async def refusal(talk: Talk, text: str) -> str | None:
    """The code with which a message is refused for the moment, if it is."""
    try:
        await talk.say("anna", text)
    except Refused as refused:
        return refused.code
    return None


async def test_row_17_another_process_holds_the_database(tmp_path: Path) -> None:
    """A second process with the file would stop the server, or show in an error."""
    server = Server(tmp_path / "data", ["--demo"])
    await server.start()
    holder = apsw.Connection(str(tmp_path / "data" / "chatd.sqlite3"))
    try:
        async with Talk() as talk, httpx2.AsyncClient() as http:
            await talk.join(server.url, "anna")
            await talk.join(server.url, "s001")
            await talk.start("anna", "s001", "s002")
            # The server may be writing something of its own at this moment.
            holder.set_busy_timeout(900)
            holder.execute("BEGIN IMMEDIATE")
            sending = talk.sending("anna", "in between")
            # Whoever only reads is not held up, and neither is the event loop.
            for _ in range(10):
                await talk.log("s001")
                assert (await http.get(f"{server.url}/livez")).status_code == 200
            assert not sending.done()
            holder.execute("ROLLBACK")
            await sending
            await talk.settle()
            talk.check()
    finally:
        holder.close()
        await server.stop()


async def test_row_29_killed_while_it_migrates(
    tmp_path: Path, engine: str, server_of: PostgresServer | None
) -> None:
    """A server killed in its first second would never start again."""
    url = f"sqlite:///{tmp_path / 'chatd.sqlite3'}"
    if server_of is not None:
        url = server_of.url(await server_of.create())
    where = ("--data-dir", str(tmp_path), "--database-url", url)
    killed = await command("serve", "--port", "0", *where, CHATD_FAILPOINTS=ONE_STEP)
    assert killed == -signal.SIGKILL
    ended = await asyncio.gather(*(command("migrate", *where) for _ in range(2)))
    assert ended == [0, 0]
    # Whole, with every step there once: another start has nothing to do.
    assert await command("check", *where) == 0
    assert await steps(url) == [*range(1, len(load(engine)) + 1)]


ONE_STEP = "during_migration=once(2):kill9"


async def command(*words: str, **variables: str) -> int | None:
    """How one `chatd` command ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chatd", *words, env=environment() | variables
    )
    async with asyncio.timeout(200):
        return await process.wait()


async def steps(url: str) -> list[int]:
    sql = "SELECT number FROM migration ORDER BY number"
    if is_postgres(url):
        link = await asyncpg.connect(url)
        numbers = [row[0] for row in await link.fetch(sql)]
        await link.close()
        return numbers
    connection = apsw.Connection(str(path_of(url)))
    try:
        return [row[0] for row in connection.execute(sql)]
    finally:
        connection.close()
