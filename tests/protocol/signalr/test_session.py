"""Two sessions joined back to back, and every wrong turn of the table."""

from dataclasses import dataclass, field
from itertools import product

import pytest

from chatd_protocol.signalr import (
    CODECS,
    CancelInvocation,
    Close,
    Codec,
    Completion,
    Invocation,
    LocalProtocolError,
    Oversized,
    Ping,
    RemoteProtocolError,
    StreamInvocation,
    StreamItem,
)
from chatd_protocol.signalr.handshake import HandshakeRequest, HandshakeResponse
from chatd_protocol.signalr.session import (
    OPEN_IDS_MAX,
    TRANSITIONS,
    Event,
    Role,
    Session,
    State,
)

LIMIT = 10_000
both = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


@dataclass
class Pair:
    """A client and a server whose bytes go straight to each other."""

    codec: Codec
    client: Session = field(init=False)
    server: Session = field(init=False)

    def __post_init__(self) -> None:
        self.client = Session(Role.CLIENT, LIMIT, self.codec)
        self.server = Session(Role.SERVER, LIMIT)

    def open(self) -> "Pair":
        request = HandshakeRequest(self.codec.name, 1)
        assert self.up(request) == [request]
        assert self.down(HandshakeResponse()) == [HandshakeResponse()]
        return self

    def up(self, *messages: Event) -> list[Event]:
        """What the server hears when the client says `messages`."""
        data = b"".join(self.client.send(message) for message in messages)  # type: ignore[arg-type]
        return list(self.server.feed(data))

    def down(self, *messages: Event) -> list[Event]:
        """What the client hears when the server says `messages`."""
        data = b"".join(self.server.send(message) for message in messages)  # type: ignore[arg-type]
        return list(self.client.feed(data))


@both
def test_a_whole_conversation(codec: Codec) -> None:
    """The two ends would not agree on what was said."""
    pair = Pair(codec).open()
    call = Invocation("Join", ["room"], "0")
    assert pair.up(Ping(), call) == [Ping(), call]
    assert pair.down(Completion("0", 41)) == [Completion("0", 41)]
    stream = StreamInvocation("History", [2], "1")
    assert pair.up(stream) == [stream]
    items: list[Event] = [StreamItem("1", 1), StreamItem("1", 2), Completion("1")]
    assert pair.down(*items) == items
    ask = Invocation("AskVersion", [], "s1")
    assert pair.down(ask) == [ask]
    assert pair.up(Completion("s1", "3.2")) == [Completion("s1", "3.2")]
    upload = Invocation("Upload", [], stream_ids=("u",))
    sent: list[Event] = [upload, StreamItem("u", "x"), Completion("u")]
    assert pair.up(*sent) == sent
    assert pair.down(Close("bye")) == [Close("bye")]
    assert pair.client.state is pair.server.state is State.CLOSED


@both
def test_what_comes_behind_the_request_waits_for_the_answer(codec: Codec) -> None:
    """A call would run before the connection was accepted, or be lost."""
    pair = Pair(codec)
    request = HandshakeRequest(codec.name, 1)
    early = codec.encode(Ping()) + codec.encode(Invocation("a", []))
    assert list(pair.server.feed(pair.client.send(request) + early)) == [request]
    assert list(pair.server.feed(b"")) == []
    pair.down(HandshakeResponse())
    assert list(pair.server.feed(b"")) == [Ping(), Invocation("a", [])]


def test_what_waits_for_the_answer_has_a_bound() -> None:
    """A client could fill the memory while its welcome is being prepared."""
    pair = Pair(CODECS["json"])
    assert pair.up(HandshakeRequest("json", 1))
    with pytest.raises(RemoteProtocolError):
        list(pair.server.feed(b"x" * (LIMIT + 1)))
    assert pair.server.state is State.CLOSED


@both
def test_a_refusal_ends_it(codec: Codec) -> None:
    """A refused client would wait, or talk to nobody."""
    pair = Pair(codec)
    pair.up(HandshakeRequest(codec.name, 1))
    assert pair.down(HandshakeResponse("no")) == [HandshakeResponse("no")]
    assert pair.client.state is pair.server.state is State.CLOSED
    with pytest.raises(LocalProtocolError):
        pair.client.send(Ping())


@both
@pytest.mark.parametrize("late", [Completion("9", 1), StreamItem("9", 1)])
def test_answers_nobody_waits_for_are_dropped(
    codec: Codec, late: Completion | StreamItem
) -> None:
    """A late item, or an answer to a forgotten question, would end the connection."""
    pair = Pair(codec).open()
    assert pair.down(late) == []
    assert pair.up(late) == []


@both
def test_a_call_is_answered_once(codec: Codec) -> None:
    """A second answer would be taken for the next call's."""
    pair = Pair(codec).open()
    pair.up(Invocation("a", [], "0"))
    assert pair.down(Completion("0"), Completion("0")) == [Completion("0")]
    assert pair.up(Invocation("a", [], "0"))


