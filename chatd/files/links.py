"""Addresses that are good for a minute without a token: what one says, and its seal.

A browser's `<img>` sends no token. A link names who asked for it and which file; what
that person may see is looked up again whenever it is used, so a link gives no right
that its maker has lost meanwhile.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

import msgspec

LINK_S: Final = 60
"""How long a link is good (SPEC, Files)."""

_SEAL_BYTES: Final = 32
_PURPOSE: Final = b"attachment link"


class Link(msgspec.Struct, frozen=True, array_like=True):
    """Who may fetch what until when; `issued_ms` tells it from ended sessions."""

    tenant: str
    user_id: str
    attachment_id: str
    issued_ms: int
    thumbnail: bool = False

    @property
    def expires_ms(self) -> int:
        """From when on it is no longer good."""
        return self.issued_ms + LINK_S * 1000


@dataclass(frozen=True, slots=True)
class Links:
    """Seals links with what all processes of an installation share."""

    secret: bytes

    def seal(self, link: Link) -> str:
        """The text of a link, safe in an address."""
        content = msgspec.msgpack.encode(link)
        sealed = self._mac(content) + content
        return urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, text: str, now_ms: int) -> Link | None:
        """What a link says, if it is one of ours and still good."""
        try:
            sealed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            mac, content = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
            if not hmac.compare_digest(mac, self._mac(content)):
                return None
            link = msgspec.msgpack.decode(content, type=Link)
        except (ValueError, msgspec.MsgspecError):
            return None
        return link if link.issued_ms <= now_ms < link.expires_ms else None

    def _mac(self, content: bytes) -> bytes:
        # Keyed apart from whatever else is made of the same secret.
        key = hashlib.blake2b(self.secret, digest_size=32, person=_PURPOSE).digest()
        return hmac.digest(key, content, "sha256")
