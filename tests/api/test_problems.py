"""If these fail, a client cannot tell from an answer what to do next."""

import json

import pytest

from chatd.api.problems import MEDIA_TYPE, problem
from chatd_protocol.chat.errors import ERRORS, sentence


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_code_is_a_problem(code: str) -> None:
    """A code would be answered with another status than the table's."""
    answer = problem(code, {"fact": 1}, "r1")
    body = json.loads(bytes(answer.body))
    assert answer.status_code == body["status"] == ERRORS[code].status
    assert answer.media_type == MEDIA_TYPE
    assert body["type"] == f"urn:chatd:error:{code}"
    assert body["code"] == code
    assert body["detail"] == sentence(code, {})
    assert (body["requestId"], body["fact"]) == ("r1", 1)
    assert answer.headers["cache-control"] == "no-store, private"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_it_is_said_in_the_readers_language() -> None:
    """Pupils would be told in English what they may not do."""
    answer = problem("blocked", {}, "r", asked="de-AT,en;q=0.5")
    body = json.loads(bytes(answer.body))
    assert body["detail"] == "Du hast diese Person blockiert."
    assert answer.headers["content-language"] == "de"
    assert answer.headers["vary"] == "Accept-Language"


def test_waiting_and_signing_in_are_said_in_headers() -> None:
    """Generic HTTP clients would hammer on, or not know how to sign in."""
    limited = problem("rate_limited", {"retryAfter": 7}, "r")
    assert limited.headers["retry-after"] == "7"
    assert problem("unauthenticated", {}, "r").headers["www-authenticate"] == "Bearer"
