from chatd.store.change import AlreadyDone


def test_already_done_carries_what_was_kept() -> None:
    """A repeated request could not be answered like the first."""
    assert AlreadyDone({"messageId": "m"}).result == {"messageId": "m"}
