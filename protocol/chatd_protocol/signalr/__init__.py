"""SignalR's hub protocol without I/O, for clients and servers.

Read in this order: `messages` (values), `fields` and `framing` (what bytes may be),
`decoding`, `json_codec` and `messagepack_codec` under `codec`, then `handshake`,
`negotiate` and `session`, which joins them. `protocol/SPEC.md` says the same in words.
"""

from chatd_protocol.signalr.codec import CODECS, Codec
from chatd_protocol.signalr.decoding import Decoder
from chatd_protocol.signalr.errors import (
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
)
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

__all__ = [
    "CODECS",
    "NO_RESULT",
    "Ack",
    "CancelInvocation",
    "Close",
    "Codec",
    "Completion",
    "Decoder",
    "HubMessage",
    "Invocation",
    "LocalProtocolError",
    "MessageType",
    "Oversized",
    "Ping",
    "ProtocolError",
    "RemoteProtocolError",
    "Sequence",
    "StreamInvocation",
    "StreamItem",
]
