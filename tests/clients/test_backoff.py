"""Coming back: neither all at once nor too late."""

import pytest

from chatd_client.backoff import CAP_S, RETRY_AFTER_S_MAX, Backoff


def test_the_bound_doubles_up_to_a_cap() -> None:
    """A server that is down would be hammered, or be missed for minutes."""
    waits = Backoff(draw=lambda: 1.0)
    assert [waits.next_s() for _ in range(7)] == [1, 2, 4, 8, 16, CAP_S, CAP_S]
    waits.reset()
    assert waits.next_s() == 1


def test_waits_are_spread() -> None:
    """A thousand clients would come back at the same moment."""
    waits = {Backoff().next_s() for _ in range(100)}
    assert len(waits) > 90
    assert all(0 <= wait < 1 for wait in waits)


@pytest.mark.parametrize(
    ("asked", "waited"), [(0, 0.5), (7, 7.5), (1e9, RETRY_AFTER_S_MAX + 0.5), (-5, 0.5)]
)
def test_the_server_is_heard(asked: float, waited: float) -> None:
    """A busy server's wish would be ignored, or obeyed without end."""
    assert Backoff(draw=lambda: 0.5).next_s(asked) == waited
