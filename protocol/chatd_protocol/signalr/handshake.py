"""The first exchange on a connection: which encoding, and yes or no.

Both messages are JSON followed by 0x1E whatever encoding they choose. They may arrive
in pieces and with hub messages right behind them, so they are taken from the front of
a buffer and the rest is left there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from chatd_protocol.signalr.codec import CODECS, Codec
from chatd_protocol.signalr.errors import RemoteProtocolError
from chatd_protocol.signalr.framing import RECORD_SEPARATOR

PROTOCOL_CHARS_MAX: Final = 64
"""The name of an encoding is echoed in the refusal."""


@dataclass(frozen=True, slots=True)
class HandshakeRequest:
    """The client's choice of an encoding, by name and version."""

    protocol: str
    version: int


@dataclass(frozen=True, slots=True)
class HandshakeResponse:
    """The server's answer: accepted, or refused with a reason."""

    error: str | None = None


def encode_handshake(message: HandshakeRequest | HandshakeResponse) -> bytes:
    """Either message as its bytes on the wire."""
    match message:
        case HandshakeRequest(protocol, version):
            members: dict[str, object] = {"protocol": protocol, "version": version}
        case HandshakeResponse(error):
            members = {} if error is None else {"error": error}
    return orjson.dumps(members) + RECORD_SEPARATOR


def take_handshake(buffer: bytearray, limit_bytes: int) -> HandshakeRequest | None:
    """Take the client's request from the front of `buffer`; None while incomplete.

    Raises RemoteProtocolError for anything that is not a request, and for one that is
    longer than `limit_bytes` with its separator.
    """
    members = _take_record(buffer, limit_bytes)
    if members is None:
        return None
    protocol, version = members.get("protocol"), members.get("version")
    if not isinstance(protocol, str) or len(protocol) > PROTOCOL_CHARS_MAX:
        raise RemoteProtocolError("The handshake names no protocol.")
    if not isinstance(version, int) or isinstance(version, bool):
        raise RemoteProtocolError("The handshake names no version.")
    return HandshakeRequest(protocol, version)


def take_response(buffer: bytearray, limit_bytes: int) -> HandshakeResponse | None:
    """Take the server's answer from the front of `buffer`; None while incomplete.

    Raises RemoteProtocolError for anything else, a hub message in particular.
    """
    members = _take_record(buffer, limit_bytes)
    if members is None:
        return None
    error = members.get("error")
    if "type" in members or not (error is None or isinstance(error, str)):
        raise RemoteProtocolError("Expected the answer to the handshake.")
    return HandshakeResponse(error)


def choose_codec(request: HandshakeRequest) -> Codec:
    """The codec that a request asks for.

    Version 0 is what one old client sends, and 2 what clients send that would like
    stateful reconnect; the messages of all three are the same.

    Raises RemoteProtocolError; its text is meant for the `error` of the response.
    """
    codec = CODECS.get(request.protocol)
    if codec is None:
        raise RemoteProtocolError(
            f"The protocol '{request.protocol}' is not supported."
        )
    if not 0 <= request.version <= codec.version:
        raise RemoteProtocolError(
            f"The server does not support version {request.version} of the "
            f"'{request.protocol}' protocol."
        )
    return codec


def _take_record(buffer: bytearray, limit_bytes: int) -> Mapping[str, object] | None:
    end = buffer.find(RECORD_SEPARATOR, 0, limit_bytes)
    if end < 0:
        if len(buffer) >= limit_bytes:
            raise RemoteProtocolError("The handshake is too long.")
        return None
    record = bytes(buffer[:end])
    del buffer[: end + 1]
    try:
        members = orjson.loads(record)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError("The handshake is not valid JSON.") from error
    if not isinstance(members, dict):
        raise RemoteProtocolError("The handshake is not a JSON object.")
    return members
