"""Hub messages as MessagePack arrays behind a VarInt length (protocol `messagepack`).

The shapes written are the ones that every known client reads: six elements for calls
(the array of stream ids is there even when empty), headers always a map, three elements
for Close. The shapes read are wider: trailing elements may be missing or too many where
the protocol document or a shipped client says so.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import msgpack
import msgspec

from chatd_protocol.signalr import fields
from chatd_protocol.signalr.decoding import Decoder
from chatd_protocol.signalr.errors import LocalProtocolError, RemoteProtocolError
from chatd_protocol.signalr.framing import LengthFrames, Skipped, encode_length
from chatd_protocol.signalr.messages import (
    NO_RESULT,
    Ack,
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    MessageType,
    Oversized,
    Ping,
    Sequence,
    StreamInvocation,
    StreamItem,
)

_ERROR, _VOID, _RESULT = 1, 2, 3  # the kinds of completion

# A body without any of these bytes has no float and no extension type, and one with few
# array and map headers is not nested deeply: it need not be walked. They also occur in
# texts, where they only make the walk run in vain.
_FLOATS_AND_EXTENSIONS: Final = bytes(
    [0xCA, 0xCB, 0xC7, 0xC8, 0xC9, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8]
)
_CONTAINERS: Final = bytes([*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF])

_to_builtins = partial(
    msgspec.to_builtins, builtin_types=(bytes, bytearray, memoryview)
)


class MessagePackCodec:
    """The `messagepack` hub protocol."""

    name: Final = "messagepack"
    version: Final = 2
    binary: Final = True

    def encode(self, message: HubMessage) -> bytes:
        """The message as one MessagePack array behind its length.

        Raises LocalProtocolError for values that MessagePack cannot carry: integers
        beyond 64 bits, lone surrogates, unknown types.
        """
        try:
            body: bytes = msgpack.packb(_elements(message), default=_to_builtins)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise LocalProtocolError(f"Not expressible: {error}") from error
        return encode_length(len(body)) + body

    def decoder(self, limit_bytes: int) -> Decoder:
        """A fresh decoder for one connection."""
        return Decoder(LengthFrames(limit_bytes), _parse, _oversized)


def _elements(message: HubMessage) -> list[object]:
    """The array of a message."""
    match message:
        case Invocation(target, arguments, invocation_id, stream_ids, headers):
            kind = MessageType.INVOCATION
            head = [int(kind), headers or {}, invocation_id, target]
            return [*head, arguments, stream_ids]
        case StreamInvocation(target, arguments, stream_id, stream_ids, headers):
            kind = MessageType.STREAM_INVOCATION
            return [int(kind), headers or {}, stream_id, target, arguments, stream_ids]
        case StreamItem(invocation_id, item, headers):
            return [int(MessageType.STREAM_ITEM), headers or {}, invocation_id, item]
        case Completion():
            return _completion_elements(message)
        case CancelInvocation(invocation_id, headers):
            return [int(MessageType.CANCEL_INVOCATION), headers or {}, invocation_id]
        case Ping():
            return [int(MessageType.PING)]
        case Close(error, allow_reconnect):
            return [int(MessageType.CLOSE), error, allow_reconnect]
        case Ack(number):
            return [int(MessageType.ACK), number]
        case Sequence(number):
            return [int(MessageType.SEQUENCE), number]


def _completion_elements(message: Completion) -> list[object]:
    head: list[object] = [
        int(MessageType.COMPLETION),
        message.headers or {},
        message.invocation_id,
    ]
    if message.error is not None:
        if message.result is not NO_RESULT:
            raise LocalProtocolError("A completion has a result or an error, not both.")
        return [*head, _ERROR, message.error]
    if message.result is NO_RESULT:
        return [*head, _VOID]
    return [*head, _RESULT, message.result]


def _refuse_extension(_code: int, _data: bytes) -> object:
    raise RemoteProtocolError("Extension types are not accepted.")


def _parse(body: bytes) -> HubMessage | None:
    """The message in one body; None for a type that is not known here."""
    try:
        elements = msgpack.unpackb(body, ext_hook=_refuse_extension)
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise RemoteProtocolError("A message is not valid MessagePack.") from error
    if not isinstance(elements, list):
        raise RemoteProtocolError("A message is not a MessagePack array.")
    if _needs_walk(body):
        fields.check_tree(elements)
    kind = fields.message_type(elements[0] if elements else None)
    row = _READERS.get(kind)
    if row is None:
        return None
    least, read = row
    if len(elements) < least:
        raise RemoteProtocolError("A message has too few elements.")
    return read(elements)


def _needs_walk(body: bytes) -> bool:
    if len(body.translate(None, _FLOATS_AND_EXTENSIONS)) != len(body):
        return True
    return len(body) - len(body.translate(None, _CONTAINERS)) > fields.NESTING_MAX


def _read_invocation(elements: list[object]) -> Invocation:
    return Invocation(
        fields.target(elements[3]),
        fields.arguments(elements[4]),
        fields.optional_identifier(elements[2]),
        fields.stream_ids(elements[5] if len(elements) > 5 else None),
        fields.headers(elements[1]),
    )


def _read_stream_invocation(elements: list[object]) -> StreamInvocation:
    return StreamInvocation(
        fields.target(elements[3]),
        fields.arguments(elements[4]),
        fields.identifier(elements[2]),
        fields.stream_ids(elements[5] if len(elements) > 5 else None),
        fields.headers(elements[1]),
    )


def _read_stream_item(elements: list[object]) -> StreamItem:
    return StreamItem(
        fields.identifier(elements[2]), elements[3], fields.headers(elements[1])
    )


def _read_completion(elements: list[object]) -> Completion:
    invocation_id = fields.identifier(elements[2])
    headers = fields.headers(elements[1])
    kind = elements[3]
    if kind == _VOID and type(kind) is int:
        return Completion(invocation_id, headers=headers)
    if kind not in (_ERROR, _RESULT) or type(kind) is not int:
        raise RemoteProtocolError("The kind of a completion is not 1, 2 or 3.")
    if len(elements) < 5:
        raise RemoteProtocolError("A completion has no value.")
    if kind == _RESULT:
        return Completion(invocation_id, elements[4], headers=headers)
    error = fields.error_text(elements[4])
    return Completion(invocation_id, error=error or "", headers=headers)


def _read_cancel_invocation(elements: list[object]) -> CancelInvocation:
    return CancelInvocation(fields.identifier(elements[2]), fields.headers(elements[1]))


def _read_ping(_elements: list[object]) -> Ping:
    return Ping()


def _read_close(elements: list[object]) -> Close:
    return Close(
        fields.error_text(elements[1]),
        fields.flag(elements[2] if len(elements) > 2 else None),
    )


def _read_ack(elements: list[object]) -> Ack:
    return Ack(fields.sequence_id(elements[1]))


def _read_sequence(elements: list[object]) -> Sequence:
    return Sequence(fields.sequence_id(elements[1]))


_READERS: Final[Mapping[int, tuple[int, Callable[[list[object]], HubMessage]]]] = (
    MappingProxyType(
        {
            # type: (least number of elements, reader)
            MessageType.INVOCATION: (5, _read_invocation),
            MessageType.STREAM_ITEM: (4, _read_stream_item),
            MessageType.COMPLETION: (4, _read_completion),
            MessageType.STREAM_INVOCATION: (5, _read_stream_invocation),
            MessageType.CANCEL_INVOCATION: (3, _read_cancel_invocation),
            MessageType.PING: (1, _read_ping),
            MessageType.CLOSE: (2, _read_close),
            MessageType.ACK: (2, _read_ack),
            MessageType.SEQUENCE: (2, _read_sequence),
        }
    )
)


def _oversized(frame: Skipped) -> Oversized:
    """What the first 4 KiB tell: type, headers and id are the first three elements."""
    unpacker = msgpack.Unpacker(ext_hook=_refuse_extension)
    unpacker.feed(frame.head)
    kind: int | None = None
    try:
        if unpacker.read_array_header() < 3:
            return Oversized(None, frame.size)
        kind = fields.message_type(unpacker.unpack())
        unpacker.skip()  # the headers
        invocation_id = fields.optional_identifier(unpacker.unpack())
    except (
        ValueError,
        TypeError,
        RecursionError,
        msgpack.OutOfData,
        RemoteProtocolError,
    ):
        return Oversized(None, frame.size, kind)
    return Oversized(invocation_id, frame.size, kind)
