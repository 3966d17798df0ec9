"""Both codecs against the shared vectors, each other, and people who mean harm."""

import json
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd_protocol.signalr import (
    CODECS,
    NO_RESULT,
    Ack,
    CancelInvocation,
    Close,
    Codec,
    Completion,
    HubMessage,
    Invocation,
    LocalProtocolError,
    Oversized,
    Ping,
    RemoteProtocolError,
    Sequence,
    StreamInvocation,
    StreamItem,
)
from tests.protocol.signalr.vectors import (
    cuts,
    message_of,
    read_all,
    row_bytes,
    row_id,
    rows,
)

LIMIT = 262_144
JSON, MESSAGEPACK = CODECS["json"], CODECS["messagepack"]

both = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
messages = pytest.mark.parametrize("row", rows("messages"), ids=row_id)


def wire(row: dict, codec: Codec) -> bytes:
    if codec.binary:
        return bytes.fromhex(row["messagepack"])
    return str(row["json"]).encode()


def plain(value: object) -> object:
    """A message in a form where 1 and 1.0 and True differ."""
    return repr(value)


@both
@messages
def test_reading_a_vector(codec: Codec, row: dict) -> None:
    """A message of a shipped client would be misread, at least when cut somewhere."""
    if codec.name not in row:
        return
    expected = plain([message_of(row["message"])])
    for pieces in cuts(wire(row, codec)):
        assert plain(read_all(codec.decoder(LIMIT), *pieces)) == expected


@both
@messages
def test_writing_a_vector(codec: Codec, row: dict) -> None:
    """A shipped client could not read what we send."""
    if row.get("only") == "read":
        return
    written = codec.encode(message_of(row["message"]))
    if codec.binary:
        assert written.hex(" ") == row["messagepack"]
    else:
        assert written[-1:] == b"\x1e"
        assert json.loads(written[:-1]) == json.loads(row["json"][:-1])


@pytest.mark.parametrize("row", rows("malformed"), ids=row_id)
def test_malformed(row: dict) -> None:
    """Bytes that break the protocol would be taken for a message, or crash us."""
    decoder = CODECS[row["codec"]].decoder(LIMIT)
    with pytest.raises(RemoteProtocolError):
        read_all(decoder, row_bytes(row))


@pytest.mark.parametrize("row", rows("unknown"), ids=row_id)
def test_unknown_types_are_passed_over(row: dict) -> None:
    """A client newer than we are would be thrown out."""
    codec = CODECS[row["codec"]]
    data = row_bytes(row) + codec.encode(Ping())
    assert read_all(codec.decoder(LIMIT), data) == [Ping()]


def oversized_bytes(row: dict) -> bytes:
    if row["codec"] == "json":
        return (row["head"] + "y" * row["fill"] + row["tail"]).encode()
    head, tail = bytes.fromhex(row["head"]), bytes.fromhex(row["tail"])
    return head + b"y" * row["fill"] + tail


@pytest.mark.parametrize("piece_bytes", [1_000_000, 4_096, 1_000])
@pytest.mark.parametrize("row", rows("oversized"), ids=row_id)
def test_oversized(row: dict, piece_bytes: int) -> None:
    """One message that is too long would cost the connection, or fail in silence."""
    codec = CODECS[row["codec"]]
    data = oversized_bytes(row) + codec.encode(Ping())
    pieces = [data[at : at + piece_bytes] for at in range(0, len(data), piece_bytes)]
    assert read_all(codec.decoder(row["limit"]), *pieces) == [
        Oversized(row["invocationId"], row["size"], row["type"]),
        Ping(),
    ]


@both
def test_the_limit_counts_the_framing_and_is_inclusive(codec: Codec) -> None:
    """Two implementations would disagree about which message is too long."""
    message = Invocation("send", ["x" * 500], "1")
    data = codec.encode(message)
    assert read_all(codec.decoder(len(data)), data, data) == [message, message]
    skipped = Oversized("1", len(data), 1)
    assert read_all(codec.decoder(len(data) - 1), data, data) == [skipped, skipped]


@both
def test_memory_stays_bounded_while_a_message_is_skipped(codec: Codec) -> None:
    """One client could fill the memory with a message that never ends."""
    decoder = codec.decoder(LIMIT)
    head = b'{"x":"' if codec is JSON else bytes.fromhex("ff ff ff ff 07")
    piece = b"y" * 65_536
    tracemalloc.start()
    try:
        assert read_all(decoder, head, *[piece] * 1_000) == []
        assert tracemalloc.get_traced_memory()[1] < 4 * LIMIT
    finally:
        tracemalloc.stop()


@both
def test_many_messages_in_one_piece(codec: Codec) -> None:
    """Reading would take time in the square of the number of messages."""
    data = codec.encode(Ping()) * 100_000
    assert len(read_all(codec.decoder(LIMIT), data)) == 100_000


