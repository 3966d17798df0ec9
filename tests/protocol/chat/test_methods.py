"""If these fail, a method cannot be told from another, or has no door of its name."""

from chatd_protocol.chat.methods import BY_REQUEST, METHODS


def test_every_method_has_a_request_of_its_own() -> None:
    """A client that sends a request object could reach the wrong method."""
    assert len(BY_REQUEST) == len(METHODS)
    assert len({row.name.casefold() for row in METHODS}) == len(METHODS)
    assert [row.name for row in METHODS if row.request.__name__ != row.name] == []


def test_only_watching_is_a_stream() -> None:
    """A client would wait for a Completion that never comes."""
    assert [row.name for row in METHODS if row.streaming] == ["WatchEvents"]
