"""Calls, streams, uploads and client results, over both encodings."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

import httpx2
import pytest

from chatd_client import (
    Address,
    CallFailed,
    ClientError,
    Connection,
    ConnectionClosed,
    ConnectionLost,
    Options,
)
from chatd_client.signalr import SentAway
from chatd_client.signalr.connection import CALLS_MAX, STREAM_ITEMS_MAX, Handler
from chatd_protocol.signalr import (
    CODECS,
    CancelInvocation,
    Close,
    Completion,
    Invocation,
    StreamInvocation,
    StreamItem,
)
from chatd_protocol.signalr.session import OPEN_IDS_MAX
from tests.clients.scripted import Peer, Scripted, scripted
from tests.support.waiting import wait_until

Connect = Callable[..., Connection]


@pytest.fixture(params=CODECS)
def options(request: pytest.FixtureRequest) -> Options:
    return Options(protocol=request.param)


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as client:
        yield client


@pytest.fixture
def connect(server: Scripted, http: httpx2.AsyncClient, options: Options) -> Connect:
    def make(**handlers: Handler) -> Connection:
        return Connection(http, Address(server.url), handlers, options)

    return make


async def test_calls_that_are_given_up_leave_their_place(
    server: Scripted, connect: Connect
) -> None:
    """After a server's long silence nothing more could be asked of it."""

    asked = 0

    async def script(peer: Peer) -> None:
        nonlocal asked
        while True:
            call = await peer.expect(Invocation)
            assert isinstance(call, Invocation)
            asked += call.target == "Ask"
            if call.target == "Answer":
                await peer.send(Completion(call.invocation_id or "", "yes"))

    def has_come(number: int) -> bool:
        return asked == number

    server.script = script
    async with connect() as connection:
        for turn in range(1, OPEN_IDS_MAX // CALLS_MAX + 1):
            calls = [
                asyncio.create_task(connection.invoke("Ask")) for _ in range(CALLS_MAX)
            ]
            await wait_until(partial(has_come, turn * CALLS_MAX))
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)
        assert await connection.invoke("Answer") == "yes"


async def test_any_number_of_calls_at_once(server: Scripted, connect: Connect) -> None:
    """Who writes to two thousand people at once would fail to for half of them."""

    async def script(peer: Peer) -> None:
        while True:
            call = await peer.expect(Invocation)
            assert isinstance(call, Invocation)
            await peer.send(Completion(call.invocation_id or "", call.arguments[0]))

    server.script = script
    async with connect() as connection:
        calls = (connection.invoke("Echo", n) for n in range(OPEN_IDS_MAX + 1))
        assert await asyncio.gather(*calls) == list(range(OPEN_IDS_MAX + 1))


async def test_a_call_and_its_result(server: Scripted, connect: Connect) -> None:
    """Nothing that is called would be answered."""

    async def script(peer: Peer) -> None:
        call = await peer.expect(Invocation)
        assert isinstance(call, Invocation)
        assert (call.target, call.arguments) == ("Add", [1, {"a": None}])
        await peer.send(Completion(call.invocation_id or "", 3))
        await peer.idle()

    server.script = script
    async with connect() as connection:
        assert await connection.invoke("Add", 1, {"a": None}) == 3


async def test_a_call_that_fails(server: Scripted, connect: Connect) -> None:
    """A refusal would look like an answer."""

    async def script(peer: Peer) -> None:
        call = await peer.expect(Invocation)
        assert isinstance(call, Invocation)
        await peer.send(Completion(call.invocation_id or "", error="no"))
        await peer.idle()

    server.script = script
    async with connect() as connection:
        with pytest.raises(CallFailed, match="no"):
            await connection.invoke("x")


async def test_answers_in_another_order(server: Scripted, connect: Connect) -> None:
    """One call would get the answer of another."""

    async def script(peer: Peer) -> None:
        calls = [await peer.expect(Invocation) for _ in range(3)]
        for call in reversed(calls):
            assert isinstance(call, Invocation)
            await peer.send(Completion(call.invocation_id or "", call.target))
        await peer.idle()

    server.script = script
    async with connect() as connection:
        found = await asyncio.gather(*map(connection.invoke, "abc"))
        assert found == ["a", "b", "c"]


async def test_a_server_stream(server: Scripted, connect: Connect) -> None:
    """A stream would lose items, or never end."""

    async def script(peer: Peer) -> None:
        call = await peer.expect(StreamInvocation)
        assert isinstance(call, StreamInvocation)
        items = [StreamItem(call.invocation_id, number) for number in range(3)]
        await peer.send(*items, Completion(call.invocation_id))
        await peer.idle()

    server.script = script
    async with connect() as connection:
        assert [item async for item in connection.stream("Count", 3)] == [0, 1, 2]


async def test_a_stream_that_is_left_is_cancelled(
    server: Scripted, connect: Connect
) -> None:
    """The server would go on producing for nobody."""
    cancelled = asyncio.Event()

    async def script(peer: Peer) -> None:
        call = await peer.expect(StreamInvocation)
        assert isinstance(call, StreamInvocation)
        await peer.send(StreamItem(call.invocation_id, 1))
        assert await peer.expect(CancelInvocation) == CancelInvocation(
            call.invocation_id
        )
        cancelled.set()
        await peer.idle()

    server.script = script
    async with connect() as connection:
        stream = connection.stream("Count")
        assert await anext(stream) == 1
        await stream.aclose()
        await asyncio.wait_for(cancelled.wait(), 60)


