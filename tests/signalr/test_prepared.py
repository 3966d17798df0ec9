"""Messages made into bytes once for many receivers."""

import pytest

from chatd.signalr.prepared import FORMS, Prepared, websocket_frame


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_frames_have_the_shortest_length(size: int, head: bytes) -> None:
    """Browsers would fail the connection (RFC 6455, 5.2)."""
    assert websocket_frame(b"x" * size, binary=False) == head + b"x" * size


def test_binary_frames_say_so() -> None:
    """MessagePack would arrive as text."""
    assert websocket_frame(b"", binary=True) == b"\x82\x00"


@pytest.mark.parametrize(("codec", "framed"), sorted(FORMS))
def test_each_form_is_made_once(codec: str, framed: bool) -> None:
    """A thousand receivers would cost a thousand encodings."""
    message, form = Prepared("News", "text"), FORMS[codec, framed]
    assert message.encode(form) is message.encode(form)
    assert b"News" in message.encode(form)


def test_a_frame_holds_the_bare_message() -> None:
    """WebSockets and event streams would be told different things."""
    message = Prepared("News", "text")
    bare = message.encode(FORMS["json", False])
    framed = message.encode(FORMS["json", True])
    assert framed == websocket_frame(bare, binary=False)
