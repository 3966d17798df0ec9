"""What is on a channel: announcements, sealed against everyone who is no gateway.

    version (1 byte) · gateway (8) · MAC (16) · sent at, announcements (MessagePack)

The MAC is keyed BLAKE2b (RFC 7693) over the channel and all but itself: whoever can
write to Redis can neither invent an envelope nor move one to another channel. One that
is played again says nothing new, because announcements are hints; those that would
reach a screen as they are (`OF_NOW`) are not taken when they are old.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

import msgspec

from chatd.bus.redis.channels import Channels
from chatd.clock import Clock
from chatd.domain.announcements import (
    Announcement,
    FactsMoved,
    Hinted,
    Logged,
    PersonalMoved,
    PresenceMoved,
    SessionsEnded,
)
from chatd_protocol.chat.events import Hint, LogEvent

VERSION: Final = b"\x01"
GATEWAY_BYTES: Final = 8
MAC_BYTES: Final = 16
HEAD_BYTES: Final = 1 + GATEWAY_BYTES
BODY_AT: Final = HEAD_BYTES + MAC_BYTES

ENVELOPE_BYTES: Final = 256 * 1024
"""A hub message at its largest. An event beyond it is left out and read by whom it
concerns; an envelope beyond it is no envelope."""

HINT_AGE_MS: Final = 60_000
"""Nobody types for so long; more than the clocks of two gateways differ."""


class _Logged(msgspec.Struct, array_like=True, tag="l", frozen=True):
    tenant: str
    conversation_id: str
    seq: int
    kind: str
    event: LogEvent | None = None
    origin: str | None = None


class _PersonalMoved(msgspec.Struct, array_like=True, tag="p", frozen=True):
    tenant: str
    user_id: str
    personal_seq: int
    origin: str | None = None


class _FactsMoved(msgspec.Struct, array_like=True, tag="f", frozen=True):
    tenant: str
    noun: str
    id: str


class _SessionsEnded(msgspec.Struct, array_like=True, tag="s", frozen=True):
    tenant: str
    user_id: str
    before_ms: int


class _Hinted(msgspec.Struct, array_like=True, tag="h", frozen=True):
    tenant: str
    conversation_id: str
    actor_id: str
    event: Hint


class _PresenceMoved(msgspec.Struct, array_like=True, tag="n", frozen=True):
    tenant: str
    user_id: str
    online: bool


class Lost(msgspec.Struct, array_like=True, tag="x", frozen=True):
    """A gateway could not send everything that it had to say."""


class Probe(msgspec.Struct, array_like=True, tag="o", frozen=True):
    """A gateway's word to itself; `at_s` is its own monotonic clock."""

    at_s: float


OF_NOW: Final = (_Hinted, _PresenceMoved)
"""What reaches a screen as it is, and is true at one moment only."""

Item = (
    _Logged
    | _PersonalMoved
    | _FactsMoved
    | _SessionsEnded
    | _Hinted
    | _PresenceMoved
    | Lost
    | Probe
)


class _Body(msgspec.Struct, array_like=True, frozen=True):
    sent_ms: int
    items: tuple[Item, ...]


class Rejected(Exception):
    """Not an envelope for us; the argument says why, as the metric does."""


