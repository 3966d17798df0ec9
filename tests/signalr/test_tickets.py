"""Sealed connection tokens: what siblings read in them, and nobody else."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.signalr.tickets import BEARER_BYTES_MAX, RELAY_S, TICKET_S, Siblings, Ticket

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
    return (by or siblings()).issue("/hub", "anna", "the-id", bearer)


@given(st.text(max_size=60), st.text(max_size=40), st.none() | st.text(max_size=800))
def test_every_sibling_reads_what_one_issued(
    home: str, connection_id: str, bearer: str | None
) -> None:
    """A request could not be handed on, or would be handed to the wrong process."""
    token = siblings(home).issue("/hub", "anna", connection_id, bearer)
    read = siblings("elsewhere").read(token, "/hub")
    assert read == Ticket(home, "/hub", "anna", connection_id, NOW_MS, bearer)


def test_a_ticket_is_for_one_hub_and_for_others_than_its_home() -> None:
    """A connection would open twice, or on a hub that never let its user in."""
    assert siblings("http://other").read(issued(), "/another") is None
    assert siblings().read(issued(), "/hub") is None


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


def test_a_ticket_opens_elsewhere_and_only_while_it_is_young() -> None:
    ticket = Ticket("http://home", "/hub", "anna", "id", NOW_MS)
    young, old = NOW_MS + TICKET_S * 1000, NOW_MS + TICKET_S * 1000 + 1
    assert siblings("http://other", now_ms=young).opens_here(ticket)
    assert not siblings("http://other", now_ms=old).opens_here(ticket)


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
