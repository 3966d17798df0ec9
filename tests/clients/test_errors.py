"""What a caller can tell from an error."""

import pytest

from chatd_client.errors import Refused, refusal, retry_of
from chatd_client.signalr import CallFailed, ConnectionClosed


def test_a_refusal_is_taken_apart() -> None:
    """A program could not tell why it was refused, or when to come back."""
    error = refusal(CallFailed('rate_limited: Too many.\n{"retryAfter":2}'))
    assert isinstance(error, Refused)
    assert (error.code, error.text) == ("rate_limited", "Too many.")
    assert (error.retry, error.retry_after_s) == ("later", 2.0)
    assert error.facts == {"retryAfter": 2}


def test_a_refusal_without_facts() -> None:
    """Most refusals would not be understood."""
    error = refusal(CallFailed("not_found: There is no such thing."))
    assert isinstance(error, Refused)
    assert (error.facts, error.retry, error.retry_after_s) == ({}, "no", None)


@pytest.mark.parametrize(
    "text",
    [
        "Failed to invoke 'x' due to an error on the server.",
        "An unexpected error occurred invoking 'x': no code",
        "",
    ],
)
def test_signalr_s_own_words_are_no_refusal(text: str) -> None:
    """A bug would look like a rule."""
    failure = CallFailed(text)
    assert refusal(failure) is failure


@pytest.mark.parametrize(
    ("text", "retry"),
    [
        ("unauthenticated: Sign in again.", "signIn"),
        ("overloaded: Busy.", "later"),
        ("Removed by a moderator", "no"),
        ("Connection closed with an error.", "later"),
        ("Connection closed with an error. HubException: forbidden: No.", "no"),
    ],
)
def test_a_close_says_whether_to_come_back(text: str, retry: str) -> None:
    """A client would stay away for ever, or come back to be thrown out."""
    assert retry_of(ConnectionClosed(text)) == retry
