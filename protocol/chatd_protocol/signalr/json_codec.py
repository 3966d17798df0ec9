"""Hub messages as JSON text, one object per record (protocol name `json`).

Absent fields are left out and never null, since some clients fail on either null ids or
unknown members. Void calls complete without `result`.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec
import orjson

from chatd_protocol.signalr import fields
from chatd_protocol.signalr.decoding import Decoder
from chatd_protocol.signalr.errors import LocalProtocolError, RemoteProtocolError
from chatd_protocol.signalr.framing import RECORD_SEPARATOR, RecordFrames, Skipped
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


class JsonCodec:
    """The `json` hub protocol."""

    name: Final = "json"
    version: Final = 2
    binary: Final = False

    def encode(self, message: HubMessage) -> bytes:
        """The message as one JSON object followed by 0x1E.

        NaN and the infinities, which JSON does not have, become null.

        Raises LocalProtocolError for values that JSON cannot carry: integers beyond
        64 bits, lone surrogates, keys that are not strings, unknown types.
        """
        try:
            return (
                orjson.dumps(_members(message), default=msgspec.to_builtins)
                + RECORD_SEPARATOR
            )
        except (TypeError, ValueError, RecursionError) as error:
            raise LocalProtocolError(f"Not expressible in JSON: {error}") from error

    def decoder(self, limit_bytes: int) -> Decoder:
        """A fresh decoder for one connection."""
        return Decoder(RecordFrames(limit_bytes), _parse, _oversized)


def _members(message: HubMessage) -> dict[str, object]:
    """The JSON object of a message, without members that would say nothing."""
    match message:
        case Invocation() | StreamInvocation():
            return _invocation_members(message)
        case StreamItem(invocation_id, item, headers):
            members = _with_id(MessageType.STREAM_ITEM, invocation_id, headers)
            return members | {"item": item}
        case Completion():
            return _completion_members(message)
        case CancelInvocation(invocation_id, headers):
            return _with_id(MessageType.CANCEL_INVOCATION, invocation_id, headers)
        case Ping():
            return {"type": int(MessageType.PING)}
        case Close(error, allow_reconnect):
            return _with_id(MessageType.CLOSE, None, None) | (
                ({} if error is None else {"error": error})
                | ({"allowReconnect": True} if allow_reconnect else {})
            )
        case Ack(number):
            return {"type": int(MessageType.ACK), "sequenceId": number}
        case Sequence(number):
            return {"type": int(MessageType.SEQUENCE), "sequenceId": number}


def _with_id(
    kind: MessageType, invocation_id: str | None, headers: Mapping[str, str] | None
) -> dict[str, object]:
    members: dict[str, object] = {"type": int(kind)}
    if headers:
        members["headers"] = headers
    if invocation_id is not None:
        members["invocationId"] = invocation_id
    return members


def _invocation_members(message: Invocation | StreamInvocation) -> dict[str, object]:
    kind = (
        MessageType.INVOCATION
        if isinstance(message, Invocation)
        else MessageType.STREAM_INVOCATION
    )
    members = _with_id(kind, message.invocation_id, message.headers)
    members["target"] = message.target
    members["arguments"] = message.arguments
    if message.stream_ids:
        members["streamIds"] = message.stream_ids
    return members


def _completion_members(message: Completion) -> dict[str, object]:
    members = _with_id(MessageType.COMPLETION, message.invocation_id, message.headers)
    if message.error is not None:
        if message.result is not NO_RESULT:
            raise LocalProtocolError("A completion has a result or an error, not both.")
        members["error"] = message.error
    elif message.result is not NO_RESULT:
        members["result"] = message.result
    return members


def _parse(record: bytes) -> HubMessage | None:
    """The message in one record; None for a type that is not known here."""
    try:
        members = orjson.loads(record)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError("A message is not valid JSON.") from error
    if not isinstance(members, dict):
        raise RemoteProtocolError("A message is not a JSON object.")
    # Brackets in texts only make this check run in vain; few messages have so many.
    if record.count(b"[") + record.count(b"{") > fields.NESTING_MAX:
        fields.check_tree(members)
    read = _READERS.get(fields.message_type(members.get("type")))
    return None if read is None else read(members)


def _read_invocation(members: dict[str, object]) -> Invocation:
    return Invocation(
        fields.target(members.get("target")),
        fields.arguments(members.get("arguments")),
        fields.optional_identifier(members.get("invocationId")),
        fields.stream_ids(members.get("streamIds")),
        fields.headers(members.get("headers")),
    )


def _read_stream_invocation(members: dict[str, object]) -> StreamInvocation:
    return StreamInvocation(
        fields.target(members.get("target")),
        fields.arguments(members.get("arguments")),
        fields.identifier(members.get("invocationId")),
        fields.stream_ids(members.get("streamIds")),
        fields.headers(members.get("headers")),
    )


def _read_stream_item(members: dict[str, object]) -> StreamItem:
    if "item" not in members:
        raise RemoteProtocolError("item is missing.")
    return StreamItem(
        fields.identifier(members.get("invocationId")),
        members["item"],
        fields.headers(members.get("headers")),
    )


def _read_completion(members: dict[str, object]) -> Completion:
    error = fields.error_text(members.get("error"))
    result = members.get("result", NO_RESULT)
    if error is not None:
        if result is not NO_RESULT and result is not None:
            raise RemoteProtocolError("A completion has both a result and an error.")
        result = NO_RESULT
    return Completion(
        fields.identifier(members.get("invocationId")),
        result,
        error,
        fields.headers(members.get("headers")),
    )


def _read_cancel_invocation(members: dict[str, object]) -> CancelInvocation:
    return CancelInvocation(
        fields.identifier(members.get("invocationId")),
        fields.headers(members.get("headers")),
    )


def _read_ping(_members: dict[str, object]) -> Ping:
    return Ping()


def _read_close(members: dict[str, object]) -> Close:
    return Close(
        fields.error_text(members.get("error")),
        fields.flag(members.get("allowReconnect")),
    )


def _read_ack(members: dict[str, object]) -> Ack:
    return Ack(fields.sequence_id(members.get("sequenceId")))


def _read_sequence(members: dict[str, object]) -> Sequence:
    return Sequence(fields.sequence_id(members.get("sequenceId")))


_READERS: Final[Mapping[int, Callable[[dict[str, object]], HubMessage]]] = (
    MappingProxyType(
        {
            MessageType.INVOCATION: _read_invocation,
            MessageType.STREAM_ITEM: _read_stream_item,
            MessageType.COMPLETION: _read_completion,
            MessageType.STREAM_INVOCATION: _read_stream_invocation,
            MessageType.CANCEL_INVOCATION: _read_cancel_invocation,
            MessageType.PING: _read_ping,
            MessageType.CLOSE: _read_close,
            MessageType.ACK: _read_ack,
            MessageType.SEQUENCE: _read_sequence,
        }
    )
)


# What can be told of a message that was skipped. Clients differ in the order of members
# (the official JavaScript one writes arguments first, others last), so the simple
# members are looked for at the beginning and at the end. Both patterns stay on the
# outermost level: they start at the first brace or end at the last one, and cross only
# members whose values cannot hold an object. Possessive repeats keep them from
# backtracking over a hostile text.
_STRING = rb'"(?:[^"\\]|\\.)*+"'
_MEMBER = (
    rb'\s*"(?:type|target|invocationId|streamIds)"\s*:\s*'
    rb"(?:" + _STRING + rb"|-?\d+|null|\[[^\[\]{}]*\])\s*"
)
_HEAD: Final = re.compile(rb"\s*\{((?:" + _MEMBER + rb",)++)", re.DOTALL)
_TAIL: Final = re.compile(rb"((?:," + _MEMBER + rb")++)\}\s*\Z", re.DOTALL)
_ID: Final = re.compile(rb'"invocationId"\s*:\s*(' + _STRING + rb")", re.DOTALL)
_TYPE: Final = re.compile(rb'"type"\s*:\s*(\d{1,4})\s*[,}]?')


def _oversized(frame: Skipped) -> Oversized:
    head = _HEAD.match(frame.head)
    tail = _TAIL.search(frame.tail)
    simple = (head[1] if head else b"") + (tail[1] if tail else b"")
    kind = _TYPE.search(simple)
    return Oversized(
        _excerpt_id(simple), frame.size, None if kind is None else int(kind[1])
    )


def _excerpt_id(simple: bytes) -> str | None:
    found = _ID.search(simple)
    if found is None:
        return None
    try:
        return fields.optional_identifier(orjson.loads(found[1]))
    except (ValueError, RemoteProtocolError):
        return None
