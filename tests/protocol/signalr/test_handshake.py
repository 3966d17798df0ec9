"""The first exchange, in both directions, in pieces, and with a tail behind it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd_protocol.signalr import CODECS, RemoteProtocolError
from chatd_protocol.signalr.handshake import (
    HandshakeRequest,
    HandshakeResponse,
    choose_codec,
    encode_handshake,
    take_handshake,
    take_response,
)
from tests.protocol.signalr.vectors import cuts, row_id, rows

LIMIT = 1_000
TAKE = {"request": take_handshake, "response": take_response}
VALUE = {"request": HandshakeRequest, "response": HandshakeResponse}


@pytest.mark.parametrize("row", rows("handshake"), ids=row_id)
def test_reading_a_vector(row: dict) -> None:
    """A client could not begin, or a stranger could."""
    take = TAKE[row["side"]]
    tail = b'{"type":6}\x1e'
    if row.get("malformed"):
        with pytest.raises(RemoteProtocolError):
            take(bytearray(row["text"].encode()), LIMIT)
        return
    expected = VALUE[row["side"]](**row["value"])
    for pieces in cuts(row["text"].encode()):
        buffer = bytearray()
        for piece in pieces:
            assert take(buffer, LIMIT) is None
            buffer += piece
        buffer += tail
        assert take(buffer, LIMIT) == expected
        assert buffer == tail


@pytest.mark.parametrize("row", rows("handshake"), ids=row_id)
def test_writing_a_vector(row: dict) -> None:
    """The other side could not read our handshake."""
    if row.get("malformed") or row.get("only") == "read":
        return
    written = encode_handshake(VALUE[row["side"]](**row["value"]))
    assert written[-1:] == b"\x1e"
    assert json.loads(written[:-1]) == json.loads(row["text"][:-1])


@pytest.mark.parametrize("separator", [b"", b"\x1e"])
def test_a_handshake_has_a_length(separator: bytes) -> None:
    """Somebody who never says who he is could fill the memory."""
    with pytest.raises(RemoteProtocolError):
        take_handshake(bytearray(b"x" * LIMIT + separator), LIMIT)
    assert take_handshake(bytearray(b"x" * (LIMIT - 1)), LIMIT) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
members = st.dictionaries(
    st.sampled_from(["protocol", "version", "error", "type"]), json_values
)


@given(value=json_values | members)
def test_any_json_is_a_handshake_or_an_error(value: object) -> None:
    """Some odd value would raise something that nobody expects."""
    record = json.dumps(value).encode() + b"\x1e"
    for take in TAKE.values():
        try:
            take(bytearray(record), 1_000_000)
        except RemoteProtocolError:
            pass


def test_nesting_in_a_handshake() -> None:
    """Brackets without end would raise something that nobody expects."""
    with pytest.raises(RemoteProtocolError):
        take_handshake(bytearray(b"[" * 100_000 + b"\x1e"), 200_000)


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("name", CODECS)
def test_versions_of_shipped_clients(name: str, version: int) -> None:
    """A shipped client would be turned away at the door."""
    assert choose_codec(HandshakeRequest(name, version)) is CODECS[name]


@pytest.mark.parametrize(
    ("name", "version"), [("json", 3), ("json", -1), ("xml", 1), ("JSON", 1)]
)
def test_what_we_do_not_speak(name: str, version: int) -> None:
    """A client would be let in and then not understood."""
    with pytest.raises(RemoteProtocolError, match=name):
        choose_codec(HandshakeRequest(name, version))
