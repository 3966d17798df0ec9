"""What is MessagePack's own: the shapes written, and its richer values."""

import pytest

from chatd_protocol.signalr import Close, Invocation, StreamItem
from chatd_protocol.signalr.messagepack_codec import MessagePackCodec
from tests.protocol.signalr.vectors import read_all

CODEC = MessagePackCodec()


@pytest.mark.parametrize(
    ("message", "first_bytes"),
    [
        (Invocation("a", []), "08 96 01 80 c0"),
        (Close(), "04 93 07 c0 c2"),
    ],
)
def test_arrays_are_written_whole(message: Invocation, first_bytes: str) -> None:
    """A client that indexes without looking would fail on the short form."""
    assert CODEC.encode(message).hex(" ").startswith(first_bytes)


def test_bytes_stay_bytes() -> None:
    """Binary data would arrive as text."""
    message = StreamItem("1", [b"\x00\xff\xc7\xca\xd4", {"a": b"\x80" * 100}])
    assert read_all(CODEC.decoder(1_000), CODEC.encode(message)) == [message]


@pytest.mark.parametrize("text", ["אבגדה", "Հայ", "çüÇÈÉ", "ʀʁʂ"])
def test_texts_that_look_like_extensions(text: str) -> None:
    """Texts in some scripts would be refused, as their bytes resemble type codes."""
    message = Invocation("a", [text * 50])
    assert read_all(CODEC.decoder(5_000), CODEC.encode(message)) == [message]


def test_floats_arrive() -> None:
    """Numbers with a fraction would be refused with those that are no numbers."""
    message = Invocation("a", [1.5, -0.25, 1e300])
    assert read_all(CODEC.decoder(1_000), CODEC.encode(message)) == [message]
