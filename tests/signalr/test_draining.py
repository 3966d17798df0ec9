"""The end of a server, as its clients see it."""

import asyncio
from collections.abc import Coroutine

from chatd.clock import SystemClock
from chatd.signalr.draining import TICK_S
from tests.signalr.raw import call, dial, dial_socket, upgrade
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


async def test_everybody_is_sent_away_spread_out() -> None:
    """A whole school would be at the next server's door in one moment."""
    async with sample_server() as sample:
        sockets = [await dial_socket(sample) for _ in range(60)]
        left: list[tuple[float, int]] = []
        clock = SystemClock()

        async def drain() -> None:
            """Notes when, by the server's own clock, how many are still there."""
            began_s = clock.monotonic()
            draining = asyncio.ensure_future(sample.server.drain(30, 1))
            while not draining.done():
                staying = sum(not one.closed for one in everybody)
                left.append((clock.monotonic() - began_s, staying))
                await asyncio.sleep(0)
            await draining

        everybody = sample.ask(sample.hub.context.everyone)
        await on_server(sample, drain())
        await asyncio.gather(*(raw.until(CLOSE) for raw in sockets))
        # Few: a hundred a second, however long it might take; and what the machine
        # does meanwhile makes them later, never earlier.
        for gone_s, staying in left:
            assert 60 - staying <= 60 * (gone_s + TICK_S) / 0.6 + 1
        assert len({staying for _, staying in left}) > 2, "all went at once"
        assert left[-1][0] < 15, "half of the time that they might have taken"


async def test_methods_that_run_are_finished_first() -> None:
    """A send would be done, and its sender never told."""
    async with sample_server() as sample:
        busy, idle = await dial_socket(sample), await dial_socket(sample)
        busy.send(call(1, "Wait") + call(2, "Echo", "queued"))
        await wait_until(lambda: calling(sample))
        draining = asyncio.ensure_future(on_server(sample, sample.server.drain(0, 60)))
        await idle.until(CLOSE)
        busy.send(call(3, "Note", "too late"))
        sample.ask(sample.hub.may_go_on.set)
        said = await busy.until(CLOSE)
        assert said.index(b'"waited"') < said.index(b'"queued"') < said.index(CLOSE)
        await draining
        assert sample.hub.noted == ["waited"]


async def test_what_takes_too_long_is_not_waited_for() -> None:
    """One stuck method would keep a server from ending."""
    async with sample_server() as sample:
        stuck, stream = await dial_socket(sample), await dial_socket(sample)
        stuck.send(call(1, "Wait"))
        # A stream has no end of its own, and is not waited for at all.
        stream.send(call(1, "Echo", 1).replace(b'"type": 1', b'"type": 4'))
        await wait_until(lambda: calling(sample))
        await on_server(sample, sample.server.drain(0, 0.5))
        await stuck.until(CLOSE)
        assert sample.hub.noted == []
        sample.ask(sample.hub.may_go_on.set)


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
        busy.send(call(1, "Wait"))
        await wait_until(lambda: calling(sample))
        draining = asyncio.ensure_future(on_server(sample, sample.server.drain(0, 60)))
        await wait_until(lambda: sample.hub.context.draining)
        late = await dial(sample)
        late.send(upgrade())
        assert (await late.rest()).startswith(b"HTTP/1.1 503 ")
        sample.ask(sample.hub.may_go_on.set)
        await draining
        assert b'"waited"' in await busy.until(CLOSE)
