"""Event streams, by raw bytes."""

import asyncio

from chatd.signalr.http.events import EventStreamPipe
from tests.signalr.raw import HANDSHAKE, Raw, dial
from tests.signalr.sample import Sample, sample_server
from tests.support.waiting import wait_until


async def negotiated(sample: Sample) -> str:
    raw = await dial(sample)
    raw.send(
        b"POST /sample/negotiate HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
        b"Connection: close\r\n\r\n"
    )
    said = await raw.rest()
    return said.split(b'"connectionId":"')[1].split(b'"')[0].decode()


async def streaming(sample: Sample) -> tuple[Raw, str]:
    """An event stream whose handshake is done, and its id."""
    token = await negotiated(sample)
    stream = await dial(sample)
    stream.send(
        f"GET /sample?id={token} HTTP/1.1\r\nHost: x\r\n"
        "Accept: text/event-stream\r\n\r\n".encode()
    )
    assert (await stream.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    await post(sample, token, HANDSHAKE)
    await stream.until(b"data: {}\x1e\r\n\r\n")
    return stream, token


async def post(sample: Sample, token: str, body: bytes) -> bytes:
    raw = await dial(sample)
    raw.send(
        f"POST /sample?id={token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return await raw.rest()


async def test_an_event_holds_whole_messages() -> None:
    """A browser would hand half a message to its client."""
    async with sample_server() as sample:
        stream, token = await streaming(sample)
        await stream.until(b'"greeting"')
        await post(
            sample,
            token,
            b'{"type":1,"invocationId":"1","target":"Echo","arguments":["a\\nb"]}\x1e',
        )
        await stream.until(b"data: ")
        data = await stream.until(b"\r\n\r\n")
        assert data.endswith(b'"a\\nb"}\x1e\r\n\r\n')
        assert b"\n" not in data.removesuffix(b"\r\n\r\n")


async def test_a_client_that_leaves_is_noticed_at_once() -> None:
    """People would be shown as present until the next ping fails."""
    async with sample_server() as sample:
        stream, _ = await streaming(sample)
        stream.writer.close()
        await wait_until(lambda: len(sample.hub.ended) == 1)
        assert "left its event stream" in str(sample.hub.departures[0][1])


async def test_a_client_that_reads_nothing_is_cut() -> None:
    """A stream that nobody reads would keep its socket and its memory for ever."""
    async with sample_server(outbound_s=1.0, close_s=90) as sample:
        stream, _ = await streaming(sample)
        stream.pause()
        hub = sample.hub

        (connection,) = hub.context.everyone()

        def fill() -> bool:
            connection.send("news", "x" * 100_000)
            return connection.closed or connection.pending_bytes > 500_000

        await wait_until(lambda: sample.ask(fill))
        # A minute before the end of what a client is given that says goodbye.
        await wait_until(lambda: hub.ended)
        assert "slower" in str(hub.departures[0][1])
        # Cut, and not waited for: what the kernel still has ends in a reset.
        stream.resume()
        assert len(await stream.rest()) < 64 * 2**20
        await wait_until(lambda: sample.ask(hub.context.everyone) == [])


async def test_the_last_words_come_before_the_end() -> None:
    """A client that is sent away would take it for a lost network."""
    async with sample_server() as sample:
        stream, token = await streaming(sample)
        await post(
            sample,
            token,
            b'{"type":1,"target":"Close","arguments":["enough",false]}\x1e',
        )
        said = await stream.until(b"0\r\n\r\n")
        assert b'{"type":7,"error":"enough"' in said


async def test_a_post_that_waits_ends_with_its_stream() -> None:
    """Each would keep its socket and its task for ever, long after its client left."""
    async with sample_server(invocation_queue=1) as sample:
        stream, token = await streaming(sample)
        wait = b'{"type":1,"target":"Wait","arguments":[]}\x1e'
        await post(sample, token, wait * 4)
        (connection,) = sample.hub.context.everyone()
        pipe = connection.pipe
        assert isinstance(pipe, EventStreamPipe)
        waits = asyncio.create_task(post(sample, token, b'{"type":6}\x1e'))
        await wait_until(lambda: sample.ask(pipe.posting.locked))
        stream.writer.close()
        assert b"HTTP/1.1 " in await waits
        sample.ask(sample.hub.may_go_on.set)
