"""What all encodings have in common when bytes become messages."""

from chatd_protocol.signalr.decoding import Decoder
from chatd_protocol.signalr.framing import RecordFrames, Skipped
from chatd_protocol.signalr.messages import HubMessage, Oversized, Ping


def parse(record: bytes) -> HubMessage | None:
    return Ping() if record == b"ping" else None


def oversized(frame: Skipped) -> Oversized:
    return Oversized(frame.head.decode()[:1], frame.size)


def test_messages_of_unknown_type_are_passed_over() -> None:
    """A newer client's message would look like the end of what it has said."""
    decoder = Decoder(RecordFrames(8), parse, oversized)
    decoder.feed(b"what\x1eping\x1epi")
    assert decoder.next() == Ping()
    assert decoder.next() is None
    assert decoder.waiting_bytes == 2
    decoder.feed(b"ng\x1e")
    assert decoder.next() == Ping()
    assert decoder.waiting_bytes == 0


def test_a_message_that_is_too_long_leaves_a_trace() -> None:
    """Its sender would wait for an answer for ever."""
    decoder = Decoder(RecordFrames(8), parse, oversized)
    decoder.feed(b"x" * 20 + b"\x1eping\x1e")
    assert decoder.next() == Oversized("x", 21)
    assert decoder.next() == Ping()
