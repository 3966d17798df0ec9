"""Calls of one client, by raw bytes: their order, their ends, their texts."""

import asyncio
import json

from tests.signalr.raw import TEXT, Raw, call, dial_socket, frame
from tests.signalr.sample import sample_server
from tests.support.waiting import wait_until


def message(**content: object) -> bytes:
    return frame(TEXT, json.dumps(content).encode() + b"\x1e")


def stream(call_id: str, target: str, *arguments: object, **more: object) -> bytes:
    head = {"type": 4, "invocationId": call_id, "target": target}
    return message(**head, arguments=arguments, **more)


def cancel(call_id: str) -> bytes:
    return message(type=5, invocationId=call_id)


async def completion(raw: Raw, call_id: str) -> dict[str, object]:
    """The completion of a call; what comes before it is skipped."""
    wanted = f'{{"type":3,"invocationId":"{call_id}"'.encode()
    await raw.until(wanted)
    found: dict[str, object] = json.loads(wanted + (await raw.until(b"\x1e"))[:-1])
    return found


async def test_a_stream_that_is_cancelled_in_the_queue_ends_well() -> None:
    """A client that changes its mind would be shown an error."""
    async with sample_server() as sample:
        raw = await dial_socket(sample)
        raw.send(call(1, "Slow", 0.2) + stream("s", "Forever") + cancel("s"))
        assert await completion(raw, "s") == {"type": 3, "invocationId": "s"}
        assert sample.hub.noted == ["slow"]
        # It never began, and its id is free again.
        assert sample.hub.stopped_streams == 0
        raw.send(stream("s", "Count", 2))
        assert await completion(raw, "s") == {"type": 3, "invocationId": "s"}


async def test_a_running_stream_is_cancelled() -> None:
    """A method would go on for a client that does not listen any more."""
    async with sample_server() as sample:
        raw = await dial_socket(sample)
        raw.send(stream("s", "Forever"))
        await raw.until(b'"item":3')
        raw.send(cancel("s"))
        assert await completion(raw, "s") == {"type": 3, "invocationId": "s"}
        assert sample.hub.stopped_streams == 1
        raw.send(cancel("s") + cancel("never was") + call(2, "Echo", 1))
        assert (await completion(raw, "2"))["result"] == 1


async def test_a_call_that_is_cancelled_fails() -> None:
    """A client would take a call that was broken off for one that was done."""
    async with sample_server() as sample:
        raw = await dial_socket(sample)
        raw.send(call(1, "Slow", 5.0) + call(2, "Slow", 5.0) + call(3, "Echo", 1))
        raw.send(cancel("2") + cancel("1"))
        for number in ("1", "2"):
            error = (await completion(raw, number))["error"]
            assert (
                error == "An unexpected error occurred invoking 'Slow' on the server."
            )
        assert (await completion(raw, "3"))["result"] == 1
        assert sample.hub.noted == []


async def test_a_call_that_is_cancelled_twice_harms_no_other() -> None:
    """A double click on "cancel" would leave every call behind it without an answer."""
    async with sample_server() as sample:
        raw = await dial_socket(sample)
        raw.send(call(0, "Note", 0) + call(1, "Slow", 5.0))
        raw.send(call(2, "Slow", 0.01) + call(3, "Echo", 1))
        await completion(raw, "0")
        raw.send(cancel("1") + cancel("1"))
        assert "error" in await completion(raw, "1")
        assert (await completion(raw, "2"))["result"] == "slow"
        assert (await completion(raw, "3"))["result"] == 1


async def test_a_call_that_ends_in_spite_of_being_cancelled_is_over() -> None:
    """The next cancellation would end the worker instead of its call."""
    async with sample_server() as sample:
        raw = await dial_socket(sample)
        raw.send(call(1, "Stubborn") + call(2, "Slow", 5.0) + call(3, "Echo", 1))
        await wait_until(lambda: sample.hub.noted == ["stubborn begins"])
        raw.send(cancel("1"))
        assert (await completion(raw, "1"))["result"] == "done"
        raw.send(cancel("2"))
        assert "error" in await completion(raw, "2")
        assert (await completion(raw, "3"))["result"] == 1


