"""The bounds of the server."""

import pytest

from chatd.limits import Limits, describe, with_changes


def test_the_contract_s_numbers_are_the_defaults() -> None:
    """An installation would start with other bounds than the contract promises."""
    published = describe(Limits())
    assert published["messageTextCodePoints"] == 16_000
    assert published["hubMessageBytes"] == 256 * 1024
    assert published["websocketMessageBytes"] == 1024 * 1024
    assert published["recipients"] == 300
    assert published["pageItems"] == 200
    assert published["connectionsPerUser"] == 20
    assert published["outboundQueueSeconds"] == 10
    assert (published["sendsPerSecond"], published["sendsBurst"]) == (10, 30)
    assert published["newConversationsPerHour"] == 30
    assert published["unreadExact"] == 999


@pytest.mark.parametrize("name", ["sends_per_second", "sendsPerSecond"])
def test_a_limit_is_changed_by_either_name(name: str) -> None:
    """What `GET /v1/limits` calls a limit could not be given to `--limit`."""
    changed = with_changes(Limits(), {name: 7})
    assert changed.sends_per_second == 7
    assert changed.sends_burst == Limits().sends_burst


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"speed": 1}, "no limit named speed"), ({"recipients": 0}, "recipients")],
)
def test_wrong_changes_are_named(changes: dict[str, int], told: str) -> None:
    """A typing error in the configuration would be ignored."""
    with pytest.raises(ValueError, match=told):
        with_changes(Limits(), changes)
