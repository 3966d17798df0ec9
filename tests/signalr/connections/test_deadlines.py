"""What is due, and when, by a clock in the test's hand."""

from chatd.signalr.connections.deadlines import Deadline, Deadlines
from chatd.signalr.requests import HubLimits
from chatd.signalr.ticks import Wheel
from tests.signalr.connections.parts import HandClock
from tests.signalr.test_ticks import Item

LIMITS = HubLimits()


async def made() -> tuple[Deadlines, HandClock]:
    clock = HandClock()
    wheel = Wheel(clock)
    return Deadlines(Item(wheel), wheel, LIMITS), clock


def due(
    deadlines: Deadlines, clock: HandClock, *, calling: bool = False, pending: int = 0
) -> dict[Deadline, float]:
    """Each deadline that runs, with the seconds that are left."""
    running = deadlines.running(calling=calling, pending=bool(pending))
    return {deadline: at_s - clock.now_s for deadline, at_s in running}


async def test_before_and_behind_the_handshake() -> None:
    """Somebody could stay without ever saying who he is, or hear no ping."""
    deadlines, clock = await made()
    assert due(deadlines, clock) == {Deadline.ABSENCE: LIMITS.idle_s}
    deadlines.attached()
    clock.now_s += 1
    assert due(deadlines, clock) == {Deadline.HANDSHAKE: LIMITS.handshake_s - 1}
    deadlines.handshaken()
    assert due(deadlines, clock) == {Deadline.PING: LIMITS.ping_s}


async def test_silence_counts_after_the_first_ping_only() -> None:
    """Clients that never ping would be sent away every thirty seconds."""
    deadlines, clock = await made()
    deadlines.handshaken()
    clock.now_s += 100
    assert Deadline.SILENCE not in due(deadlines, clock)
    deadlines.heard()
    deadlines.heard_ping()
    clock.now_s += 10
    left = LIMITS.client_timeout_s - 10
    assert due(deadlines, clock)[Deadline.SILENCE] == left
    # What the client sends while its method runs may wait unread.
    assert Deadline.SILENCE not in due(deadlines, clock, calling=True)
    deadlines.heard()
    assert due(deadlines, clock)[Deadline.SILENCE] == LIMITS.client_timeout_s


async def test_a_transport_stalls_only_with_something_to_say() -> None:
    """A quiet client would be called slow, or a slow one would be kept."""
    deadlines, clock = await made()
    deadlines.handshaken()
    deadlines.blocked()
    clock.now_s += 4
    deadlines.blocked()
    assert Deadline.STALL not in due(deadlines, clock)
    assert due(deadlines, clock, pending=1)[Deadline.STALL] == LIMITS.outbound_s - 4
    deadlines.unblocked()
    assert Deadline.STALL not in due(deadlines, clock, pending=1)


async def test_a_poller_comes_and_goes() -> None:
    """A long poller would be lost during a poll, or kept after its last."""
    deadlines, clock = await made()
    deadlines.attached()
    deadlines.handshaken()
    deadlines.left()
    clock.now_s += 5
    assert due(deadlines, clock)[Deadline.ABSENCE] == LIMITS.idle_s - 5
    deadlines.returned()
    assert Deadline.ABSENCE not in due(deadlines, clock)


async def test_what_was_allowed_for_a_time_ends_then() -> None:
    """A token's end would not end its connection."""
    deadlines, clock = await made()
    deadlines.expire(clock.now_s + 60)
    assert due(deadlines, clock)[Deadline.EXPIRY] == 60
    deadlines.expire(None)
    assert Deadline.EXPIRY not in due(deadlines, clock)