def test_nesting_without_end() -> None:
    """A hundred thousand brackets would exhaust the stack."""
    text = b'{"type":1,"target":"a","arguments":' + b"[" * 100_000
    for tail in (b"\x1e", b"]" * 100_000 + b"}\x1e"):
        with pytest.raises(RemoteProtocolError):
            read_all(JSON.decoder(LIMIT), text + tail)
    body = bytes.fromhex("96 01 80 c0 a1 61") + b"\x91" * 100_000
    with pytest.raises(RemoteProtocolError):
        read_all(MESSAGEPACK.decoder(LIMIT), b"\xa6\x8d\x06" + body)


@both
def test_sixty_four_levels_are_allowed(codec: Codec) -> None:
    """The bound would be lower than what other servers read."""
    deep: list[object] = []
    for _ in range(61):
        deep = [deep]
    message = Invocation("a", [deep])
    assert read_all(codec.decoder(LIMIT), codec.encode(message)) == [message]


@both
@pytest.mark.parametrize(
    "value",
    [2**64, -(2**63) - 1, "\ud800", object()],
    ids=["2^64", "-2^63-1", "lone surrogate", "object"],
)
def test_what_cannot_be_written_is_our_own_error(codec: Codec, value: object) -> None:
    """A bug of ours would surface as somebody else's, or as an unknown exception."""
    with pytest.raises(LocalProtocolError):
        codec.encode(Invocation("a", [value]))


@both
def test_a_completion_has_one_outcome(codec: Codec) -> None:
    """Clients that check would drop the connection."""
    with pytest.raises(LocalProtocolError):
        codec.encode(Completion("1", result=1, error="e"))


class Author(msgspec.Struct, rename="camel", omit_defaults=True):
    """A struct like those of the chat contract."""

    user_id: str
    avatar_url: str | None = None


@both
def test_structs_become_their_wire_form(codec: Codec) -> None:
    """Renames and left-out defaults would not reach the wire."""
    sent = Invocation("a", [Author("u1"), [Author("u2", "x")], {"k": Author("u3")}])
    received = Invocation(
        "a",
        [
            {"userId": "u1"},
            [{"userId": "u2", "avatarUrl": "x"}],
            {"k": {"userId": "u3"}},
        ],
    )
    assert read_all(codec.decoder(LIMIT), codec.encode(sent)) == [received]


@both
def test_codecs_name_themselves(codec: Codec) -> None:
    """The handshake would find the wrong codec."""
    assert CODECS[codec.name] is codec
    assert codec.binary is (codec.name == "messagepack")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(
    allow_nan=False, allow_infinity=False
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
    ),
    max_leaves=20,
)
ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128)
targets = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256)
headers = st.none() | st.dictionaries(texts, texts, min_size=1, max_size=3)
calls = {
    "target": targets,
    "arguments": st.lists(values, max_size=4),
    "stream_ids": st.lists(ids, max_size=3).map(tuple),
    "headers": headers,
}
hub_messages: st.SearchStrategy[HubMessage] = st.one_of(
    st.builds(Invocation, invocation_id=st.none() | ids, **calls),
    st.builds(StreamInvocation, invocation_id=ids, **calls),
    st.builds(StreamItem, invocation_id=ids, item=values, headers=headers),
    st.builds(
        Completion,
        invocation_id=ids,
        result=st.just(NO_RESULT) | values,
        headers=headers,
    ),
    st.builds(Completion, invocation_id=ids, error=texts, headers=headers),
    st.builds(CancelInvocation, invocation_id=ids, headers=headers),
    st.just(Ping()),
    st.builds(Close, error=st.none() | texts, allow_reconnect=st.booleans()),
    st.builds(Ack, st.integers(0, 2**63 - 1)),
    st.builds(Sequence, st.integers(0, 2**63 - 1)),
)


@both
@given(sent=st.lists(hub_messages, max_size=5), piece_bytes=st.integers(1, 60))
def test_round_trip(codec: Codec, sent: list[HubMessage], piece_bytes: int) -> None:
    """Some message would arrive as another one, or only in certain pieces."""
    data = b"".join(map(codec.encode, sent))
    pieces = [data[at : at + piece_bytes] for at in range(0, len(data), piece_bytes)]
    assert plain(read_all(codec.decoder(LIMIT), *pieces)) == plain(sent)


@both
@given(message=hub_messages, at=st.integers(0, 500), byte=st.integers(0, 255))
def test_one_wrong_byte(codec: Codec, message: HubMessage, at: int, byte: int) -> None:
    """A damaged message would raise something that nobody expects."""
    data = bytearray(codec.encode(message))
    data[at % len(data)] = byte
    try:
        read_all(codec.decoder(LIMIT), bytes(data))
    except RemoteProtocolError:
        pass


@both
@given(data=st.binary(max_size=200))
def test_noise(codec: Codec, data: bytes) -> None:
    """Random bytes would raise something that nobody expects."""
    try:
        read_all(codec.decoder(64), data + b"\x1e")
    except RemoteProtocolError:
        pass