@both
def test_an_open_id_is_not_used_again(codec: Codec) -> None:
    """Two calls would fight over one answer."""
    pair = Pair(codec).open()
    pair.up(Invocation("a", [], "0"))
    with pytest.raises(LocalProtocolError):
        pair.client.send(StreamInvocation("b", [], "0"))


def test_open_ids_have_a_bound() -> None:
    """A peer could announce streams without end."""
    pair = Pair(CODECS["json"]).open()
    for number in range(OPEN_IDS_MAX):
        pair.up(Invocation("a", [], str(number), (f"u{number}",)))
    with pytest.raises(LocalProtocolError):
        pair.client.send(Invocation("a", [], "more"))
    with pytest.raises(RemoteProtocolError):
        pair.up(Invocation("a", [], stream_ids=("more",)))


@both
def test_messages_before_a_mistake_are_heard(codec: Codec) -> None:
    """What was said before the mistake would be lost."""
    pair = Pair(codec).open()
    garbage = b"\x00" if codec.binary else b"xx\x1e"
    events = pair.server.feed(codec.encode(Ping()) + garbage)
    assert next(events) == Ping()
    with pytest.raises(RemoteProtocolError):
        next(events)
    assert pair.server.state is State.CLOSED
    assert list(pair.server.feed(codec.encode(Ping()))) == []


@both
def test_a_long_message_is_an_event(codec: Codec) -> None:
    """One message that is too long would end the connection."""
    pair = Pair(codec).open()
    (heard,) = pair.up(Invocation("a", ["x" * LIMIT], "0"))
    assert isinstance(heard, Oversized)
    assert heard.invocation_id == "0"
    assert pair.up(Ping()) == [Ping()]


@both
def test_nothing_is_heard_after_close(codec: Codec) -> None:
    """A message from beyond the end would reach the application."""
    pair = Pair(codec).open()
    assert pair.up(Close()) == [Close()]
    assert list(pair.server.feed(codec.encode(Ping()))) == []


SPOKEN: list[Event] = [
    HandshakeRequest("json", 1),
    HandshakeResponse(),
    HandshakeResponse("no"),
    Invocation("a", []),
    StreamInvocation("a", [], "1"),
    StreamItem("1", 1),
    Completion("1"),
    CancelInvocation("1"),
    Ping(),
    Close(),
]


def session_in(role: Role, state: State) -> Session:
    pair = Pair(CODECS["json"])
    steps = list(State).index(state)
    if steps >= 1:
        pair.up(HandshakeRequest("json", 1))
    if steps >= 2:
        pair.down(HandshakeResponse())
    if steps >= 3:
        pair.down(Close())
    session = pair.client if role is Role.CLIENT else pair.server
    assert session.state is state
    return session


@pytest.mark.parametrize("message", SPOKEN, ids=repr)
@pytest.mark.parametrize(("role", "state"), list(product(Role, State)))
def test_the_table_is_the_law(role: Role, state: State, message: Event) -> None:
    """A message would go out in a state in which the other side must hang up."""
    refused = isinstance(message, HandshakeResponse) and message.error
    allowed = any(
        row[:2] == (role, state)
        and (row[2].__name__ == "_Refusal" if refused else row[2] is type(message))
        for row in TRANSITIONS
    )
    session = session_in(role, state)
    if allowed:
        assert session.send(message)  # type: ignore[arg-type]
    else:
        with pytest.raises(LocalProtocolError):
            session.send(message)  # type: ignore[arg-type]


@both
@pytest.mark.parametrize(
    "message", [StreamInvocation("a", [], "1"), CancelInvocation("1")]
)
def test_what_a_server_must_not_say(
    codec: Codec, message: StreamInvocation | CancelInvocation
) -> None:
    """A client would accept what the protocol reserves for clients."""
    pair = Pair(codec).open()
    with pytest.raises(RemoteProtocolError):
        list(pair.client.feed(codec.encode(message)))


@pytest.mark.parametrize("version", [3, -1])
def test_a_version_we_do_not_speak(version: int) -> None:
    """A client would be let in and then not understood; and it may hear why."""
    server = Session(Role.SERVER, LIMIT)
    client = Session(Role.CLIENT, LIMIT, CODECS["json"])
    with pytest.raises(RemoteProtocolError):
        list(server.feed(client.send(HandshakeRequest("json", version))))
    (answer,) = client.feed(server.send(HandshakeResponse("no such version")))
    assert answer == HandshakeResponse("no such version")


def test_who_chooses_the_codec() -> None:
    """A session would be built that can never speak."""
    with pytest.raises(LocalProtocolError):
        Session(Role.CLIENT, LIMIT)
    with pytest.raises(LocalProtocolError):
        Session(Role.SERVER, LIMIT, CODECS["json"])
    with pytest.raises(LocalProtocolError):
        _ = Session(Role.SERVER, LIMIT).codec
