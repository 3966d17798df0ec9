"""If these fail, one person can flood the server, or a quiet one is held up."""

from contextlib import ExitStack

import pytest

from chatd.actions.basis.rates import Cost, Rates
from chatd.bus.leases import Alone, Key, Rate, Settled
from chatd.errors import Refused
from chatd.limits import Limits


class HandClock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.at_s = 1_000.0

    def now_ms(self) -> int:
        return round(self.at_s * 1000)

    def monotonic(self) -> float:
        return self.at_s


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def rates(clock: HandClock) -> Rates:
    return Rates(Limits(sends_per_second=2, sends_burst=3), clock, Alone())


def test_a_burst_then_the_rate(rates: Rates, clock: HandClock) -> None:
    """A flood would pass, or a person would wait longer than told."""
    for _ in range(3):
        rates.spend("t", "u", Cost.SEND)
    with pytest.raises(Refused) as caught:
        rates.spend("t", "u", Cost.SEND)
    assert (caught.value.code, caught.value.facts) == (
        "rate_limited",
        {"retryAfter": 1},
    )
    clock.at_s += 1
    rates.spend("t", "u", Cost.SEND)
    rates.spend("t", "u", Cost.SEND)
    with pytest.raises(Refused):
        rates.spend("t", "u", Cost.SEND)


def test_buckets_are_by_tenant_person_and_kind(rates: Rates) -> None:
    """One person's flood would silence another, or reading would stop sending."""
    for _ in range(3):
        rates.spend("t", "u", Cost.SEND)
    rates.spend("t", "v", Cost.SEND)
    rates.spend("s", "u", Cost.SEND)
    rates.spend("t", "u", Cost.READ)


def test_a_new_conversation_waits_for_its_share_of_the_hour(
    rates: Rates,
) -> None:
    """Somebody could start conversations without end."""
    for _ in range(30):
        rates.spend("t", "u", Cost.START)
    with pytest.raises(Refused) as caught:
        rates.spend("t", "u", Cost.START)
    assert caught.value.facts == {"retryAfter": 120}


def test_full_buckets_are_forgotten(rates: Rates, clock: HandClock) -> None:
    """Memory would grow with everybody who was ever here."""
    for n in range(100):
        rates.spend("t", str(n), Cost.READ)
    clock.at_s += 61
    rates.spend("t", "u", Cost.NOTHING)
    rates.spend("t", "u", Cost.READ)
    assert len(rates) == 1


def test_so_many_requests_at_once(rates: Rates) -> None:
    """One person's slow bodies would fill the memory of everybody's server."""
    with ExitStack() as under_way:
        for _ in range(Limits().http_requests_at_once):
            under_way.enter_context(rates.one_at_once("t", "u"))
        with pytest.raises(Refused, match="rate_limited"), rates.one_at_once("t", "u"):
            pass
        with rates.one_at_once("t", "another"), rates.one_at_once("another", "u"):
            pass
    with rates.one_at_once("t", "u"):
        pass


class Others(Alone):
    """Hears what is spent, and can say what is left."""

    def __init__(self) -> None:
        self.spent: list[tuple[Key, str]] = []
        self.settled: list[Settled] = []

    def spend(self, person: Key, bucket: str, rate: Rate) -> None:
        self.spent.append((person, bucket))

    def on_settled(self, settled: Settled) -> None:
        self.settled.append(settled)


def test_what_is_spent_elsewhere_counts(clock: HandClock) -> None:
    """Two windows at two gateways would send twice as much."""
    others = Others()
    rates = Rates(Limits(sends_per_second=2, sends_burst=3), clock, others)
    rates.spend("school", "anna", Cost.SEND)
    assert others.spent == [(("school", "anna"), "send")]
    (settled,) = others.settled
    # What others left is less, or more: the stricter counts.
    settled(("school", "anna"), "send", 3.0)
    settled(("school", "anna"), "send", -1.0)
    settled(("school", "ben"), "send", -1.0)
    with pytest.raises(Refused) as refused:
        rates.spend("school", "anna", Cost.SEND)
    assert refused.value.facts == {"retryAfter": 1}
    assert len(others.spent) == 1
    rates.spend("school", "ben", Cost.SEND)
    clock.at_s += 1.001
    rates.spend("school", "anna", Cost.SEND)
