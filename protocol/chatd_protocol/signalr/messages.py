"""The nine hub messages of SignalR as frozen values.

How they become bytes is the codecs' business. A message says nothing about its
direction either: which role may send which type, and when, is the table in
`session.py`. Field names follow the protocol document, in Python's spelling.
"""

from collections.abc import Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Final, TypeAlias


class MessageType(IntEnum):
    """The numbers that name hub messages on the wire, in both encodings."""

    INVOCATION = 1
    STREAM_ITEM = 2
    COMPLETION = 3
    STREAM_INVOCATION = 4
    CANCEL_INVOCATION = 5
    PING = 6
    CLOSE = 7
    ACK = 8
    SEQUENCE = 9


class _NoResult(Enum):
    """The type of `NO_RESULT`; an enum, so that type checkers can tell it apart."""

    NO_RESULT = "no result"

    def __repr__(self) -> str:
        return self.value


NO_RESULT: Final = _NoResult.NO_RESULT
"""Stands in `Completion.result` for a call that returns nothing; `None` is a value."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call of `target`. Without an `invocation_id` it is never answered."""

    target: str
    arguments: Items[object]
    invocation_id: str | None = None
    stream_ids: tuple[str, ...] = ()
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class StreamInvocation:
    """A call that is answered by stream items and then one completion."""

    target: str
    arguments: Items[object]
    invocation_id: str
    stream_ids: tuple[str, ...] = ()
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class StreamItem:
    """One item of the stream called `invocation_id`, in either direction."""

    invocation_id: str
    item: object
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """The one end of a call or a stream: a result, an error, or neither."""

    invocation_id: str
    result: object = field(default=NO_RESULT)
    error: str | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CancelInvocation:
    """The caller no longer wants the stream; a completion is still owed."""

    invocation_id: str
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """A sign of life; resets the peer's timeout and means nothing else."""


@dataclass(frozen=True, slots=True)
class Close:
    """The last message of a connection. `allow_reconnect` invites the client back."""

    error: str | None = None
    allow_reconnect: bool = False


@dataclass(frozen=True, slots=True)
class Ack:
    """Stateful reconnect: all numbered messages up to `sequence_id` have arrived."""

    sequence_id: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """Stateful reconnect: the next numbered message has the number `sequence_id`."""

    sequence_id: int


HubMessage: TypeAlias = (
    Invocation
    | StreamInvocation
    | StreamItem
    | Completion
    | CancelInvocation
    | Ping
    | Close
    | Ack
    | Sequence
)


@dataclass(frozen=True, slots=True)
class Oversized:
    """Takes the place of a message that was longer than the limit and was skipped.

    `size` is its whole length in bytes, framing included. `invocation_id` and `type`
    are known when they could be read from the message's first or last 4 KiB; only a
    call (types 1 and 4) with a known id is owed a completion.
    """

    invocation_id: str | None
    size: int
    type: int | None = None
