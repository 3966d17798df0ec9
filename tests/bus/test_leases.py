"""A process without others; see redis/test_leases.py for one with."""

from chatd.bus.leases import Alone, Rate

ANNA = ("school", "anna")


async def test_nobody_else_counts() -> None:
    """One process alone would refuse people for connections that there are not."""
    alone = Alone()
    told: list[object] = []
    alone.on_settled(lambda *settled: told.append(settled))
    alone.hold(ANNA, 3)
    alone.spend(ANNA, "send", Rate(1, 1))
    assert await alone.elsewhere([ANNA]) == {ANNA: 0}
    assert told == []
