"""Message boundaries, wherever the bytes were cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd_protocol.signalr import LocalProtocolError, RemoteProtocolError
from chatd_protocol.signalr.framing import (
    EXCERPT_BYTES,
    LENGTH_MAX,
    LengthFrames,
    RecordFrames,
    Skipped,
    encode_length,
)
from tests.protocol.signalr.vectors import rows

Frames = RecordFrames | LengthFrames


def read_all(frames: Frames, data: bytes, piece_bytes: int) -> list[bytes | Skipped]:
    found = []
    for at in range(0, len(data), piece_bytes):
        frames.feed(data[at : at + piece_bytes])
        while (frame := frames.next()) is not None:
            found.append(frame)
    return found


def expected(body: bytes, framing_bytes: int, limit: int) -> bytes | Skipped:
    size = len(body) + framing_bytes
    if size <= limit:
        return body
    return Skipped(body[:EXCERPT_BYTES], body[-EXCERPT_BYTES:], size)


bodies = st.lists(
    st.binary(max_size=300).map(lambda body: body.replace(b"\x1e", b""))
    | st.integers(4_000, 10_000).map(lambda size: bytes(size - 1) + b"z"),
    max_size=5,
)


@given(bodies=bodies, piece_bytes=st.integers(1, 9_000), limit=st.integers(1, 9_000))
def test_records(bodies: list[bytes], piece_bytes: int, limit: int) -> None:
    """A JSON message would be lost, joined to another, or remembered at length."""
    data = b"".join(body + b"\x1e" for body in bodies)
    assert read_all(RecordFrames(limit), data, piece_bytes) == [
        expected(body, 1, limit) for body in bodies
    ]


@given(bodies=bodies, piece_bytes=st.integers(1, 9_000), limit=st.integers(5, 9_000))
def test_lengths(bodies: list[bytes], piece_bytes: int, limit: int) -> None:
    """A MessagePack message would be lost, joined to another, or remembered."""
    data = b"".join(encode_length(len(body)) + body for body in bodies)
    assert read_all(LengthFrames(limit), data, piece_bytes) == [
        expected(body, len(encode_length(len(body))), limit) for body in bodies
    ]


@pytest.mark.parametrize("row", rows("lengths"), ids=lambda row: str(row["length"]))
def test_a_length_as_a_varint(row: dict) -> None:
    """Other implementations would see another length."""
    assert encode_length(row["length"]).hex(" ") == row["hex"]


def test_no_length_beyond_31_bits() -> None:
    """A length would be written that no client reads, or read and believed."""
    with pytest.raises(LocalProtocolError):
        encode_length(LENGTH_MAX + 1)
    for prefix in ("ff ff ff ff 08", "80 80 80 80 80"):
        frames = LengthFrames(100)
        frames.feed(bytes.fromhex(prefix))
        with pytest.raises(RemoteProtocolError):
            frames.next()


def test_a_length_in_pieces_is_no_message_yet() -> None:
    """Half a length would be taken for a whole one."""
    frames = LengthFrames(1_000)
    for byte in b"\x81\x01":
        assert frames.next() is None
        frames.feed(bytes([byte]))
    frames.feed(b"x" * 128)
    assert frames.next() is None
    frames.feed(b"y")
    assert frames.next() == b"x" * 128 + b"y"
