"""Hostile request heads. Plain uvicorn fails every one of these tests."""

import asyncio

import pytest

from chatd.signalr.http import listener
from chatd.signalr.http.listener import PIPELINE_MAX
from tests.signalr.raw import Raw, dial, upgrade
from tests.signalr.sample import FLOOD_BYTES, Sample, sample_server
from tests.support.waiting import wait_until

PLAIN = b"GET /sample HTTP/1.1\r\nHost: 127.0.0.1\r\n"
SHORT_S = 0.5


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HEAD_S", SHORT_S)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("said", [b"", b"GET /sam", PLAIN])
async def test_silence_is_not_waited_for(said: bytes) -> None:
    """Ten thousand silent sockets would keep everybody else out."""
    async with sample_server() as sample:
        raw = await dial(sample)
        raw.send(said)
        assert await raw.rest() == b""


@pytest.mark.usefixtures("impatient")
async def test_dripping_is_not_waited_for() -> None:
    """One header a second would keep a socket open for ever."""
    async with sample_server() as sample:
        raw = await dial(sample)
        raw.send(PLAIN)
        ending = asyncio.ensure_future(raw.rest(60))
        number = 0
        while not ending.done():
            number += 1
            raw.send(f"x-{number}: 1\r\n".encode())
            await asyncio.wait([ending], timeout=SHORT_S / 3)
        assert number < 60


async def test_requests_behind_one_another_are_bounded() -> None:
    """One read can hold 9,000 of them: 40 MB, and 0.3 s in which nobody is heard."""
    request = PLAIN + b"\r\n"
    async with sample_server() as sample:
        raw = await dial(sample)
        raw.send(request * (PIPELINE_MAX + 1))
        for _ in range(PIPELINE_MAX + 1):
            await raw.until(b"Connection ID required")
        raw.send(request * 1_000)
        assert (await raw.rest()).count(b"HTTP/1.1 ") <= PIPELINE_MAX + 1


@pytest.mark.parametrize("head", [PLAIN, upgrade().removesuffix(b"\r\n")])
@pytest.mark.parametrize(
    "extra",
    [
        b"x-long: " + b"x" * 17_000 + b"\r\n\r\n",
        b"".join(b"x-%d: 1\r\n" % number for number in range(140)) + b"\r\n",
        b"x-endless: " + b"x" * 100_000,
    ],
    ids=["long", "many", "endless"],
)
async def test_large_heads_are_refused_at_once(head: bytes, extra: bytes) -> None:
    """A head could grow without end, or never be answered."""
    async with sample_server() as sample:
        raw = await dial(sample)
        raw.send(head + extra)
        assert (await raw.rest()).startswith(b"HTTP/1.1 431 ")


async def test_a_long_request_line_is_refused() -> None:
    """A query could grow without end."""
    async with sample_server() as sample:
        raw = await dial(sample)
        raw.send(b"GET /sample?x=" + b"x" * 17_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await raw.rest()).startswith(b"HTTP/1.1 431 ")


async def test_an_ordinary_head_is_answered() -> None:
    """The bounds would keep honest clients out."""
    async with sample_server() as sample:
        raw = await dial(sample)
        cookies = b"cookie: " + b"c" * 8_000 + b"\r\n"
        raw.send(PLAIN + cookies * 2 + b"connection: close\r\n\r\n")
        assert (await raw.rest()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b"POST /sample?id=none HTTP/1.1\r\n", b"HTTP/1.1 404 "),
        (b"POST /sample/negotiate HTTP/1.1\r\n", b"HTTP/1.1 200 "),
        (b"OPTIONS /sample HTTP/1.1\r\n", b"HTTP/1.1 204 "),
        (b"GET /nothing/here HTTP/1.1\r\n", b"HTTP/1.1 404 "),
        (b"POST /sink HTTP/1.1\r\n", b"HTTP/1.1 408 "),
    ],
)
async def test_a_body_that_drips_is_cut(
    monkeypatch: pytest.MonkeyPatch, head: bytes, answer: bytes
) -> None:
    """A byte a second would keep a socket for ever, also when nobody reads the body."""
    monkeypatch.setattr(listener, "BODY_S", SHORT_S)
    async with sample_server() as sample:
        raw = await dial(sample)
        raw.send(head + b"Host: 127.0.0.1\r\nContent-Length: 10000\r\n\r\n")
        ending = asyncio.ensure_future(raw.rest(60))
        drops = 0
        while not ending.done():
            drops += 1
            raw.send(b"x")
            await asyncio.wait([ending], timeout=SHORT_S / 4)
        assert drops < 60
        assert (await ending).startswith(answer)


async def test_an_honest_body_has_the_time_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody with a slow network could never send anything long."""
    monkeypatch.setattr(listener, "BODY_S", SHORT_S)
    async with sample_server() as sample:
        raw = await dial(sample)
        raw.send(b"POST /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 40001\r\n\r\n")
        # The first piece earns ten seconds: far more than the others take.
        raw.send(b"x" * 40_000)
        await asyncio.sleep(SHORT_S * 2)
        raw.send(b"x")
        assert (await raw.until(b"\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_sockets_that_say_nothing_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One machine could take every file that the server may open."""
    monkeypatch.setattr(listener, "SILENT_MAX", 3)
    async with sample_server() as sample:
        mine = [await stranger(sample) for _ in range(3)]
        assert await (await stranger(sample)).rest() == b""
        # A request makes room; so does leaving.
        mine[0].send(PLAIN + b"\r\n")
        assert (await mine[0].until(b"\r\n")).startswith(b"HTTP/1.1 400 ")
        mine[1].writer.transport.abort()
        for _ in range(2):
            raw = await stranger(sample)
            raw.send(PLAIN + b"connection: close\r\n\r\n")
            assert (await raw.rest()).startswith(b"HTTP/1.1 400 ")
        # Behind a proxy everybody has one address, and the proxy is trusted.
        for _ in range(5):
            await dial(sample)
        last = await dial(sample)
        last.send(PLAIN + b"connection: close\r\n\r\n")
        assert (await last.rest()).startswith(b"HTTP/1.1 400 ")


async def stranger(sample: Sample) -> Raw:
    """A connection from an address that is no proxy."""
    here = ("127.0.0.2", 0)
    streams = await asyncio.open_connection("127.0.0.1", sample.port, local_addr=here)
    sample.writers.append(streams[1])
    return Raw(*streams)


@pytest.mark.parametrize("reads", [True, False])
async def test_an_answer_that_nobody_reads_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    """Answers would fill the memory, each for as long as its client likes."""
    # Who reads has more time than any machine needs for it.
    monkeypatch.setattr(listener, "WRITE_S", 60.0 if reads else SHORT_S)
    async with sample_server() as sample:
        raw = await dial(sample)
        raw.send(b"GET /flood HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await raw.until(b"\r\n\r\n")
        if not reads:
            raw.pause()
            await wait_until(lambda: sample.requested() == 0)
            raw.resume()
        assert (len(await raw.rest(60)) == FLOOD_BYTES) is reads