class Envelopes:
    """Seals and opens; one for a gateway."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self.gateway = secrets.token_bytes(GATEWAY_BYTES)
        self._key = hashlib.blake2b(
            secret, digest_size=32, person=b"redis envelope"
        ).digest()
        self._clock = clock
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(_Body).decode

    def seal(self, channel: bytes, items: Sequence[Item]) -> bytes:
        """The bytes to publish on a channel."""
        head = VERSION + self.gateway
        body = self._encode(_Body(self._clock.now_ms(), tuple(items)))
        if len(body) > ENVELOPE_BYTES:
            body = self._encode(
                _Body(self._clock.now_ms(), tuple(map(_without_event, items)))
            )
        return head + self._mac(channel, head, body) + body

    def is_own(self, data: bytes) -> bool:
        """Whether this gateway says that it sent it; probes aside, nothing to read."""
        return data[1:HEAD_BYTES] == self.gateway

    def open(self, channel: bytes, data: bytes) -> list[Announcement | Lost | Probe]:
        """What another gateway has to tell.

        Raises:
            Rejected: `size`, `version`, `signature` or `schema`.
        """
        if not BODY_AT < len(data) <= ENVELOPE_BYTES + BODY_AT:
            raise Rejected("size")
        head, mac, body = data[:HEAD_BYTES], data[HEAD_BYTES:BODY_AT], data[BODY_AT:]
        if head[:1] != VERSION:
            raise Rejected("version")
        if not hmac.compare_digest(mac, self._mac(channel, head, body)):
            raise Rejected("signature")
        try:
            told = self._decode(body)
        except msgspec.MsgspecError:
            raise Rejected("schema") from None
        fresh = abs(self._clock.now_ms() - told.sent_ms) <= HINT_AGE_MS
        return [
            taken(item) for item in told.items if fresh or not isinstance(item, OF_NOW)
        ]

    def _mac(self, channel: bytes, head: bytes, body: bytes) -> bytes:
        # Fixed lengths first, so that no byte can change sides.
        told = b"".join((head, len(channel).to_bytes(4), channel, body))
        return hashlib.blake2b(told, digest_size=MAC_BYTES, key=self._key).digest()


def _without_event(item: Item) -> Item:
    if isinstance(item, _Logged):
        return msgspec.structs.replace(item, event=None)
    return item


def item(announcement: Announcement) -> Item | None:
    """An announcement as it travels; None if it concerns this process alone."""
    match announcement:
        case Logged(tenant, conversation_id, seq, kind, event, origin):
            told = event if isinstance(event, LogEvent) else None
            return _Logged(tenant, conversation_id, seq, kind, told, origin)
        case PersonalMoved(tenant, user_id, personal_seq, origin):
            return _PersonalMoved(tenant, user_id, personal_seq, origin)
        case FactsMoved(tenant, noun, id_):
            return _FactsMoved(tenant, noun, id_)
        case SessionsEnded(tenant, user_id, before_ms):
            return _SessionsEnded(tenant, user_id, before_ms)
        case Hinted(tenant, conversation_id, actor_id, event):
            if not isinstance(event, Hint):
                return None
            return _Hinted(tenant, conversation_id, actor_id, event)
        case PresenceMoved(tenant, user_id, online):
            return _PresenceMoved(tenant, user_id, online)


def taken(item: Item) -> Announcement | Lost | Probe:
    """The announcement that travelled."""
    match item:
        case _Logged():
            return Logged(
                item.tenant,
                item.conversation_id,
                item.seq,
                item.kind,
                item.event,
                item.origin,
            )
        case _PersonalMoved():
            return PersonalMoved(
                item.tenant, item.user_id, item.personal_seq, item.origin
            )
        case _FactsMoved():
            return FactsMoved(item.tenant, item.noun, item.id)
        case _SessionsEnded():
            return SessionsEnded(item.tenant, item.user_id, item.before_ms)
        case _Hinted():
            return Hinted(item.tenant, item.conversation_id, item.actor_id, item.event)
        case _PresenceMoved():
            return PresenceMoved(item.tenant, item.user_id, item.online)
        case _:
            return item


def channel_of(channels: Channels, announcement: Announcement) -> tuple[int, bytes]:
    """The partition and the channel on which an announcement is told."""
    match announcement:
        case Logged(tenant, id_) | Hinted(tenant, id_):
            return channels.of("conversation", tenant, id_)
        case PersonalMoved(tenant, id_) | SessionsEnded(tenant, id_):
            return channels.of("person", tenant, id_)
        case PresenceMoved(tenant, id_):
            return channels.of("presence", tenant, id_)
        case FactsMoved(tenant):
            return channels.of_everyone(tenant)
