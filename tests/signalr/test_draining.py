"""The end of a server, as its clients see it."""

import asyncio
import time
from collections.abc import Coroutine

from tests.signalr.raw import Raw, call, dial, dial_socket, upgrade
from tests.signalr.sample import Sample, sample_server
from tests.support.waiting import wait_until

CLOSE = b'{"type":7,"allowReconnect":true}\x1e'


def calling(sample: Sample) -> bool:
    """Whether a method of anybody's runs."""
    context = sample.hub.context
    return sample.ask(lambda: any(map(context.is_calling, context.everyone())))


def on_server(
    sample: Sample, work: Coroutine[object, object, None]
) -> asyncio.Future[None]:
    """Awaits `work`, which runs on the server's loop."""
    return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, sample.loop))


async def closed_at(raw: Raw) -> float:
    await raw.until(CLOSE)
    return time.monotonic()


async def test_everybody_is_sent_away_spread_out() -> None:
    """A whole school would be at the next server's door in one moment."""
    async with sample_server() as sample:
        sockets = [await dial_socket(sample) for _ in range(60)]
        began = time.monotonic()
        leaving = asyncio.gather(*map(closed_at, sockets))
        await on_server(sample, sample.server.drain(30, 1))
        times = sorted(at - began for at in await leaving)
        # Few: no slower than a hundred a second, whatever time there is.
        assert 0.4 < times[-1] < 10
        halves = times[:30], times[30:]
        assert halves[0][-1] < halves[1][-1] - 0.15
        assert halves[0][0] < 0.3


async def test_methods_that_run_are_finished_first() -> None:
    """A send would be done, and its sender never told."""
    async with sample_server() as sample:
        busy, idle = await dial_socket(sample), await dial_socket(sample)
        busy.send(call(1, "Slow", 0.5) + call(2, "Echo", "queued"))
        await wait_until(lambda: calling(sample))
        draining = asyncio.ensure_future(on_server(sample, sample.server.drain(0, 5)))
        await idle.until(CLOSE)
        busy.send(call(3, "Note", "too late"))
        said = await busy.until(CLOSE)
        assert said.index(b'"slow"') < said.index(b'"queued"') < said.index(CLOSE)
        await draining
        assert sample.hub.noted == ["slow"]


async def test_what_takes_too_long_is_not_waited_for() -> None:
    """One stuck method would keep a server from ending."""
    async with sample_server() as sample:
        stuck, stream = await dial_socket(sample), await dial_socket(sample)
        stuck.send(call(1, "Slow", 30.0))
        # A stream has no end of its own, and is not waited for at all.
        stream.send(call(1, "Echo", 1).replace(b'"type": 1', b'"type": 4'))
        await wait_until(lambda: calling(sample))
        began = time.monotonic()
        await on_server(sample, sample.server.drain(0, 0.5))
        await stuck.until(CLOSE)
        assert time.monotonic() - began < 10


async def test_who_waited_in_line_is_not_let_in_either() -> None:
    """A client would be let in when everybody else is gone already."""
    async with sample_server() as sample:
        sample.hub.slow_door = asyncio.Event()
        raw = await dial(sample)
        raw.send(upgrade())
        await wait_until(lambda: sample.hub.at_the_door)
        await on_server(sample, sample.server.drain(0, 0))
        sample.ask(sample.hub.slow_door.set)
        assert (await raw.rest()).startswith(b"HTTP/1.1 503 ")


async def test_nobody_new_comes_in() -> None:
    """Clients would be let in only to be sent away."""
    async with sample_server() as sample:
        busy = await dial_socket(sample)
        busy.send(call(1, "Slow", 0.5))
        await wait_until(lambda: calling(sample))
        draining = asyncio.ensure_future(on_server(sample, sample.server.drain(0, 5)))
        await wait_until(lambda: sample.hub.context.draining)
        late = await dial(sample)
        late.send(upgrade())
        assert (await late.rest()).startswith(b"HTTP/1.1 503 ")
        await draining
        assert sample.ask(sample.hub.context.everyone) == [] or await busy.rest()
