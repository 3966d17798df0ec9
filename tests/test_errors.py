"""The one exception for what is expected to go wrong."""

from chatd.errors import Refused, invalid


def test_a_refusal_keeps_its_code_and_facts() -> None:
    """A door would have nothing to word."""
    refusal = Refused("rate_limited", retryAfter=2)
    assert refusal.code == "rate_limited"
    assert refusal.facts == {"retryAfter": 2}
    assert str(refusal) == "rate_limited"


def test_a_wrong_field_is_named_by_a_pointer() -> None:
    """A form could not show the error at its field."""
    refusal = invalid("/title", "too_long")
    assert refusal.code == "invalid_request"
    assert refusal.facts == {"errors": [{"pointer": "/title", "code": "too_long"}]}
