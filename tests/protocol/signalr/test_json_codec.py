"""What is JSON's own: its text, and its traps."""

import base64

import pytest

from chatd_protocol.signalr import (
    Close,
    Completion,
    Invocation,
    Oversized,
    RemoteProtocolError,
)
from chatd_protocol.signalr.json_codec import JsonCodec
from tests.protocol.signalr.vectors import read_all

CODEC = JsonCodec()


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (Invocation("a", []), b'{"type":1,"target":"a","arguments":[]}\x1e'),
        (Completion("1"), b'{"type":3,"invocationId":"1"}\x1e'),
        (Close(), b'{"type":7}\x1e'),
    ],
)
def test_absent_fields_are_left_out(message: Invocation, text: bytes) -> None:
    """Clients that fail on null ids or unknown members would fail."""
    assert CODEC.encode(message) == text


def test_bytes_are_base64() -> None:
    """Bytes would not arrive as other SignalR servers send them."""
    sent = Invocation("a", [b"\x00\xff"])
    received = Invocation("a", [base64.b64encode(b"\x00\xff").decode()])
    assert read_all(CODEC.decoder(1_000), CODEC.encode(sent)) == [received]


def test_an_integer_beyond_64_bits_is_never_an_integer() -> None:
    """Arithmetic and the database would meet numbers of any length."""
    text = b'{"type":1,"target":"a","arguments":[18446744073709551616]}\x1e'
    (message,) = read_all(CODEC.decoder(1_000), text)
    assert isinstance(message, Invocation)
    assert isinstance(message.arguments[0], float)


def test_text_with_many_brackets_is_not_nesting() -> None:
    """A message that talks about code would be refused."""
    message = Invocation("a", ["[" * 1_000 + "{" * 1_000])
    assert read_all(CODEC.decoder(5_000), CODEC.encode(message)) == [message]


@pytest.mark.parametrize("fill", [b',"type":1', b'"', b'\\"', b'{"invocationId":"'])
def test_looking_for_an_id_takes_linear_time(fill: bytes) -> None:
    """One client could keep the server busy with messages that are too long."""
    text = fill * 2_000 + b"\x1e"
    decoder = CODEC.decoder(100)
    for _ in range(20):
        assert read_all(decoder, text) == [Oversized(None, len(text), None)]


def test_good_messages_before_a_bad_one_are_read() -> None:
    """What was said before the mistake would be lost."""
    decoder = CODEC.decoder(100)
    decoder.feed(b'{"type":7}\x1exx\x1e')
    assert decoder.next() == Close()
    with pytest.raises(RemoteProtocolError):
        decoder.next()
