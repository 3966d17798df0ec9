"""Opaque cursors of pages: where a page ended, checked when it comes back."""

import base64
import binascii
from typing import TypeVar

import msgspec

from chatd.errors import invalid

T = TypeVar("T")


def encode(position: tuple[str | int, ...]) -> str:
    """The cursor of a position."""
    raw = msgspec.json.encode(position)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(cursor: str, shape: type[T]) -> T:
    """The position of a cursor that `encode` made. A made-up one can only page oddly:
    what may be seen is decided anew with every page.

    Raises:
        Refused: `invalid_request` for anything else.
    """
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.MsgspecError, binascii.Error, UnicodeError, ValueError):
        raise invalid("/cursor", "not_a_cursor") from None
