"""What one network address may ask for."""

import asyncio
import time

import pytest

from chatd.signalr.crowds import addresses
from chatd.signalr.crowds.addresses import Addresses, subscriber
from chatd.signalr.requests import HubLimits
from chatd.signalr.ticks import Wheel
from tests.signalr.connections.parts import HandClock
from tests.signalr.raw import HANDSHAKE, TEXT, dial, dial_socket, frame, upgrade
from tests.signalr.sample import sample_server
from tests.support.waiting import wait_until

HERE = "192.0.2.1"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("a socket of this machine", "another", False),
    ],
)
def test_who_counts_as_one(one: str, other: str, same: bool) -> None:
    """Somebody with a network of addresses would have as many shares."""
    assert (subscriber(one) == subscriber(other)) is same


def test_requests_for_nothing_are_slowed_and_then_refused() -> None:
    """A client that asks for its dead connection in a loop would take a processor."""
    clock = HandClock()
    counted = Addresses(Wheel(clock), HubLimits())
    waits = [counted.unknown(HERE) for _ in range(400)]
    assert waits[:200] == [0.0] * 200
    late = [wait_s for wait_s in waits if wait_s is not None]
    assert late == sorted(late)
    assert len(late) == 300
    assert late[-1] == pytest.approx(5.0)
    assert counted.unknown("192.0.2.2") == 0.0
    clock.now_s += 60
    assert counted.unknown(HERE) == 0.0


def test_somebody_without_an_address_is_not_counted() -> None:
    """Everybody behind a local socket would share one address's bounds."""
    counted = Addresses(Wheel(HandClock()), HubLimits(connections_per_address=1))
    counted.opened("")
    assert counted.has_room("")
    assert [counted.unknown("") for _ in range(1000)] == [0.0] * 1000


async def test_sockets_that_do_not_shake_hands_are_bounded() -> None:
    """One machine could take every place with sockets that say nothing."""
    async with sample_server(openings_per_address=3, handshake_s=120.0) as sample:
        silent = [await dial(sample) for _ in range(3)]
        for raw in silent:
            raw.send(upgrade())
            assert b" 101 " in await raw.until(b"\r\n\r\n")
        refused = await dial(sample)
        refused.send(upgrade())
        answer = await refused.rest()
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert b"Retry-After: 5\r\n" in answer
        assert "too_many_requests" in sample.hub.openings
        # Whoever shakes hands makes room.
        silent[0].send(frame(TEXT, HANDSHAKE))
        await silent[0].until(b"{}\x1e")
        await dial_socket(sample)


async def test_who_is_cut_for_silence_makes_room() -> None:
    """One machine could keep others of its network out by saying nothing."""
    async with sample_server(openings_per_address=1, handshake_s=0.3) as sample:
        for _ in range(2):
            raw = await dial(sample)
            raw.send(upgrade())
            assert b" 101 " in await raw.until(b"\r\n\r\n")
            await raw.rest()


async def test_connections_are_bounded_and_given_back() -> None:
    """One machine could take every place, or lose its own for ever."""
    async with sample_server(connections_per_address=2) as sample:
        first, _second = await dial_socket(sample), await dial_socket(sample)
        refused = await dial(sample)
        refused.send(upgrade())
        assert (await refused.rest()).startswith(b"HTTP/1.1 429 ")
        first.writer.transport.abort()
        await wait_until(lambda: len(sample.hub.ended) == 1)
        await dial_socket(sample)


async def test_polls_for_a_dead_id_are_paced(monkeypatch: pytest.MonkeyPatch) -> None:
    """signalrcore asks for its dead connection 500 times a second, for ever."""
    monkeypatch.setattr(addresses, "UNKNOWN_BURST", 20.0)
    monkeypatch.setattr(addresses, "UNKNOWN_WAIT_S_MAX", 1.0)
    async with sample_server() as sample:
        raw, began = await dial(sample), time.monotonic()
        poll = b"GET /sample?id=dead HTTP/1.1\r\nHost: x\r\n\r\n"
        for _ in range(45):
            raw.send(poll)
            assert b" 404 " in await raw.until(b"\r\n\r\n")
            await raw.until(b"No Connection with that ID")
        # Twenty at once, and twenty a second from then on: a machine may be slower.
        assert time.monotonic() - began >= 1.0
        # Somebody who asks on many sockets at once is told to stop.
        crowd = [await dial(sample) for _ in range(130)]
        for other in crowd:
            other.send(poll)
        heads = [asyncio.ensure_future(one.until(b"\r\n\r\n")) for one in crowd]
        for head in asyncio.as_completed(heads):
            if b" 429 " in (answer := await head):
                break
        assert b"\r\nretry-after: 10\r\n" in answer
        for waiting in heads:
            waiting.cancel()
