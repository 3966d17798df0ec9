"""Sealed connection tokens: what siblings read in them, and nobody else."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.signalr.tickets import (
    BEARER_BYTES_MAX,
    RELAY_S,
    TICKET_S,
    Siblings,
    Spent,
    Ticket,
)
from tests.support.house import HandClock

SECRET = b"s" * 32
NOW_MS = 1_700_000_000_000


class At:
    """A clock that stands."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return self._now_ms / 1000


def siblings(home: str = "http://10.0.0.1:81", *, now_ms: int = NOW_MS) -> Siblings:
    return Siblings(SECRET, home, At(now_ms))


def issued(by: Siblings | None = None, bearer: str | None = None) -> str:
    return (by or siblings()).issue("/hub", "anna", "the-id", bearer=bearer)


@given(st.text(max_size=60), st.text(max_size=40), st.none() | st.text(max_size=800))
def test_every_sibling_reads_what_one_issued(
    home: str, connection_id: str, bearer: str | None
) -> None:
    """A request could not be handed on, or would be handed to the wrong process."""
    issuer, kept = siblings(home), {"a": "b"}
    token = issuer.issue("/hub", "anna", connection_id, bearer=bearer, headers=kept)
    read = siblings("elsewhere").read(token, "/hub")
    assert read == Ticket(
        home, issuer.life, "/hub", "anna", connection_id, NOW_MS, bearer, kept
    )
    assert issuer.is_home(read)
    # The one that is at the same address after a restart knows nothing of it.
    assert not siblings(home).is_home(read)


def test_a_ticket_is_for_one_hub() -> None:
    """A connection would open on a hub that never let its user in."""
    assert siblings("http://other").read(issued(), "/another") is None


def test_a_long_access_token_is_left_out() -> None:
    """Balancers would refuse the request for its line."""
    fits, longer = "x" * BEARER_BYTES_MAX, "x" * (BEARER_BYTES_MAX + 1)
    other = siblings("http://other")
    for bearer, kept in ((fits, fits), (longer, None)):
        ticket = other.read(issued(bearer=bearer), "/hub")
        assert ticket is not None
        assert ticket.bearer == kept
    assert len(issued(bearer=fits)) < 4096


def test_it_hides_addresses_and_access_tokens() -> None:
    token = issued(bearer="the-bearer")
    plain = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for secret in (b"10.0.0.1", b"the-id", b"the-bearer"):
        assert secret not in plain


def test_two_tokens_of_one_connection_differ() -> None:
    assert issued() != issued()


def test_another_secret_reads_nothing() -> None:
    assert Siblings(b"t" * 32, "http://x", At()).read(issued(), "/hub") is None


def test_every_changed_byte_spoils_it() -> None:
    token, other = issued(), siblings("http://other")
    sealed = bytearray(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        text = urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()
        assert other.read(text, "/hub") is None


@pytest.mark.parametrize("token", ["", "x", "é" * 40, "A" * 10_000, "====", "\x00"])
def test_garbage_is_no_ticket(token: str) -> None:
    assert siblings("http://other").read(token, "/hub") is None


def test_a_ticket_is_good_while_it_is_young() -> None:
    """Whoever finds one in a log could open a connection."""
    ticket = Ticket("http://home", "life", "/hub", "anna", "id", NOW_MS)
    young, old = NOW_MS + TICKET_S * 1000, NOW_MS + TICKET_S * 1000 + 1
    assert siblings("http://other", now_ms=young).is_young(ticket)
    assert not siblings("http://other", now_ms=old).is_young(ticket)


def test_a_relayed_request_is_vouched_for_as_it_is() -> None:
    value = siblings().vouch("GET", "/hub", "203.0.113.9", secure=True)
    told = siblings("http://owner").vouched(value, "GET", "/hub")
    assert told is not None
    assert (told.client, told.secure) == ("203.0.113.9", True)
    assert siblings().vouched(value, "POST", "/hub") is None
    assert siblings().vouched(value, "GET", "/other") is None
    late = siblings(now_ms=NOW_MS + RELAY_S * 1000 + 1)
    assert late.vouched(value, "GET", "/hub") is None


def test_a_token_is_no_voucher() -> None:
    assert siblings().vouched(issued(), "GET", "/hub") is None
    value = siblings().vouch("GET", "/hub", "", secure=False)
    assert siblings("http://other").read(value, "/hub") is None


def test_what_is_spent_stays_so_while_it_is_young() -> None:
    """A client whose connection has ended would be given another, unasked."""
    clock = HandClock()
    spent = Spent(clock)
    spent.add("first")
    clock.at_ms += 2 * TICKET_S * 1000 - 1
    spent.add("second")
    assert "first" in spent
    clock.at_ms += 1
    spent.add("third")
    assert "first" not in spent
    assert "second" in spent
