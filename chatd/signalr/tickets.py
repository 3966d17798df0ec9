"""Connection tokens that every process of a deployment can read, and nobody else.

Behind a balancer, the request that follows a negotiation may reach another process. The
token says which process has the connection, so that a WebSocket can be opened wherever
it arrives and any other request can be handed to its owner.

A token is sealed, not merely signed: clients must not learn the addresses of processes,
and it may carry the access token of clients that send theirs only once.
"""

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatd.clock import Clock

NONCE_BYTES: Final = 12
"""What NIST SP 800-38D 8.2 asks of AES-GCM; random ones are good for 2^32 tokens."""

TICKET_S: Final = 60
"""How old a ticket may be with which a connection begins. A client connects within a
second or two of negotiating."""

BEARER_BYTES_MAX: Final = 2048
"""Request lines end at 8 KB in nginx, and may hold the access token besides. A longer
one is left out: its client must send it again, as all but a few do anyway."""

RELAY_S: Final = 30
"""How old the word of a sibling may be; two hosts' clocks may differ that much."""

T = TypeVar("T")


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """What a connection token says.

    `home` is the address of the process that answered the negotiation, in its `life`;
    `hub` is the path of its hub. `connection_id` is empty where the token itself is the
    id (version 0 of negotiation). `bearer` and `headers` are the negotiation's.
    """

    home: str
    life: str
    hub: str
    user: str
    connection_id: str
    issued_ms: int
    bearer: str | None = None
    headers: dict[str, str] = {}


class Relayed(msgspec.Struct, frozen=True, array_like=True):
    """What a process says of a request that it hands on: from whom it really came."""

    method: str
    path: str
    client: str
    secure: bool
    sent_ms: int


class Spent:
    """Tickets whose connections have ended here: nothing begins with them again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_s: dict[str, float] = {}

    def __contains__(self, token: str) -> bool:
        return token in self._until_s

    def add(self, token: str) -> None:
        """Remember it until it is too old anyway."""
        now_s = self._clock.monotonic()
        while self._until_s:
            oldest = next(iter(self._until_s))
            if self._until_s[oldest] > now_s:
                break
            del self._until_s[oldest]
        # A sibling's clock that is ahead may have dated it so much later.
        self._until_s[token] = now_s + 2 * TICKET_S


@dataclass(frozen=True, slots=True)
class Siblings:
    """The other processes of this deployment, as far as a hub needs to know them.

    Args:
        secret: what all of them share; at least 32 bytes.
        home: where the others reach this process, such as `http://10.0.0.7:8081`.
        clock: for the age of what others have sealed.
        life: tells this process from the one that was at `home` before.
    """

    secret: bytes
    home: str
    clock: Clock
    life: str = field(default_factory=lambda: secrets.token_urlsafe(6))

    def issue(
        self,
        hub: str,
        user: str,
        connection_id: str,
        *,
        bearer: str | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """The token of a connection that begins when it is used."""
        if bearer is not None and len(bearer) > BEARER_BYTES_MAX:
            bearer = None
        ticket = Ticket(
            self.home,
            self.life,
            hub,
            user,
            connection_id,
            self.clock.now_ms(),
            bearer,
            dict(headers),
        )
        return self._seal("ticket", ticket)

    def read(self, token: str, hub: str) -> Ticket | None:
        """What a token for this hub says, of any age; None if no sibling made it."""
        ticket = self._open("ticket", token, Ticket)
        return None if ticket is None or ticket.hub != hub else ticket

    def is_home(self, ticket: Ticket) -> bool:
        """Whether this very process has issued it."""
        return (ticket.home, ticket.life) == (self.home, self.life)

    def is_young(self, ticket: Ticket) -> bool:
        """Whether a connection may still begin with it."""
        age_ms = self.clock.now_ms() - ticket.issued_ms
        return abs(age_ms) <= TICKET_S * 1000

    def vouch(self, method: str, path: str, client: str, *, secure: bool) -> str:
        """A header's value for a request that is handed to its owner."""
        told = Relayed(method, path, client, secure, self.clock.now_ms())
        return self._seal("relay", told)

    def vouched(self, value: str, method: str, path: str) -> Relayed | None:
        """What a sibling says of this very request, if it is one's and recent."""
        told = self._open("relay", value, Relayed)
        if told is None or (told.method, told.path) != (method, path):
            return None
        if abs(self.clock.now_ms() - told.sent_ms) > RELAY_S * 1000:
            return None
        return told

    def _cipher(self, purpose: str) -> AESGCM:
        # One key per purpose: what is sealed for one can never pass for the other.
        person = f"signalr {purpose}".encode()
        return AESGCM(
            hashlib.blake2b(self.secret, digest_size=32, person=person).digest()
        )

    def _seal(self, purpose: str, content: msgspec.Struct) -> str:
        nonce = secrets.token_bytes(NONCE_BYTES)
        plain = msgspec.msgpack.encode(content)
        sealed = nonce + self._cipher(purpose).encrypt(nonce, plain, None)
        return urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def _open(self, purpose: str, text: str, type_: type[T]) -> T | None:
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            plain = self._cipher(purpose).decrypt(nonce, body, None)
            return msgspec.msgpack.decode(plain, type=type_)
        except (ValueError, InvalidTag, msgspec.MsgspecError):
            return None