async def test_a_stream_that_is_cancelled_twice_ends_well() -> None:
    """Its method would be interrupted in what it does last, and its client wait."""
    async with sample_server() as sample:
        raw = await dial_socket(sample)
        raw.send(stream("s", "Tidy"))
        await raw.until(b'"item":0')
        raw.send(cancel("s"))
        await wait_until(lambda: sample.hub.noted == ["tidying"])
        raw.send(cancel("s"))
        assert await completion(raw, "s") == {"type": 3, "invocationId": "s"}
        assert sample.hub.noted == ["tidying", "tidy"]


async def test_streams_are_bounded_and_have_their_own_ids() -> None:
    """One client could have a task for every number there is."""
    async with sample_server(streams=2) as sample:
        raw = await dial_socket(sample)
        raw.send(stream("a", "Forever") + stream("a", "Forever"))
        assert "already in use" in str((await completion(raw, "a"))["error"])
        raw.send(stream("b", "Forever") + stream("c", "Forever"))
        assert "streams are open" in str((await completion(raw, "c"))["error"])
        raw.writer.close()
        await wait_until(lambda: sample.hub.stopped_streams == 2)


async def test_uploads_need_what_the_method_takes() -> None:
    """A method would wait for a stream that nobody sends, or get another one's."""
    async with sample_server(uploads=1, upload_items=4) as sample:
        raw = await dial_socket(sample)
        head = {"type": 1, "target": "Total", "arguments": []}
        raw.send(message(**head, invocationId="1"))
        assert "expects 1" in str((await completion(raw, "1"))["error"])
        raw.send(message(**head, invocationId="2", streamIds=["x", "y"]))
        assert "sent 2 stream(s)" in str((await completion(raw, "2"))["error"])
        raw.send(message(**head, invocationId="3", streamIds=["x"]))
        raw.send(message(type=2, invocationId="x", item=4))
        raw.send(message(type=2, invocationId="nobody's", item=4))
        raw.send(message(type=3, invocationId="x"))
        assert (await completion(raw, "3"))["result"] == 4
        # Faster than the method reads: that stream fails, and nothing else.
        raw.send(call(4, "Slow", 0.2))
        raw.send(message(**head, invocationId="5", streamIds=["x"]))
        raw.send(message(type=2, invocationId="x", item=1) * 5)
        assert "faster" in str((await completion(raw, "5"))["error"])
        raw.send(call(6, "Echo", 1))
        assert (await completion(raw, "6"))["result"] == 1


async def test_what_waits_is_bounded_by_bytes_too() -> None:
    """A few dozen of the largest messages would be millions of bytes of each client."""
    async with sample_server(invocation_queue_bytes=40_000) as sample:
        raw = await dial_socket(sample)
        raw.send(call(0, "Wait"))
        for number in range(1, 40):
            raw.send(call(number, "Echo", "x" * 15_000))

        def waiting() -> int:
            (calls,) = sample.hub.context._calls.values()
            return len(calls._queue)

        await wait_until(lambda: sample.hub.context._calls)
        await wait_until(lambda: sample.ask(waiting))
        # Time in which it would read on: that it does not has no sign to wait for.
        await asyncio.sleep(0.1)
        # The one that went over the bound was read, and no other.
        assert 1 <= sample.ask(waiting) <= 3
        sample.ask(sample.hub.may_go_on.set)
        for number in range(1, 40):
            assert len(str((await completion(raw, str(number)))["result"])) == 15_000


async def test_a_method_outlives_its_client() -> None:
    """What a method does would be half done when the network fails."""
    async with sample_server() as sample:
        raw = await dial_socket(sample)
        raw.send(call(1, "Wait") + call(2, "Note", "dropped"))
        await wait_until(lambda: sample.hub.context._calls)
        raw.writer.transport.abort()
        await wait_until(lambda: sample.ask(sample.hub.context.everyone) == [])
        sample.ask(sample.hub.may_go_on.set)
        await wait_until(lambda: sample.hub.departures)
        assert sample.hub.noted == ["waited"]
