"""Bytes that arrive, before and behind the handshake."""

import pytest

from chatd.signalr.connections.inbound import Inbound
from chatd.signalr.requests import HubLimits
from chatd_protocol.signalr.errors import RemoteProtocolError
from chatd_protocol.signalr.messages import Invocation, Oversized, Ping

JSON = b'{"protocol":"json","version":1}\x1e'
PACK = b'{"protocol":"messagepack","version":1}\x1e'
CALL = b'{"type":1,"target":"Echo","arguments":[1]}\x1e'


def test_what_came_with_the_handshake_is_not_lost() -> None:
    """A client that does not wait for our answer would lose its first call."""
    inbound = Inbound(HubLimits())
    for byte in JSON + CALL:
        inbound.feed(bytes([byte]))
    assert inbound.next() is None
    codec = inbound.take_handshake(text_only=True)
    assert codec is not None
    assert codec.name == "json"
    assert inbound.next() == Invocation("Echo", [1])
    inbound.feed(b'{"type":6}\x1e')
    assert inbound.next() == Ping()
    assert inbound.next() is None


def test_half_a_handshake_is_waited_for() -> None:
    """A handshake that the network cut would be refused."""
    inbound = Inbound(HubLimits())
    inbound.feed(JSON[:9])
    assert inbound.take_handshake(text_only=False) is None
    inbound.feed(JSON[9:])
    assert inbound.take_handshake(text_only=False) is not None


def test_binary_messages_need_a_transport_for_them() -> None:
    """An event stream would be filled with what no browser can read."""
    inbound = Inbound(HubLimits())
    inbound.feed(PACK)
    with pytest.raises(RemoteProtocolError, match="binary"):
        inbound.take_handshake(text_only=True)


def test_bytes_before_the_handshake_are_bounded() -> None:
    """Somebody who never shakes hands could fill the memory."""
    inbound = Inbound(HubLimits(body_bytes=100, websocket_message_bytes=200))
    inbound.feed(b"x" * 200)
    with pytest.raises(RemoteProtocolError, match="before the handshake"):
        inbound.feed(b"x")


def test_a_message_over_the_limit_is_known_by_its_call() -> None:
    """One long message would end the connection instead of its own call."""
    inbound = Inbound(HubLimits(message_bytes=200))
    inbound.feed(JSON)
    inbound.take_handshake(text_only=False)
    long = b'{"type":1,"invocationId":"7","target":"Echo","arguments":["%b"]}\x1e'
    inbound.feed(long % (b"x" * 300) + CALL)
    refused = inbound.next()
    assert isinstance(refused, Oversized)
    assert refused.invocation_id == "7"
    assert inbound.next() == Invocation("Echo", [1])


def test_after_the_end_nothing_is_taken() -> None:
    """A method would be called for somebody who is gone."""
    inbound = Inbound(HubLimits())
    inbound.feed(JSON + CALL)
    inbound.take_handshake(text_only=False)
    inbound.end()
    assert inbound.next() is None