async def test_a_stream_that_nobody_reads_ends(
    server: Scripted, connect: Connect
) -> None:
    """A fast server would fill the memory of a slow reader."""

    async def script(peer: Peer) -> None:
        call = await peer.expect(StreamInvocation)
        assert isinstance(call, StreamInvocation)
        item = StreamItem(call.invocation_id, 1)
        await peer.send(*[item] * (STREAM_ITEMS_MAX + 10))
        await peer.expect(CancelInvocation)
        await peer.idle()

    server.script = script
    async with connect() as connection:
        stream = connection.stream("Count")
        await anext(stream)
        with pytest.raises(ClientError, match="not being read"):
            assert [item async for item in stream] == []


async def test_uploads(server: Scripted, connect: Connect) -> None:
    """What is streamed to the server would not arrive, or not end."""

    async def numbers() -> AsyncIterator[int]:
        for number in range(3):
            yield number

    async def script(peer: Peer) -> None:
        call = await peer.expect(Invocation)
        assert isinstance(call, Invocation)
        (name,) = call.stream_ids
        heard = [await peer.receive() for _ in range(4)]
        assert heard == [*(StreamItem(name, n) for n in range(3)), Completion(name)]
        await peer.send(Completion(call.invocation_id or "", 3))
        await peer.idle()

    server.script = script
    async with connect() as connection:
        assert await connection.invoke("Sum", uploads=[numbers()]) == 3


async def test_an_upload_that_fails_says_so(server: Scripted, connect: Connect) -> None:
    """The server would take half an upload for the whole."""

    async def broken() -> AsyncIterator[int]:
        yield 1
        raise ValueError("disk")

    async def script(peer: Peer) -> None:
        call = await peer.expect(Invocation)
        assert isinstance(call, Invocation)
        end = await peer.expect(Completion)
        assert isinstance(end, Completion)
        await peer.send(Completion(call.invocation_id or "", end.error))
        await peer.idle()

    server.script = script
    async with connect() as connection:
        assert await connection.invoke("Sum", uploads=[broken()]) == "disk"


async def answer_slowly(number: int) -> int:
    await asyncio.sleep(0)
    return number + 1


def answer_badly() -> None:
    raise ValueError("no idea")


async def test_client_results(server: Scripted, connect: Connect) -> None:
    """A server that asks its client would wait for ever."""
    answers: list[object] = []
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        for number, call in enumerate(["ASK", "slowly", "badly", "nobody"]):
            arguments = [1] if call in {"ASK", "slowly"} else []
            await peer.send(Invocation(call, arguments, f"s{number}"))
            answers.append(await peer.expect(Completion))
        asked.set()
        await peer.idle()

    server.script = script
    handlers = {"ask": lambda n: n, "slowly": answer_slowly, "badly": answer_badly}
    async with connect(**handlers):
        await asyncio.wait_for(asked.wait(), 60)
    assert answers == [
        Completion("s0", 1),
        Completion("s1", 2),
        Completion("s2", error="no idea"),
        Completion("s3", error="The client has no method 'nobody'."),
    ]


async def test_handlers_run_in_order(server: Scripted, connect: Connect) -> None:
    """Events would overtake each other on the last metre."""
    heard: list[int] = []
    done = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.send(*(Invocation("Event", [number]) for number in range(100)))
        await peer.send(Invocation("Done", []), Invocation("Unheard", [1]))
        await peer.idle()

    server.script = script
    async with connect(Event=heard.append, Done=done.set):
        await asyncio.wait_for(done.wait(), 60)
    assert heard == list(range(100))


async def test_a_bug_in_a_handler_is_not_hidden(
    server: Scripted, connect: Connect
) -> None:
    """An application would run on without the events that it fails at."""

    async def script(peer: Peer) -> None:
        await peer.send(Invocation("Badly", []))
        await peer.idle()

    server.script = script
    with pytest.raises(ValueError, match="no idea"):
        async with connect(Badly=answer_badly) as connection:
            assert isinstance(await connection.wait_ended(), ConnectionLost)


@pytest.mark.parametrize(
    ("close", "kind"),
    [
        (Close("gone"), ConnectionClosed),
        (Close("back soon", allow_reconnect=True), SentAway),
    ],
)
async def test_open_calls_learn_of_the_end(
    server: Scripted, connect: Connect, close: Close, kind: type[ConnectionLost]
) -> None:
    """A call would wait for an answer that cannot come."""

    async def script(peer: Peer) -> None:
        await peer.expect(Invocation)
        await peer.send(close)

    server.script = script
    async with connect() as connection:
        with pytest.raises(kind, match=close.error) as raised:
            await connection.invoke("a")
        assert type(raised.value) is kind
        with pytest.raises(ConnectionLost):
            await connection.invoke("b")


async def test_a_stream_learns_of_the_end(server: Scripted, connect: Connect) -> None:
    """A stream that broke off would look like one that ended."""

    async def script(peer: Peer) -> None:
        call = await peer.expect(StreamInvocation)
        assert isinstance(call, StreamInvocation)
        await peer.send(StreamItem(call.invocation_id, 1))

    server.script = script
    async with connect() as connection:
        stream = connection.stream("Count")
        assert await anext(stream) == 1
        with pytest.raises(ConnectionLost):
            await anext(stream)
